"""The site's platforms as its plan sees them: what they ask of their hosts, and what they bring. Pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from components.host.config import Host
from components.host.openings import Opening
from components.hostrun.step import Step
from components.platforms.platform import Platform
from components.platforms.registry import AnyPlatform, platform_of

if TYPE_CHECKING:
    from stacks.config import Site


def prepared(site: "Site") -> "Site":
    """The site with its hosts as its platforms want them, where it says nothing else."""
    hosts = dict(site.hosts)
    for config in site.platforms:
        kind = platform_of(config)
        for name in kind.uses(config, hosts):
            if name in hosts:
                hosts[name] = kind.prepare(config, hosts[name], hosts)
    return site.model_copy(update={"hosts": hosts}) if site.platforms else site


def checks(site: "Site", host: Host) -> list[Step]:
    """For preflight of the host."""
    return [step for config, kind in _on(site, host) for step in kind.checks(config, host, site.hosts)]


def openings(site: "Site", host: Host) -> list[Opening]:
    """What they let in through the host's firewall."""
    return [opening for config, kind in _on(site, host) for opening in kind.openings(config, host, site.hosts)]


def docker_users(site: "Site", host: Host) -> list[str]:
    """Who starts containers on the host for a platform."""
    return [user for config, kind in _on(site, host) for user in kind.docker_users(config)]


def _on(site: "Site", host: Host) -> Iterator[tuple[AnyPlatform, Platform[Any]]]:
    for config, names in zip(site.platforms, site.platform_hosts, strict=True):
        if host.name in names:
            yield config, platform_of(config)
