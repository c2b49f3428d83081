"""What must hold between a site and its platforms. Pure functions; each problem names the key and the fix."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from components.engine.config import Docker
from components.platforms.registry import platform_of
from stacks.source import Problem

if TYPE_CHECKING:
    from stacks.config import Site

_TAKEN = ("library", "runner", "preflight", "base", "gpu", "engine", "node", "member")
"""Names of layers that are not a platform's."""


def names(site: "Site") -> Iterator[Problem]:
    """Each platform has a name of its own, which its layers bear."""
    first: dict[str, int] = {}
    for index, config in enumerate(site.platforms):
        key = ("platforms", index, "name")
        if first.setdefault(config.name, index) != index:
            other = f"platforms[{first[config.name]}]"
            yield Problem(key, f"{config.name} is also the name of {other}. Give it another name.")
        if config.name in _TAKEN or config.name.startswith(("member-", "members-")):
            yield Problem(key, f"{config.name} is a layer of other rooms. Use another name.")


def engines(site: "Site") -> Iterator[Problem]:
    """What runs in Docker has it."""
    for index, config in enumerate(site.platforms):
        if not platform_of(config).docker_users(config) or isinstance(site.container_engine, Docker | None):
            continue
        text = f"{config.kind} runs in Docker, the site's engine is containerd. Give it a site of its own"
        fix = "." if site.kubernetes else ", or write engine: {kind: docker}."
        yield Problem(("platforms", index), text + fix)


CHECKS: tuple[Callable[["Site"], Iterator[Problem]], ...] = (names, engines)
