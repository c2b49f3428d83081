"""What must hold of the example in its site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain

from components.parts.example.config import Example
from components.parts.part import Ground
from components.problem import Problem


def host(config: Example, ground: Ground) -> Iterator[Problem]:
    """The host is there."""
    found = ground.hosts.get(config.host)
    if found is None or found.state == "gone":
        what = "is gone" if found else "is not a host of this site"
        yield Problem(("host",), f"{config.host} {what}. Write one of hosts.")


def page(config: Example, _: Ground) -> Iterator[Problem]:
    """The page lies somewhere."""
    if (config.page.file is None) == (config.page.url is None):
        yield Problem(("page",), "needs one of file and url. Write where the page lies.")


CHECKS: tuple[Callable[[Example, Ground], Iterator[Problem]], ...] = (host, page)


def checks(config: Example, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def names(_: Example, ground: Ground) -> Iterator[Problem]:
    """The page has a line for each project, of so many letters."""
    for name in ground.projects:
        if len(name) > _LINE:
            yield Problem(("projects", name), f"has {len(name)} letters, the example's page has room for {_LINE}.")


_LINE = 20


def notes(_: Example, ground: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if not ground.projects:
        yield Problem((), "the site has no projects, so that nobody is told of the page.")
