"""kubectl on a control plane, over our own SSH: the verbs that change the cluster need no kubeconfig of their own."""

import asyncio
import json
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from components.hostrun.fleet import Fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from ops import site as sites
from ops.flags import Flags
from ops.stop import Code, Stop
from stacks.model import Site

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=30s"
LIMIT = 60.0
"""Seconds for one call."""

T = TypeVar("T")


class UnansweredError(Stop):
    """A control plane, or kubectl there, gave no answer."""

    def __init__(self, where: str, says: str, unreached: SshError | None = None) -> None:
        super().__init__(Code.NOT_ASKED, [f"{where}: {says}" if unreached is None else str(unreached)])
        self.says = says
        """Kubectl's last line."""
        self.unreached = unreached
        """Why the control plane itself could not be asked."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one control plane."""

    fleet: Fleet
    target: Target

    async def run(self, *words: str, stdin: str = "", deadline: float = LIMIT) -> str:
        """What it prints. Raises UnansweredError if it fails. Secrets belong in `stdin`, never in `words`."""
        answer = await self.call(*words, stdin=stdin, deadline=deadline)
        if answer.status:
            raise self._error(" ".join(words[:3]), last(answer))
        return answer.stdout

    async def call(self, *words: str, stdin: str = "", deadline: float = LIMIT) -> Result:
        """Its answer, whatever it is. Raises UnansweredError where the control plane gives none."""
        return await self._run(f"{KUBECTL} {shlex.join(words)}", stdin.encode(), deadline)

    async def show(self, words: str, path: str) -> str:
        """What a JSONPath template prints of `words`, which are what kubectl gets. Raises UnansweredError."""
        answer = await self._run(f"{KUBECTL} get {words} -o jsonpath={shlex.quote(path)}", b"", LIMIT)
        if answer.status:
            raise self._error(f"get {words.split(maxsplit=1)[0]}", last(answer))
        return answer.stdout

    async def get(self, *words: str) -> dict[str, Any] | None:
        """One object, or a list; None where there is none of that name, or no such kind. Raises UnansweredError."""
        answer = await self.call("get", *words, "--ignore-not-found", "-o", "json")
        if answer.status and "the server doesn't have a resource type" not in last(answer):
            raise self._error(f"get {words[0]}", last(answer))
        if answer.status or not answer.stdout.strip():
            return None
        return self.parsed(answer, f"get {words[0]}")

    def parsed(self, answer: Result, asked: str) -> dict[str, Any]:
        """The JSON of an answer. Raises UnansweredError."""
        try:
            return dict(json.loads(answer.stdout))
        except ValueError:
            raise self._error(asked, f"its answer of {len(answer.stdout)} characters is cut short.") from None

    async def items(self, *words: str) -> list[dict[str, Any]]:
        """The objects of a list. Raises UnansweredError."""
        found = await self.get(*words)
        return list(found["items"]) if found else []

    async def named(self, wanted: Sequence[Mapping[str, Any]], deadline: float = LIMIT) -> list[dict[str, Any]]:
        """Those of these objects (apiVersion, kind, metadata) that are there, in one request: kubectl reads from stdin
        which ones to get. Raises UnansweredError."""
        if not wanted:
            return []
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted})
        answer = await self.call("get", "--ignore-not-found", "-o", "json", "-f", "-", stdin=stdin, deadline=deadline)
        lines = answer.stderr.strip().splitlines()
        # A kind that the cluster does not know (its CRD is gone): kubectl says so, and gives the others.
        known = [line for line in lines if "no matches for kind" in line or "ensure CRDs" in line]
        if answer.status and (not lines or known != lines):
            raise UnansweredError(self.target.name, last(answer))
        if not answer.stdout.strip():
            return []
        found = self.parsed(answer, "get")
        return list(found["items"]) if found["kind"].endswith("List") else [found]

    async def bash(self, script: Path, *words: str) -> str:
        """What a script prints there. Raises Stop with its last line if it fails."""
        answer = await self.script(script.read_bytes(), *words)
        if answer.status:
            raise Stop(Code.NOT_ASKED, [f"{self.target.name} [{script.stem}] {last(answer)}"])
        return answer.stdout

    async def script(self, text: bytes, *words: str) -> Result:
        """The answer of a script in bash, whatever it is. Raises UnansweredError where the control plane gives none."""
        return await self._run(shlex.join(["bash", "-s", "--", *words]), text, LIMIT)

    def _error(self, asked: str, says: str) -> UnansweredError:
        return UnansweredError(f"{self.target.name} [kubectl] {asked}", says)

    async def _run(self, command: str, stdin: bytes, deadline: float) -> Result:
        try:
            return await self.fleet.ask(self.target, command, stdin=stdin, deadline=deadline)
        except SshError as error:
            raise UnansweredError(self.target.name, error.message, error) from None


def last(answer: Result) -> str:
    """The last line of what it said on stderr."""
    lines = answer.stderr.strip().splitlines() or [f"it ended with status {answer.status} and without a word"]
    return lines[-1][:500]


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
