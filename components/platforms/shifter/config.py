"""What a site may say of Shifter, its image gateway, munge and Slurm (rows F1 to F6).

Source: seeds/shifter-gpu.txt, "Manual installation of Shifter with GPU support"; NERSC/shifter's own documents.
"""

from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.artefact import Artefact
from components.host.machine import AbsolutePath, AccountName
from components.model import HostName, LabelName, LocalPath, Model, Port, SecretName
from components.parts.part import PlatformConfig

System = Annotated[str, form(r"^[A-Za-z0-9][\w-]*$", "is not the name of a system: letters, digits, _ and -.")]
Revision = Annotated[str, form(r"^[0-9a-f]{40}$", "is not a revision: 40 digits 0-9 a-f, as git rev-parse shows.")]


class Git(Model):
    """A repository at one revision: the revision is the checksum."""

    url: str
    """https, ssh or file."""
    revision: Revision
    """Of the commit; a branch or tag moves."""


class Source(Model):
    """Shifter's source (F1). One of archive and git."""

    version: Annotated[str, form(r"^\d+\.\d+(\.\d+)?$", 'is not a version of Shifter. Quote it, such as "22.02.1".')]
    """What it is: decides which keys udiRoot.conf may have, and what the gateway needs."""
    archive: Artefact | None = None
    """A tarball."""
    git: Git | None = None
    static_sshd: bool = False
    """Also the sshd for containers, which the build makes of sources that it fetches itself, unproven."""
    dependencies: AbsolutePath | None = None
    """Folder on the hosts with the archives that the build else fetches (DEPTAR_DIR), in a site without internet."""
    configure: tuple[
        Annotated[str, form(r"^(--[a-z][\w-]*|[A-Z_]+)(=\S*)?$", "is no word of configure: --NAME or NAME=value.")], ...
    ] = ()
    """Further words for configure, for example --enable-cray."""


class Images(Model):
    """Where images lie (F2, F5)."""

    path: AbsolutePath
    """imagePath: read by every host; a shared filesystem where there is more than one."""
    shared: bool = True
    """false: path is each host's own, and you bring the images there."""
    cache: AbsolutePath | None = None
    """CacheDirectory of the gateway; none is `cache` below path."""
    expand: AbsolutePath = "/var/shifter/expand"
    """ExpandDirectory of the gateway: on a disk of its own, not on a parallel filesystem (40 times slower)."""
    shared_expand: bool = False
    """true: expand may be on a parallel or network filesystem all the same."""


class Mongodb(Model):
    """The gateway's database: a package on its host, or one that runs elsewhere."""

    package: str = "mongodb-org"
    """`name` or `name=version` of one of the site's repositories (Debian and RHEL have none of their own); held."""
    service: str = "mongod"
    """Its unit; it listens on this host's own address alone, since it asks for no password."""
    uri_secret: SecretName | None = None
    """Name of the secret that holds the URI of a database elsewhere; then no package is installed."""


class Location(Model):
    """A registry that the gateway pulls from."""

    url: str | None = None
    """Where it answers; none is https and its name."""
    sslcacert: AbsolutePath | None = None
    """The file, on the gateway's host, with the CA's certificate (PEM)."""


class Gateway(Model):
    """The image gateway (F5)."""

    host: HostName
    """Runs it."""
    port: Port = 5000
    """Where it listens."""
    path: AbsolutePath = "/opt/shifter/imagegw"
    """Where it is installed."""
    user: AccountName = "shifter"
    """Who runs it and owns the images; made where the host does not know it."""
    python: str = "python3"
    """The interpreter of its virtual environment: what the requirements of the version want."""
    requirements: LocalPath | None = None
    """Your own requirements.txt, pinned, with hashes where you have them; none is the source's own."""
    index: str | None = None
    """Package index of a site without internet, for pip; none is pip's own. By http its packages are not proven."""
    mongodb: Mongodb = Mongodb()
    locations: Annotated[dict[str, Location], Field(min_length=1)] = {"registry-1.docker.io": Location()}
    """Registries by HOST or HOST:PORT; the first is where an image without one comes from."""
    external: bool = False
    """Pull by skopeo and umoci (`use_external`), from their packages; false is the gateway's own code."""
    worker_threads: Annotated[int, Field(ge=1)] = 8
    """WorkerThreads: pulls at once."""
    admins: tuple[AccountName, ...] = ("root",)
    """Who may expire images of others."""
    also: tuple[System, ...] = ()
    """Other systems that it serves, under the same settings."""
    more: dict[str, str | int | bool] = {}
    """Any other key of imagemanager.json that the version knows, for example Metrics or ImportUsers."""


