"""What must hold of the storage in its site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain

from components.parts import chart
from components.parts.part import Ground
from components.parts.storage import layout, values
from components.parts.storage.checks_volumes import VOLUMES
from components.parts.storage.config import Csi, LocalPath, Storage, Subdir
from components.problem import Problem, below


def server(config: Storage, ground: Ground) -> Iterator[Problem]:
    """There is at most one server, and ours is on a host that is there."""
    if config.nfs is None:
        return
    if config.server:
        yield Problem(("server",), "the site has nfs too, which is a server of its own. Take one of them out.")
    found = ground.hosts.get(config.nfs.host)
    if found is None:
        yield Problem(("nfs", "host"), f"{config.nfs.host} is not a host of this site. Write one of hosts.")
    elif found.state == "gone":
        text = f"{found.name} is gone, and with it what it served. Write another host, or take nfs out."
        yield Problem(("nfs", "host"), text)


def disk(config: Storage, ground: Ground) -> Iterator[Problem]:
    """A share on a host with data disks is on one of them."""
    nfs = config.nfs
    host = ground.hosts.get(nfs.host) if nfs else None
    if nfs and host and host.disks and not layout.disk(nfs, host):
        mounts = ", ".join(each.mount for each in host.disks)
        text = f"{nfs.path} is on none of the disks of {host.name}, which are mounted at {mounts}. Write a path there."
        yield Problem(("nfs", "path"), text)


def clients(config: Storage, ground: Ground) -> Iterator[Problem]:
    """Clients are hosts, groups or networks; each host of a cluster with volumes is one."""
    if config.nfs is None:
        return
    known = {*ground.hosts, *(host.group for host in ground.hosts.values())}
    for index, client in enumerate(config.nfs.clients):
        if client not in known and not layout.network(client):
            text = f"{client} is neither a host nor a group of hosts here, nor a network such as 10.0.0.0/24."
            yield Problem(("nfs", "clients", index), f"{text} Write one.")
    if ground.kubernetes and (config.volumes or config.classes):
        here = layout.mounting(config, ground.hosts)
        lacking = [host.name for host in ground.hosts.values() if host.state != "gone" and host.name not in here]
        if lacking:
            text = f"{lacking[0]} is not among them, and pods there mount the share. Add it, or write no clients."
            yield Problem(("nfs", "clients"), text)


def versions(config: Storage, _: Ground) -> Iterator[Problem]:
    """The server has the versions."""
    if config.nfs is None:
        return
    if not config.nfs.versions:
        yield Problem(("nfs", "versions"), 'is empty. Write "4", "3" or both.')
    if config.nfs.server == "kernel" and "3" in config.nfs.versions:
        text = "of the kernel's server only version 4 is set up here. Take 3 out, or write server: ganesha."
        yield Problem(("nfs", "versions"), text)


def cluster(config: Storage, ground: Ground) -> Iterator[Problem]:
    """Volumes and classes are in a cluster."""
    for key in ("volumes", "classes"):
        if getattr(config, key) and ground.kubernetes is None:
            yield Problem((key,), "are objects of a cluster, and this site has no kubernetes. Write kubernetes: {}.")


def default(config: Storage, _: Ground) -> Iterator[Problem]:
    """At most one class is the default."""
    first, *others = [name for name, each in config.classes.items() if each.default] or [""]
    for name in others:
        text = f"classes.{first}.default is true already, and only one class can be the default. Take one of them out."
        yield Problem(("classes", name, "default"), text)


def classes(config: Storage, ground: Ground) -> Iterator[Problem]:
    """Classes on NFS have a server that lets them work; local-path has its chart, and is there once."""
    local = [name for name, each in config.classes.items() if isinstance(each, LocalPath)]
    if local and config.charts.local_path is None:
        text = f"classes.{local[0]} needs it: upstream publishes this chart in its source only. Write chart and version"
        yield Problem(("charts", "localPath"), f"{text} of your copy, as a path or an oci:// address.")
    for name in local[1:]:
        text = f"classes.{local[0]} is of this kind too, and a cluster has one local-path. Take one of them out."
        yield Problem(("classes", name, "kind"), text)
    for name, each in config.classes.items():
        if not isinstance(each, Csi | Subdir):
            continue
        if config.nfs is None and config.server is None:
            yield Problem(("classes", name), "makes folders on the site's share. Write nfs, or server.")
        if config.nfs and config.nfs.root_squash:
            text = f"makes its folders on {config.nfs.host} as root, whom nfs.rootSquash makes nobody there."
            yield Problem(("classes", name), f"{text} Set nfs.rootSquash to false, or have a volume instead.")
    for namespace in sorted(values.NAMESPACES.keys() & ground.projects.keys()):
        yield Problem(("projects", namespace), "is a namespace of storage. Use another name.", elsewhere=True)


def open_values(config: Storage, ground: Ground) -> Iterator[Problem]:
    """Open values of a chart are none that the site's keys decide."""
    charts, share = config.charts, layout.share(config, ground.hosts)
    made = [("csiNfs", charts.csi_nfs, values.csi(config))]
    for name, each in config.classes.items():
        if isinstance(each, LocalPath) and charts.local_path:
            made.append(("localPath", charts.local_path, values.local_path(config, name, each)))
        elif isinstance(each, Subdir) and share:
            made.append(("nfsSubdir", charts.nfs_subdir, values.subdir(config, name, each, share)))
    found = (below(("charts", key), chart.decided(of.values, ours)) for key, of, ours in made)
    yield from dict.fromkeys(chain.from_iterable(found))  # each class of nfs-subdir has the same


CHECKS: tuple[Callable[[Storage, Ground], Iterator[Problem]], ...] = (
    *(server, disk, clients, versions, cluster, default, classes, open_values),
    *VOLUMES,
)


def checks(config: Storage, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Storage, ground: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if config.classes and not any(each.default for each in config.classes.values()):
        yield Problem(("classes",), "none is the default: a claim that names no class stays Pending.")
    for name, each in config.classes.items():
        if isinstance(each, Subdir):
            text = "nfs-subdir-external-provisioner has had no release since 2023; csi-nfs does the same."
            yield Problem(("classes", name, "kind"), text)
    host = ground.hosts.get(config.nfs.host) if config.nfs else None
    if config.nfs and host and not host.disks:
        text = f"{host.name} has no disks in this site: the share fills its system's own disk."
        yield Problem(("nfs", "path"), text)
    if config.nfs and not config.nfs.root_squash:
        text = "root of each client, and each privileged pod, is root on the share."
        yield Problem(("nfs", "rootSquash"), text)
