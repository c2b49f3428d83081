"""Who serves the share to whom, and where on it what lies. Hosts that are gone are included: Pulumi must still forget
their layers. Pure.
"""

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import PurePosixPath
from typing import NamedTuple

from components.host.config import Host
from components.host.openings import Network, collapsed
from components.parts.part import Hosts
from components.parts.storage.config import Nfs, Storage, Volume


class Place(NamedTuple):
    """A folder of a server."""

    server: str
    path: str


def share(config: Storage, hosts: Hosts) -> Place | None:
    """The site's share; None without one, and while its host is not one of the site's."""
    if config.server:
        return Place(str(config.server.address), config.server.path)
    if config.nfs and config.nfs.host in hosts:
        return Place(str(hosts[config.nfs.host].address), config.nfs.path)
    return None


def place(config: Storage, volume: Volume, hosts: Hosts) -> Place | None:
    """Where a volume lies; None if no server is known for it."""
    if volume.server:
        return Place(str(volume.server), volume.path)
    found = share(config, hosts)
    return found and Place(found.server, below(found.path, volume.path))


def below(path: str, folder: str | None) -> str:
    """A folder of the share at `path`."""
    return f"{path}/{folder}" if folder else path


def mount_options(config: Storage, own: Sequence[str] | None = None, *, site_share: bool = True) -> list[str]:
    """Options of a mount; `own` are those of one volume or class, instead of the site's."""
    if own is not None:
        return list(own)
    if config.mount_options:
        return list(config.mount_options)
    version = [f"nfsvers={max(config.nfs.versions)}"] if config.nfs and config.nfs.versions and site_share else []
    return [*version, "hard"]


def mounting(config: Storage, hosts: Hosts) -> list[str]:
    """The hosts that can mount shares: the clients, the server, and without a list of clients all."""
    if config.nfs is None or not config.nfs.clients:
        return list(hosts)
    named, nets = set(config.nfs.clients), networks_of(config.nfs)
    return [
        name
        for name, host in hosts.items()
        if name in named or host.group in named or name == config.nfs.host or any(host.address in net for net in nets)
    ]


def networks_of(nfs: Nfs) -> list[Network]:
    """The clients that are networks; the checks report one that is malformed."""
    return [found for client in nfs.clients if (found := network(client))]


def network(client: str) -> Network | None:
    """The client as a network; None for a name, and for what is no network."""
    try:
        return ip_network(client) if "/" in client else None
    except ValueError:
        return None


def allowed(config: Storage, hosts: Hosts) -> tuple[Network, ...]:
    """The addresses that the share is exported to."""
    networks = networks_of(config.nfs) if config.nfs else []
    here = [hosts[name] for name in mounting(config, hosts) if hosts[name].state != "gone"]
    return collapsed([*networks, *(ip_network(host.address) for host in here)])


def disk(nfs: Nfs, host: Host) -> str | None:
    """The mount point of the host's disk on which the share lies, the innermost."""
    path = PurePosixPath(nfs.path)
    found = [each.mount for each in host.disks if path.is_relative_to(each.mount)]
    return max(found, key=len, default=None)


def served(config: Storage) -> dict[str, Volume]:
    """The volumes on a server that we run."""
    return {name: volume for name, volume in config.volumes.items() if config.nfs and not volume.server}