class UdiRoot(Model):
    """Keys of udiRoot.conf that a site decides (F2); the others are the document's or follow from the site."""

    etc_path: AbsolutePath = "/etc/shifter/shifter_etc_files"
    """Files for /etc of every container."""
    allow_local_chroot: bool = True
    """Containers of a local path, local:/PATH."""
    auto_load_kernel_module: bool = False
    """false: the site loads loop, squashfs and ext4 at boot (F3)."""
    site_resources: AbsolutePath | None = None
    """siteResources: only in versions that know it; others refuse the whole file."""
    site_fs: tuple[str, ...] = ()
    """siteFs: `FROM:TO` of what is mounted in every container."""
    site_env: dict[str, str] = {"SHIFTER_RUNTIME": "1"}
    """siteEnv."""
    more: dict[str, str] = {}
    """Any other key that the version knows, for example gatewayTimeout."""


class Partition(Model):
    """A Slurm partition."""

    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    """Hosts, or groups of hosts."""
    default: bool = False
    """Jobs go there that name no partition."""
    settings: dict[str, str] = {}
    """Further words of PartitionName, for example MaxTime: "24:00:00"."""


class Node(Model):
    """What Slurm gives out of a compute node, as `slurmd -C` prints it there; preflight compares with the host."""

    cpus: Annotated[int, Field(ge=1)]
    """CPUs as the system counts them, threads too."""
    memory_mb: Annotated[int, Field(ge=1)]
    """RealMemory, in units of 1024 × 1024 bytes; leave the system some."""
    sockets: Annotated[int, Field(ge=1)] | None = None
    """Sockets; with the next two all or none: without them Slurm takes each CPU for a core."""
    cores_per_socket: Annotated[int, Field(ge=1)] | None = None
    """CoresPerSocket."""
    threads_per_core: Annotated[int, Field(ge=1)] | None = None
    """ThreadsPerCore."""
    settings: dict[str, str] = {}
    """Further words of NodeName, for example Feature: nvlink."""


class Slurm(Model):
    """Slurm from packages (F6)."""

    controller: HostName
    """Runs slurmctld."""
    partitions: Annotated[dict[LabelName, Partition], Field(min_length=1)]
    """By name; their hosts are the compute nodes."""
    nodes: dict[str, Node] = {}
    """By host or group, a host's own first: each compute node has one."""
    uid: Annotated[int, Field(ge=1)] = 64030
    """User and group id of slurm, the same on every host; 64030 is Debian's."""
    settings: dict[str, str] = {}
    """Further keys of slurm.conf, laid over ours."""


class Shifter(PlatformConfig):
    """Shifter on login and compute nodes, its image gateway, munge, and Slurm where the site asks."""

    kind: Literal["shifter"]
    """Shifter, its gateway, munge, Slurm."""
    name: LabelName = "shifter"
    """Of its layers."""
    system: System
    """One name for the gateway's platform and udiRoot.conf."""
    source: Source
    prefix: AbsolutePath = "/opt/shifter/udiRoot"
    """--prefix and udiRootPath."""
    sysconfdir: AbsolutePath = "/etc/shifter"
    """--sysconfdir: udiRoot.conf and imagemanager.json."""
    gateway: Gateway
    runtimes: Annotated[tuple[str, ...], Field(min_length=1)]
    """Hosts, or groups of hosts, that run containers."""
    images: Images
    udi_root: UdiRoot = UdiRoot()
    munge_secret: SecretName
    """Name of the secret that holds munge's key, in base64: 32 to 1024 bytes (F4)."""
    gpu: bool = True
    """On hosts with GPUs: the module `gpu`, which brings their driver into a container started with --module=gpu (F6).
    Its devices are those of CUDA_VISIBLE_DEVICES, as Slurm sets it."""
    gpu_default: bool = False
    """true: into every container there, unless it is started with --module=none."""
    slurm: Slurm | None = None
