"""A node's turn in an upgrade: before its layer changes, its work moves away; after it, it takes work again.

A control plane does both, the first one that answers: a worker has no right to evict its pods, and a step on a host
sees only that host. What is refused (a PodDisruptionBudget, a job that runs) ends the node's layer before anything
changed there; the layers of later nodes depend on it, so the upgrade stops.

Rows: K9, K16.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shlex import quote

from pulumi import ResourceHook

from components.hostrun.hook import Hook
from components.hostrun.step import COMPONENTS, content
from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first
from components.kubernetes.rolling import Rolling
from components.kubernetes.upgrade import Move

SCRIPT = Path(__file__).with_name("turn.sh")
_WINDOW = COMPONENTS / "hostrun" / "window.sh"
READY = 300
"""Seconds until an upgraded node is Ready."""
_SPARE = 180.0
"""Seconds that a control plane has beyond those that it waits; 60 of them for a former node."""


class NoTurnError(Exception):
    """A node cannot be upgraded now. str() is `host [upgrade] …`."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The moves of one `up`, and how they are made."""

    version: str
    """Of Kubernetes; or the package of the container engine, NAME or NAME=VERSION."""
    rolling: Rolling
    gpus: Sequence[str] = ()
    """How the words begin by which a pod has GPUs: resources, annotations, `resourceClaims`."""
    moves: Sequence[Move] = ()
    tell: Callable[[str], None] = field(default=lambda _: None)
    hook: str = "turn"
    """The hooks' name, which no other ones of the stack have."""

    @property
    def nodes(self) -> list[str]:
        """The nodes that move, in order."""
        return [move.node for move in self.moves]

    def hooks(
        self, planes: Sequence[Target], resources: Mapping[str, str]
    ) -> dict[str, tuple[ResourceHook, ResourceHook]]:
        """Before and after the update of each node that moves, by node. `resources`: their names, by node."""
        if not self.moves:
            return {}
        begin, end = Hook(self.hook), Hook(f"{self.hook}-end")
        return {
            node: (
                begin.on(resources[node], _nothing, partial(self.begin, planes, node)),
                end.on(resources[node], _nothing, partial(self.end, planes, node)),
            )
            for node in self.nodes
        }

    def waits_for(self, node: str) -> str | None:
        """The worker that is upgraded before this one; None for the first, and for what is no worker that moves."""
        workers = [move.node for move in self.moves if move.role == "worker"]
        place = workers.index(node) - self.rolling.at_once if node in workers else -1
        return workers[place] if place >= 0 else None

    def former(self, node: str) -> str | None:
        """The node whose turn ends before this one's begins: control planes are in a row, then workers."""
        planes = [move.node for move in self.moves if move.role != "worker"]
        if node in planes:
            return planes[planes.index(node) - 1] if planes[0] != node else None
        return self.waits_for(node) or (planes[-1] if planes else None)

    def open_at(self, node: str) -> list[str]:
        """The nodes whose turn may not have ended when this one's begins: those beside it, and all later ones."""
        place = self.nodes.index(node)
        if self.moves[place].role == "worker":
            workers = next(index for index, move in enumerate(self.moves) if move.role == "worker")
            place = max(workers, place - self.rolling.at_once + 1)
        return self.nodes[place:]

    async def begin(self, planes: Sequence[Target], node: str) -> None:
        """Moves the node's work away. Raises NoTurnError."""
        rolling = self.rolling
        self.tell(f"{node} [upgrade] to {self.version}: takes no new work; its pods move within {_limit(rolling)}")
        words = node, self.version, str(rolling.drain_timeout), str(rolling.wait_for_jobs), "|".join(self.gpus)
        begin = "begin", *words, rolling.window or "", " ".join(self.open_at(node))
        await self._ask(planes, begin, rolling.drain_timeout + rolling.wait_for_jobs * 60)

    async def end(self, planes: Sequence[Target], node: str) -> None:
        """The node takes work again. Raises NoTurnError."""
        await self._ask(planes, ("end", node, self.version, str(READY)), READY)

    async def _ask(self, planes: Sequence[Target], words: Sequence[str], seconds: float) -> None:
        command = f"bash -s -- {' '.join(map(quote, words))}"
        script = _WINDOW.read_bytes() + content(SCRIPT)
        try:
            _, said = await first(planes, command, script, seconds + _SPARE)
        except NobodyError as error:
            raise NoTurnError(f"{words[1]} [upgrade] no control plane could {words[0]} its turn: {error}") from None
        refused = [line.removeprefix("no ") for line in said.splitlines() if line.startswith("no ")]
        if refused:
            raise NoTurnError(f"{words[1]} [upgrade] {refused[-1]}")


async def _nothing() -> None:
    """A node whose layer is created joins: it has no work yet."""


def _limit(rolling: Rolling) -> str:
    jobs = f"{rolling.wait_for_jobs} min for jobs with GPUs, then " if rolling.wait_for_jobs else ""
    return f"{jobs}{rolling.drain_timeout} s"
