"""Rules for Shifter's image gateway. Pure functions; each problem names the key and the fix."""

import re
from collections.abc import Callable, Iterator

from components.forms import REGISTRY
from components.parts.part import Ground
from components.platforms.shifter import gateway
from components.platforms.shifter.config import Shifter
from components.platforms.shifter.roles import gateway_url
from components.problem import Problem

_GATEWAY = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/?", re.ASCII)
_ELSEWHERE = {
    "CacheDirectory": "images.cache",
    "DefaultImageLocation": "the first of gateway.locations",
    "ExpandDirectory": "images.expand",
    "Locations": "gateway.locations",
    "MongoDBURI": "gateway.mongodb",
    "Platforms": "system, gateway.also and images.path",
    "WorkerThreads": "gateway.workerThreads",
}
"""Keys of imagemanager.json that follow from other keys of the site, and from which."""


def settings(config: Shifter, _: Ground) -> Iterator[Problem]:
    """Nothing in imagemanager.json is set twice, and no system is named twice."""
    own = config.gateway
    for name in own.more:
        if name in _ELSEWHERE:
            yield Problem(("gateway", "more", name), f"follows from {_ELSEWHERE[name]}. Write it there.")
    for index, system in enumerate(own.also):
        if system in (config.system, *own.also[:index]):
            yield Problem(("gateway", "also", index), f"{system} is named already. Take it away.")


def places(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """Registries have valid names, and further gateways valid URLs."""
    own = config.gateway
    for name in own.locations:
        if not REGISTRY.fullmatch(name):
            yield Problem(("gateway", "locations", name), 'is not HOST or HOST:PORT, for example "registry-1:5000".')
    first = gateway_url(config, ground.hosts) if own.host in ground.hosts else ""
    for index, url in enumerate(own.more_urls):
        if not _GATEWAY.fullmatch(url):
            text = 'is not http://HOST:PORT of a gateway, for example "http://10.0.0.12:5000".'
            yield Problem(("gateway", "moreUrls", index), text)
        elif url.rstrip("/") in (first, *own.more_urls[:index]):
            yield Problem(("gateway", "moreUrls", index), f"{url} is named already. Take it away.")


CHECKS: tuple[Callable[[Shifter, Ground], Iterator[Problem]], ...] = (settings, places)


def notes(config: Shifter) -> Iterator[Problem]:
    """Remarks about settings that are allowed."""
    index = config.gateway.index
    if index and index.startswith("http://") and not config.gateway.requirements:
        text = "uses http, so nothing verifies its packages. Write https, or requirements with hashes."
        yield Problem(("gateway", "index"), text)
    if gateway.has_workers(config):
        text = f"Shifter {config.source.version} pulls with Celery and Redis; its documents name Python 2.7."
        yield Problem(("gateway",), text)
