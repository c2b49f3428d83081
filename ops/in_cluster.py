"""kubectl on a control plane, over our own SSH: the verbs that change the cluster need no kubeconfig of their own."""

import asyncio
import json
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from components.hostrun.fleet import Fleet
from components.hostrun.target import SshError, Target
from ops import site as sites
from ops.flags import Flags
from ops.stop import Code, Stop
from stacks.model import Site

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=30s"
LIMIT = 60.0
"""Seconds for one call."""

T = TypeVar("T")


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one control plane."""

    fleet: Fleet
    target: Target

    async def run(self, *words: str, stdin: str = "", deadline: float = LIMIT) -> str:
        """What it prints. Raises Stop with its last line if it fails. Secrets belong in `stdin`, never in `words`."""
        done, text, said = await self._ask(words, stdin, deadline)
        if not done:
            raise Stop(Code.NOT_ASKED, [f"{self.target.name} [kubectl] {' '.join(words[:3])}: {said}"])
        return text

    async def get(self, *words: str) -> dict[str, Any] | None:
        """One object, or a list of them; None where there is none of that name, or no such kind. Raises Stop."""
        done, text, said = await self._ask(("get", *words, "--ignore-not-found", "-o", "json"), "", LIMIT)
        if not done and "the server doesn't have a resource type" not in said:
            raise Stop(Code.NOT_ASKED, [f"{self.target.name} [kubectl] get {words[0]}: {said}"])
        if not done or not text.strip():
            return None
        try:
            return dict(json.loads(text))
        except ValueError:
            said = f"its answer of {len(text)} characters is cut short"
            raise Stop(Code.NOT_ASKED, [f"{self.target.name} [kubectl] get {words[0]}: {said}."]) from None

    async def items(self, *words: str) -> list[dict[str, Any]]:
        """The objects of a list. Raises Stop."""
        found = await self.get(*words)
        return list(found["items"]) if found else []

    async def bash(self, script: Path, *words: str) -> str:
        """What a script prints there. Raises Stop with its last line if it fails."""
        done, text, said = await self._run(shlex.join(["bash", "-s", "--", *words]), script.read_bytes(), LIMIT)
        if not done:
            raise Stop(Code.NOT_ASKED, [f"{self.target.name} [{script.stem}] {said}"])
        return text

    async def _ask(self, words: tuple[str, ...], stdin: str, deadline: float) -> tuple[bool, str, str]:
        return await self._run(f"{KUBECTL} {shlex.join(words)}", stdin.encode(), deadline)

    async def _run(self, command: str, stdin: bytes, deadline: float) -> tuple[bool, str, str]:
        try:
            answer = await self.fleet.ask(self.target, command, stdin=stdin, deadline=deadline)
        except SshError as error:
            raise Stop(Code.NOT_ASKED, [str(error)]) from None
        lines = answer.stderr.strip().splitlines() or [f"it ended with status {answer.status} and without a word"]
        return answer.status == 0, answer.stdout, lines[-1][:500]


def with_cluster(flags: Flags, site: Site, work: Callable[[Kubectl], Awaitable[T]]) -> T:
    """Runs `work` with the kubectl of the first control plane whose API server answers. Raises Stop."""
    if site.kubernetes is None:
        raise Stop(Code.WRONG, ["The site has no cluster. Fix: write kubernetes: {} in it, then pulumi up."])
    fleet, unasked = sites.reach(flags, {host.name: host for host in site.control_planes})
    return asyncio.run(_with_first(fleet, [str(check) for check in unasked], work))


async def _with_first(fleet: Fleet, lines: list[str], work: Callable[[Kubectl], Awaitable[T]]) -> T:
    for target in fleet.targets.values():
        kubectl = Kubectl(fleet, target)
        try:
            await kubectl.run("get", "--raw", "/readyz")
        except Stop as stop:
            lines += stop.lines
            continue
        return await work(kubectl)
    raise Stop(Code.NOT_ASKED, [*lines, "No control plane answers. Fix: sitectl verify says what is wrong there."])
