"""What a site may say of its storage (rows S1, S2, S3, S7)."""

from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.addresses import Server
from components.host.folders import not_shareable
from components.host.machine import OwnFolder
from components.kubernetes.config import not_images
from components.model import HostName, LabelName, Model
from components.parts.storage import versions
from components.parts.storage.sizes import Size
from components.rule import Rule
from components.url import ChartUrl

_NAMES = r"[A-Za-z0-9_][A-Za-z0-9_.@+=-]*(/[A-Za-z0-9_][A-Za-z0-9_.@+=-]*)*"


Share = Annotated[
    str,
    form(rf"^/({_NAMES})$", "is not the path of a share: write it from / on, such as /srv/data, no / at its end."),
    Rule(not_shareable),
]
"""An exported folder of a server that we run."""
Path = Annotated[str, form(rf"^/{_NAMES}$", "is not a path on the server: write it from / on, such as /export/data.")]
"""A folder of somebody else's server."""
Folder = Annotated[str, form(rf"^(/|){_NAMES}$", "is not a folder: write one below the share, such as input, no ..")]
Client = Annotated[
    str,
    form(
        r"^[a-z0-9:][a-z0-9.:-]*(/[0-9]{1,3})?$",
        "is not a client: write a host, a group, or a network such as 10.0.0.0/24.",
    ),
]
MountOption = Annotated[
    str,
    form(r"^[a-z][a-z0-9_]*(=[A-Za-z0-9.:_-]+)?$", "is not an option of a mount: write one, as hard or nfsvers=4.1."),
]
Ids = Annotated[str, form(r"^[0-9]{1,9}:[0-9]{1,9}$", 'is not an owner: write its numbers, "UID:GID", as "1000:1000".')]
"""Numbers, since each host may have other names for them."""
Mode = Annotated[str, form(r"^[0-7]?[0-7]{3}$", 'is not the mode of a folder: write three or four digits, as "2770".')]
ChartName = Annotated[
    str,
    form(r"^[A-Za-z0-9_./~][A-Za-z0-9_./~:@-]*$", "is not a chart: write its name, a path, or an oci:// address."),
]
ChartVersion = Annotated[
    str, form(r"^v?[0-9][0-9A-Za-z.+-]*$", 'is not the version of a chart: write an exact one, such as "4.13.4".')
]
Reclaim = Literal["Retain", "Delete"]


class Nfs(Model):
    """An NFS server on one of the site's hosts (S1)."""

    host: HostName
    """Serves the share."""
    path: Share
    """The folder that it exports, made if it is not there; on the mount of one of the host's `disks`."""
    server: Literal["kernel", "ganesha"] = "kernel"
    """kernel: the system's own server, version 4; ganesha: a program, for kernels without one, and for version 3."""
    versions: tuple[Literal["3", "4"], ...] = ("4",)
    """Versions of NFS. 3 needs three more ports: 111, 20048 and 32803."""
    root_squash: bool = True
    """true: root of a client is nobody on the share. A class that makes folders there as root needs false."""
    clients: tuple[Client, ...] = ()
    """Hosts and groups by name, and networks, which may mount it. Default: every host of the site."""
    capacity: Size | None = None
    """Of the share: what the volumes there may promise together, and what the host must have (S3)."""


class NfsServer(Model):
    """An NFS server that exists (S1)."""

    address: Server
    """Its address or name."""
    path: Path
    """The folder that it exports."""
    capacity: Size | None = None
    """What the volumes there may promise together (S3)."""


