"""Before an object of Rancher's kinds is made or changed: Rancher would refuse what it has not finished yet.

Rancher deletes the namespace of a project some seconds after the project, and makes no project of that name before;
and it refuses a quota below what it has counted in the project's namespaces, which it counts some seconds late. So the
program waits for both, says for what, and gives up after LIMIT. An object that others made under a name of ours is
refused: it would be changed, and deleted with its entry.

Rows: T5.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first
from components.model import amount
from components.platforms.rancher import places

SCRIPT, USED = Path(__file__).with_name("own.sh"), Path(__file__).with_name("used.sh")
LIMIT, PAUSE = 180.0, 3.0
"""Seconds to wait at most, and between two looks."""
Tell = Callable[[str], None]


class OwnError(Exception):
    """The object may not be made or changed yet. str() is `host [rancher] …`."""


@dataclass(frozen=True)
class Own:
    """An object under a name of ours."""

    plural: str
    """Of its kind, such as projects."""
    name: str
    namespace: str = "-"
    """Where it is; `-` where it is in none."""
    backing: str = ""
    """The namespace that Rancher makes for it, if it does."""
    group: str = f".{places.GROUP}"
    """Behind the plural: Rancher's, or nothing for Kubernetes' own kinds."""

    @property
    def kind(self) -> str:
        """As kubectl knows it."""
        return f"{self.plural}{self.group}"

    @property
    def within(self) -> str:
        """kubectl's words for its namespace."""
        return "" if self.namespace == "-" else f" -n {self.namespace}"


async def free(planes: Sequence[Target], own: Own, tell: Tell) -> None:
    """Waits until nothing of this name ends any more. An object that an earlier run made is taken over.

    Raises OwnError for what others made, for what does not end in time, and if no control plane answers.
    """
    words = " ".join(map(quote, (own.kind, own.namespace, own.name, *([own.backing] if own.backing else []))))
    what, end, told = f"whether {own.plural} {own.name} of Rancher is free", time.monotonic() + LIMIT, False
    while True:
        plane, said = await _asked(planes, words, SCRIPT, what)
        lines = said.splitlines()
        if lines[:1] == ["foreign"]:
            raise OwnError(_foreign(plane, own))
        if lines[:1] != ["ends"]:
            return
        if time.monotonic() >= end:
            raise OwnError(_held(plane, own, lines[1], "; ".join(lines[2:])))
        if not told:
            tell(f"{own.name}: waits until the former {lines[1]} is gone, {LIMIT:g} s at most")
        told = True
        await asyncio.sleep(PAUSE)


async def room(planes: Sequence[Target], project: str, limit: Mapping[str, Any], tell: Tell) -> None:
    """Waits until what Rancher has counted of a project's quota is no more than `limit`. Raises OwnError."""
    own, end, told = places.project(project), time.monotonic() + LIMIT, False
    while True:
        plane, said = await _asked(planes, f"{places.CLUSTER} {quote(own)}", USED, f"what project {project} uses")
        above = exceeded(json.loads(said or "{}"), limit)
        if not above:
            return
        if time.monotonic() >= end:
            raise OwnError(_full(plane, project, above))
        if not told:
            tell(f"{own}: waits until Rancher has counted the smaller quota of its namespaces, {LIMIT:g} s at most")
        told = True
        await asyncio.sleep(PAUSE)


def exceeded(used: Mapping[str, Any], limit: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What is used above its limit: key → used and limit. A key that has no limit counts for nothing."""
    mine, most = _flat(used), _flat(limit)
    return {key: (mine[key], most[key]) for key in mine.keys() & most.keys() if amount(mine[key]) > amount(most[key])}


def _flat(limit: Mapping[str, Any]) -> dict[str, str]:
    own = {key: str(value) for key, value in limit.items() if key != "extended"}
    return own | {key: str(value) for key, value in (limit.get("extended") or {}).items()}


async def _asked(planes: Sequence[Target], words: str, script: Path, what: str) -> tuple[Target, str]:
    try:
        return await first(planes, f"bash -s -- {words}", script.read_bytes())
    except NobodyError as error:
        raise OwnError(error.told("rancher", what)) from None


def _foreign(plane: Target, own: Own) -> str:
    return (
        f"{plane.name} [rancher] {own.kind} {own.name} is there already, and this program did not make it. Nothing was "
        f"changed. Fix: another name in the site; or, to make it the site's, with which it is deleted: "
        f"kubectl label{own.within} {own.kind} {own.name} {places.MADE}=true"
    )


def _held(plane: Target, own: Own, what: str, why: str) -> str:
    said = why or "Kubernetes does not say what holds it"
    within = "" if what.startswith("namespace ") else own.within
    return (
        f"{plane.name} [rancher] the former {what} still ends after {LIMIT:g} s: {said}. {own.name} was not made. "
        f"Fix: remove what holds it, see kubectl get{within} {what} -o yaml; then pulumi up"
    )


def _full(plane: Target, project: str, above: Mapping[str, tuple[str, str]]) -> str:
    said = ", ".join(f"{key} {used} of {most}" for key, (used, most) in sorted(above.items()))
    return (
        f"{plane.name} [rancher] Rancher counts more in the namespaces of project {project} than the site gives it: "
        f"{said}. The project was not changed. Fix: give it more; or its namespaces, which "
        f"kubectl get namespaces -l {places.PROJECT}={places.project(project)} lists, less in Rancher; then pulumi up"
    )
