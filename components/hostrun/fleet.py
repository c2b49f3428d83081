"""Many hosts at once, each with its own deadline, so that one stuck host does not stop the others' answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from components.hostrun import target as say
from components.hostrun.ssh import Result, run
from components.hostrun.target import SshError, Target

T = TypeVar("T")


class Ask(Protocol):
    """How a command gets to a host: ssh.run, or a stand-in in tests."""

    def __call__(
        self, target: Target, command: str, *, stdin: bytes = b"", deadline: float = 30, root: bool = True
    ) -> Awaitable[Result]:
        """Raises SshError."""


@dataclass(frozen=True)
class Fleet:
    """The hosts to ask, at most `parallel` at once, for `limit` seconds in all from now."""

    targets: Mapping[str, Target]
    parallel: int = 32
    limit: float = 300
    ask: Ask = run
    end: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", time.monotonic() + self.limit)

    async def each(self, work: Callable[[Target], Awaitable[T]]) -> dict[str, T | SshError]:
        """Run `work` for every target. A host that cannot be reached, or not before the limit, gets an SshError."""
        gate = asyncio.Semaphore(self.parallel)

        async def one(target: Target) -> T | SshError:
            try:
                # asyncio's clock is time.monotonic
                async with asyncio.timeout_at(self.end), gate:
                    return await work(target)
            except SshError as error:
                return error if error.host == target.name else say.on_the_way(target, error)
            except TimeoutError:
                text = (
                    f"no answer before the time was up ({self.limit:g} s for all hosts). Fix: allow more by --timeout."
                )
                return SshError(target.name, "time", text)

        answers = await asyncio.gather(*(one(target) for target in self.targets.values()))
        return dict(zip(self.targets, answers, strict=True))
