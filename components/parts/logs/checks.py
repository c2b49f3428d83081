"""What must hold of the logs in their site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain as joined

from components.model import amount
from components.parts import chart
from components.parts.logs.config import Logs
from components.parts.logs.values import AGENTS_DECIDED_BY, STORE_DECIDED_BY, agents, store
from components.parts.part import Ground
from components.problem import Problem, below

_LEAST = 2 * 1024**3


def storage(config: Logs, _: Ground) -> Iterator[Problem]:
    """The volume is large enough to be of use."""
    if config.storage and amount(config.storage.size) < _LEAST:
        yield Problem(("storage", "size"), f'"{config.storage.size}" is too small. Write 2Gi or more, such as "50Gi".')


def open_values(config: Logs, _: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    yield from below(("store",), chart.decided(config.store.values, store(config), STORE_DECIDED_BY))
    yield from below(("collector",), chart.decided(config.collector.values, agents(config), AGENTS_DECIDED_BY))


CHECKS: tuple[Callable[[Logs, Ground], Iterator[Problem]], ...] = (storage, open_values)


def checks(config: Logs, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return joined.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Logs, _: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if config.storage is None:
        yield Problem((), "without storage, all logs are lost whenever the pod of the store moves. Write storage: {}.")
