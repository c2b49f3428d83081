"""Storage on hosts, as data: config in, steps out. Nothing here touches a host.

the server's host (layer `storage`)  →  every host that mounts the share (layer `storage-client`)
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from components.host.config import Host
from components.host.listening import Listening
from components.host.openings import Sources
from components.host.packages import packages
from components.hostrun.step import Step
from components.parts.part import Folder, Hosts, Wave
from components.parts.storage import layout
from components.parts.storage.config import Nfs, Storage
from components.parts.storage.layout import Place
from components.parts.storage.sizes import size

_SCRIPTS = Path(__file__).parent / "steps"
_MORE_PORTS = {"nfs-mountd": "20048", "nfs-locks": "32803"}
"""Of version 3, as nfs_ganesha.sh sets them."""
_GANESHAS = ("/var/lib/nfs/ganesha", "/var/log/ganesha")
_OPTIONS = "rw,sync,no_subtree_check,sec=sys"


def uses(config: Storage, hosts: Hosts) -> Sequence[str]:
    """The server's host, and all that mount shares; those of volumes with a server of their own are all hosts."""
    if config.nfs or config.server or any(volume.server for volume in config.volumes.values()):
        return layout.mounting(config, hosts)
    return ()


def listening(config: Storage, host: Host, hosts: Hosts) -> Sequence[Listening]:
    """NFS on the server's host, for its clients."""
    nfs = config.nfs
    if nfs is None or host.name != nfs.host:
        return ()
    # Not the site's pods, which "site" would have: their nodes mount the share for them.
    sources: Sources = layout.allowed(config, hosts)
    found = [Listening("nfs", "the NFS server", "2049", sources=sources, key=("nfs",), fixed=True, layer="storage")]
    if "3" in nfs.versions:
        # rpcbind may run already: its port need not be free.
        found.append(replace(found[0], name="nfs-rpcbind", what="rpcbind", port="111", layer=""))
        found += [replace(found[0], name=name, port=port) for name, port in _MORE_PORTS.items()]
    return found


def preflight(config: Storage, host: Host, hosts: Hosts) -> Sequence[Step]:
    """An existing server answers; the folder of our own is nobody else's export."""
    if config.server and (share := layout.share(config, hosts)):
        return [_answers(share)]
    if config.nfs and host.name == config.nfs.host:
        return [Step(_SCRIPTS / "nfs_free.sh", {"path": config.nfs.path})]
    return []


def waves(config: Storage, hosts: Hosts) -> Sequence[Wave]:
    """The server, then its clients."""
    return serving(config, hosts, ())


def serving(config: Storage, hosts: Hosts, folders: Sequence[Folder]) -> Sequence[Wave]:
    """The same, with what other parts want on the server."""
    own, found = config.nfs, layout.share(config, hosts)
    made = []
    if own and own.host in hosts:
        made.append(Wave("storage", {own.host: server(config, own, hosts, folders)}))
    if clients := uses(config, hosts):
        made.append(Wave("storage-client", {name: client(config, found) for name in clients}))
    return made


def server(config: Storage, nfs: Nfs, hosts: Hosts, more: Sequence[Folder] = ()) -> list[Step]:
    """The share with its folders, exported."""
    ganesha, mount = nfs.server == "ganesha", layout.disk(nfs, hosts[nfs.host]) or ""
    term = "@nfs-ganesha" if ganesha else "@nfs-server"
    room = str(size(nfs.capacity)) if nfs.capacity else ""
    steps = [
        packages([term], label="nfs-server", folders=_GANESHAS if ganesha else ()),
        Step(_SCRIPTS / "nfs_share.sh", {"path": nfs.path, "mount": mount, "bytes": room}),
    ]
    if folders := sorted({*_folders(config), *_of_people(nfs, hosts, more)}):
        bulk = {"folders": "".join(f"{line}\n" for line in folders)}
        steps.append(Step(_SCRIPTS / "nfs_folders.sh", {"path": nfs.path, "mount": mount}, bulk=bulk))
    clients = " ".join(str(each) for each in layout.allowed(config, hosts))
    squash = "root_squash" if nfs.root_squash else "no_root_squash"
    if ganesha:
        inputs = {"path": nfs.path, "clients": clients, "squash": squash, "versions": " ".join(sorted(nfs.versions))}
        return [*steps, Step(_SCRIPTS / "nfs_ganesha.sh", inputs)]
    # mountpoint: without its disk the share is not exported, and nothing is written to the system's own disk.
    options = ",".join([_OPTIONS, squash, *([f"mountpoint={mount}"] if mount else [])])
    return [*steps, Step(_SCRIPTS / "nfs_exports.sh", {"path": nfs.path, "clients": clients, "options": options})]


def client(config: Storage, share: Place | None) -> list[Step]:
    """The programs that mount, and the proof that the site's share can be mounted."""
    steps = [packages(["@nfs-client"], label="nfs-client")]
    if share:
        options = ",".join(layout.mount_options(config))
        steps.append(Step(_SCRIPTS / "nfs_mounts.sh", {"server": share.server, "path": share.path, "options": options}))
    return steps


def _answers(share: Place) -> Step:
    return Step(_SCRIPTS / "nfs_answers.sh", {"server": share.server})


def _folders(config: Storage) -> Iterator[str]:
    """`OWNER MODE FOLDER` of each volume on our server; - for what is left as it is."""
    for volume in layout.served(config).values():
        yield f"{volume.owner or '-'} {volume.mode or '-'} {volume.path}"


def _of_people(nfs: Nfs, hosts: Hosts, wanted: Sequence[Folder]) -> Iterator[str]:
    """The same of folders that other parts want below the share; + for an owner who is not taken from anybody."""
    servers = {nfs.host, str(hosts[nfs.host].address)}
    for each in wanted:
        path = PurePosixPath(each.path)
        if each.server in servers and path.is_relative_to(nfs.path) and str(path) != nfs.path.rstrip("/"):
            yield f"+{each.owner} {each.mode} {path.relative_to(nfs.path)}"
