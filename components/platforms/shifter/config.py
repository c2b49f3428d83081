"""The keys of a site for Shifter, its image gateway, munge and Slurm (rows F1 to F6).

Source: seeds/shifter-gpu.txt, "Manual installation of Shifter with GPU support"; NERSC/shifter's own documents.
"""

from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.artefact import Artefact
from components.host.machine import AbsolutePath, AccountName
from components.model import HostName, LabelName, LocalPath, Model, Port, SecretName
from components.parts.part import PlatformConfig

System = Annotated[str, form(r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "is not the name of a system: letters, digits, _ and -.")]
Revision = Annotated[str, form(r"^[0-9a-f]{40}$", "is not a revision: 40 digits 0-9 a-f, as git rev-parse shows.")]


class Git(Model):
    """A git repository at one revision, which is also its checksum."""

    url: Annotated[
        str, form(r"^(https?|ssh|git|file)://[^\s]+$", "is not the URL of a git repository: https, ssh or file.")
    ]
    """Its URL: https, ssh or file."""
    revision: Revision
    """The full id of the commit; not a branch or tag, which could move."""


class Source(Model):
    """Shifter's source (F1): either archive or git."""

    version: Annotated[
        str, form(r"^[0-9]+[.][0-9]+([.][0-9]+)?$", 'is not a version of Shifter. Quote it, such as "22.02.1".')
    ]
    """The version of the source: it decides which keys udiRoot.conf may have, and what the gateway needs."""
    archive: Artefact | None = None
    """The source as a tarball."""
    git: Git | None = None
    static_sshd: bool = False
    """true also builds the sshd for containers, from sources that the build downloads without comparing checksums."""
    dependencies: AbsolutePath | None = None
    """Folder on the hosts with the archives that the build would download (DEPTAR_DIR), for a site without internet."""
    configure: tuple[
        Annotated[
            str,
            form(r"^(--[a-z][A-Za-z0-9_-]*|[A-Z_]+)(=\S*)?$", "is not an option of configure: --NAME or NAME=value."),
        ],
        ...,
    ] = ()
    """Further options for configure, for example --enable-cray."""


class Images(Model):
    """The folders of images (F2, F5)."""

    path: AbsolutePath
    """imagePath: every host reads it; with several hosts it is on a shared filesystem."""
    shared: bool = True
    """false: path is a local folder of each host, and you copy the images there."""
    cache: AbsolutePath | None = None
    """CacheDirectory of the gateway. Default: `cache` below path."""
    expand: AbsolutePath = "/var/shifter/expand"
    """ExpandDirectory of the gateway: on a disk of its own, not on a parallel filesystem (40 times slower)."""
    shared_expand: bool = False
    """true allows expand on a parallel or network filesystem."""


class Mongodb(Model):
    """The gateway's database: a package on its host, or one that runs elsewhere."""

    package: str = "mongodb-org"
    """Package, `name` or `name=version`, held at its version. It is in one of the site's repositories: Debian and RHEL
    have none."""
    service: str = "mongod"
    """Its systemd unit. The database must listen on 127.0.0.1 only, since it asks for no password."""
    uri_secret: SecretName | None = None
    """Name of the secret that holds the URI of a database elsewhere; with it no package is installed."""


class Location(Model):
    """A registry that the gateway pulls from."""

    url: str | None = None
    """The registry's URL. Default: https:// and its name."""
    sslcacert: AbsolutePath | None = None
    """The file, on the gateway's host, with the CA's certificate (PEM)."""


class Gateway(Model):
    """The image gateway (F5)."""

    host: HostName
    """The host that runs the gateway."""
    port: Port = 5000
    """The port that it listens on."""
    path: AbsolutePath = "/opt/shifter/imagegw"
    """The folder that it is installed in."""
    user: AccountName = "shifter"
    """The user that runs it and owns the images; created if the host does not have it."""
    python: Annotated[
        str, form(r"^[A-Za-z0-9/][A-Za-z0-9._/+-]*$", "is not a program: a name or a path from / on.")
    ] = "python3"
    """The interpreter of its virtual environment, one that the version's requirements support."""
    requirements: LocalPath | None = None
    """Your own requirements.txt, pinned, with hashes if you have them. Default: the source's own."""
    index: str | None = None
    """Package index for pip, in a site without internet. Default: pip's own. By http nothing verifies its packages."""
    mongodb: Mongodb = Mongodb()
    locations: Annotated[dict[str, Location], Field(min_length=1)] = {"registry-1.docker.io": Location()}
    """Registries by HOST or HOST:PORT; an image without a registry comes from the first one."""
    external: bool = False
    """true pulls with skopeo and umoci (`use_external`), installed from packages; false with the gateway's own code."""
    worker_threads: Annotated[int, Field(ge=1)] = 8
    """WorkerThreads: how many pulls run at once."""
    admins: tuple[AccountName, ...] = ("root",)
    """Users that may expire images of others."""
    also: tuple[System, ...] = ()
    """Further systems that the gateway answers for, with the same settings."""
    more: dict[str, str | int | bool] = {}
    """Any other key of imagemanager.json that the version knows, for example Metrics or ImportUsers."""