class Volume(Model):
    """A PersistentVolume on a share, and the claim to it (S2). Always Retain: Kubernetes deletes nothing on NFS."""

    path: Folder
    """Below the site's share, such as input; from / on if this volume has a `server` of its own."""
    capacity: Size
    """What the volume promises. NFS does not enforce it: the claim asks for as much."""
    server: Server | None = None
    """The server, if it is not the site's."""
    access: Literal["ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce"] = "ReadWriteMany"
    """Who may mount it."""
    namespace: LabelName | None = None
    """Where its claim is: a project, or default. Without it the volume has no claim."""
    claim: LabelName | None = None
    """Name of the claim. Default: the volume's name."""
    owner: Ids | None = None
    """Of the folder, on a server that we run; unset leaves it as it is."""
    mode: Mode | None = None
    """Of the folder, on a server that we run; unset leaves it as it is."""
    mount_options: tuple[MountOption, ...] | None = None
    """Instead of the site's."""


class _Class(Model):
    default: bool = False
    """Whether claims that name no class are this one's."""


class Csi(_Class):
    """A class whose volumes csi-driver-nfs makes as folders of the site's share (S7)."""

    kind: Literal["csi-nfs"]
    """What makes the volumes."""
    reclaim: Reclaim = "Delete"
    """What happens to a folder when its claim is deleted."""
    path: Folder | None = None
    """The folder below the share that gets the volumes' folders; it must exist. Default: the share itself."""
    mount_options: tuple[MountOption, ...] | None = None
    """Instead of the site's."""


class Subdir(_Class):
    """The same by nfs-subdir-external-provisioner, which nobody maintains any more (S7)."""

    kind: Literal["nfs-subdir"]
    """What makes the volumes."""
    reclaim: Reclaim = "Delete"
    """What happens to a folder when its claim is deleted."""
    archive: bool = True
    """true renames the folder of a deleted claim instead of deleting it."""
    mount_options: tuple[MountOption, ...] | None = None
    """Instead of the site's."""


class LocalPath(_Class):
    """A class whose volumes are folders of the node on which their pod runs (S7)."""

    kind: Literal["local-path"]
    """What makes the volumes."""
    reclaim: Reclaim = "Delete"
    """What happens to a folder when its claim is deleted."""
    path: OwnFolder = "/opt/local-path-provisioner"
    """The folder of each node that gets the volumes' folders."""


class External(_Class):
    """A class that exists already; nothing of it is changed, `sitectl verify` asks whether it is there (S7)."""

    kind: Literal["external"]
    """What makes the volumes."""


AnyClass = Annotated[Csi | Subdir | LocalPath | External, Field(discriminator="kind")]


class Chart(Model):
    """Where a chart is from, and values beyond ours."""

    chart: ChartName
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl | None = None
    """Address of the chart repository."""
    version: ChartVersion
    """Exact version of the chart."""
    values: dict[str, object] = {}
    """More values of the chart. Those that come from the site's keys are refused."""


class Charts(Model):
    """The charts of classes (S7)."""

    csi_nfs: Chart = Chart(chart="csi-driver-nfs", repository=versions.CSI_NFS_REPOSITORY, version=versions.CSI_NFS)
    nfs_subdir: Chart = Chart(
        chart="nfs-subdir-external-provisioner", repository=versions.SUBDIR_REPOSITORY, version=versions.SUBDIR
    )
    local_path: Chart | None = None
    """Upstream publishes this chart in its source only: write the address or path of your copy."""


class Storage(Model):
    """Shared folders for hosts and pods: an NFS server, its clients, volumes, and storage classes."""

    nfs: Nfs | None = None
    """A server that the site runs (S1)."""
    server: NfsServer | None = None
    """A server that exists; one of nfs and server (S1)."""
    mount_options: tuple[MountOption, ...] = ()
    """For all volumes and classes on NFS (S7). Default: hard, and of a server that we run its newest version."""
    volumes: dict[LabelName, Volume] = {}
    """Volumes by name (S2)."""
    classes: dict[LabelName, AnyClass] = {}
    """Storage classes by name; at most one is the default (S3, S7)."""
    charts: Charts = Charts()
    images: Annotated[str, Rule(not_images)] | None = None
    """A registry that has the charts' images, for example registry.example.org:5000. Default: their own ones, or what
    `engine.mirrors` has of them."""
