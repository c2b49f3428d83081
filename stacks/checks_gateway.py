"""What must hold of a Shifter's image gateway. Pure functions; each problem names the key and the fix."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from components.platforms.shifter import gateway
from components.platforms.shifter.config import Shifter
from stacks.source import Key, Problem

if TYPE_CHECKING:
    from stacks.config import Site

_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9]\d{0,4})?")
_WEB = re.compile(r"https?://[^\s/]+(/\S*)?")
_ELSEWHERE = {
    "CacheDirectory": "images.cache",
    "DefaultImageLocation": "the first of gateway.locations",
    "ExpandDirectory": "images.expand",
    "Locations": "gateway.locations",
    "MongoDBURI": "gateway.mongodb",
    "Platforms": "system, gateway.also and images.path",
    "WorkerThreads": "gateway.workerThreads",
}
"""What other keys of the site decide of imagemanager.json."""


def settings(site: "Site") -> Iterator[Problem]:
    """imagemanager.json says each thing once, and every system is one of its own."""
    for key, config in _gateways(site):
        own = config.gateway
        for name in own.more:
            if name in _ELSEWHERE:
                yield Problem((*key, "more", name), f"is decided by {_ELSEWHERE[name]}. Write it there.")
        for index, system in enumerate(own.also):
            if system in (config.system, *own.also[:index]):
                yield Problem((*key, "also", index), f"{system} is served already. Take it away.")


def places(site: "Site") -> Iterator[Problem]:
    """Registries and the package index have addresses; what is read from this machine is there."""
    for key, config in _gateways(site):
        own = config.gateway
        for name, location in own.locations.items():
            if not _REGISTRY.fullmatch(name):
                yield Problem((*key, "locations", name), 'is not HOST or HOST:PORT, for example "registry-1:5000".')
            if location.url and not _WEB.fullmatch(location.url):
                yield Problem((*key, "locations", name, "url"), 'is not a URL, for example "https://registry-1:5000".')
        if own.index and not _WEB.fullmatch(own.index):
            text = 'is not the URL of a package index, for example "https://mirror.example.org/simple/".'
            yield Problem((*key, "index"), text)
        if own.requirements and not own.requirements.is_file():
            yield Problem((*key, "requirements"), f"there is no file {own.requirements.name}. Correct the path.")


def ports(site: "Site") -> Iterator[Problem]:
    """One service a port."""
    registry = site.registry
    for key, config in _gateways(site):
        own = config.gateway
        if registry and (registry.host, registry.port) == (own.host, own.port):
            text = f"{own.port} is also registry.port, on the same host. Give one of them another port."
            yield Problem((*key, "port"), text)


CHECKS: tuple[Callable[["Site"], Iterator[Problem]], ...] = (settings, places, ports)


def notes(site: "Site") -> list[str]:
    """What is allowed and yet worth a line."""
    found = []
    for key, config in _gateways(site):
        at = f"{key[0]}[{key[1]}].gateway"
        if config.gateway.index and config.gateway.index.startswith("http://") and not config.gateway.requirements:
            text = "by http; nothing proves its packages. Write https, or requirements with hashes."
            found.append(f"{at}.index: {text}")
        if gateway.has_workers(config):
            found.append(
                f"{at}: Shifter {config.source.version} pulls by Celery and Redis, on Python 2.7 by its documents."
            )
    return found


def _gateways(site: "Site") -> Iterator[tuple[Key, Shifter]]:
    for index, config in enumerate(site.platforms):
        if isinstance(config, Shifter):
            yield ("platforms", index, "gateway"), config