class UdiRoot(Model):
    """Keys of udiRoot.conf that a site may set (F2); the others are fixed, or follow from other keys of the site."""

    etc_path: AbsolutePath = "/etc/shifter/shifter_etc_files"
    """Folder with the files that every container gets in /etc."""
    allow_local_chroot: bool = True
    """true allows containers from a local path, local:/PATH."""
    auto_load_kernel_module: bool = False
    """true: Shifter loads its kernel modules; false: the host loads loop, squashfs and ext4 at boot (F3)."""
    site_resources: AbsolutePath | None = None
    """siteResources, for versions that know it; others refuse the whole file."""
    site_fs: tuple[str, ...] = ()
    """siteFs: paths, as `FROM:TO`, that are mounted in every container."""
    site_env: dict[str, str] = {"SHIFTER_RUNTIME": "1"}
    """siteEnv: variables of every container."""
    more: dict[str, str] = {}
    """Any other key that the version knows, for example gatewayTimeout."""


class Partition(Model):
    """A Slurm partition."""

    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    """Its nodes: hosts, or groups of hosts."""
    default: bool = False
    """true: jobs that name no partition go there."""
    settings: dict[str, str] = {}
    """Further settings of its line PartitionName, for example MaxTime: "24:00:00"."""


class Node(Model):
    """What Slurm hands out of a compute node, as `slurmd -C` prints it there; preflight compares it with the host."""

    cpus: Annotated[int, Field(ge=1)]
    """CPUs as the system counts them, including threads."""
    memory_mb: Annotated[int, Field(ge=1)]
    """RealMemory, in units of 1024 × 1024 bytes; leave some for the system."""
    sockets: Annotated[int, Field(ge=1)] | None = None
    """Sockets. Write this and the next two keys, or none of them: without them Slurm takes each CPU for a core."""
    cores_per_socket: Annotated[int, Field(ge=1)] | None = None
    """CoresPerSocket."""
    threads_per_core: Annotated[int, Field(ge=1)] | None = None
    """ThreadsPerCore."""
    settings: dict[str, str] = {}
    """Further settings of its line NodeName, for example Feature: nvlink."""


class Slurm(Model):
    """Slurm from packages (F6)."""

    controller: HostName
    """The host that runs slurmctld."""
    partitions: Annotated[dict[LabelName, Partition], Field(min_length=1)]
    """Partitions by name; their hosts are the compute nodes."""
    nodes: dict[str, Node] = {}
    """Sizes by host or group: each compute node needs one, and a host's own entry overrides its group's."""
    uid: Annotated[int, Field(ge=1)] = 64030
    """User and group id of slurm, the same on every host; 64030 is Debian's."""
    settings: dict[str, str] = {}
    """Further keys of slurm.conf, which override ours."""


class Shifter(PlatformConfig):
    """Shifter on login and compute nodes, its image gateway, munge, and Slurm if the entry has slurm."""

    kind: Literal["shifter"]
    """Shifter, its gateway, munge, Slurm."""
    name: LabelName = "shifter"
    """The name of its layers."""
    system: System
    """The system's name, the same for the gateway's platform and udiRoot.conf."""
    source: Source
    prefix: AbsolutePath = "/opt/shifter/udiRoot"
    """Where Shifter is installed: --prefix and udiRootPath."""
    sysconfdir: AbsolutePath = "/etc/shifter"
    """Folder of udiRoot.conf and imagemanager.json: --sysconfdir."""
    gateway: Gateway
    runtimes: Annotated[tuple[str, ...], Field(min_length=1)]
    """Hosts, or groups of hosts, that run containers."""
    images: Images
    udi_root: UdiRoot = UdiRoot()
    munge_secret: SecretName
    """Name of the secret that holds munge's key, in base64: 32 to 1024 bytes (F4)."""
    gpu: bool = True
    """true gives hosts with GPUs the module `gpu`, which brings their driver into a container started with --module=gpu
    (F6). The container uses the GPUs in CUDA_VISIBLE_DEVICES, as Slurm sets it."""
    gpu_default: bool = False
    """true: every container there has the module `gpu`, unless it is started with --module=none."""
    slurm: Slurm | None = None
