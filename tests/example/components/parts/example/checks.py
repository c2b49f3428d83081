"""What must hold of the example in its site."""

from collections.abc import Callable, Iterator
from itertools import chain

from components.parts.example.config import Example

from components.parts.part import Ground
from components.problem import Problem


def hosts(config: Example, ground: Ground) -> Iterator[Problem]:
    """Its host is there."""
    host = ground.hosts.get(config.host)
    if host is None or host.state == "gone":
        yield Problem(("host",), f"{config.host} is not a host of this site. Write one of hosts.")


CHECKS: tuple[Callable[[Example, Ground], Iterator[Problem]], ...] = (hosts,)


def checks(config: Example, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)
