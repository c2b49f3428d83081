"""Config of the container engine and the private registry (rows C1 to C5)."""

from typing import Annotated, Literal

from pydantic import Field, Tag

from components.forms import form
from components.host.folders import not_own
from components.host.machine import AbsolutePath, AccountName, OwnFolder, PackageVersion
from components.local import CertificateFile
from components.model import HostName, Model, Port, SecretName, Sha256, kind_or
from components.rule import Rule
from components.url import WebUrl

CgroupDriver = Literal["systemd", "cgroupfs"]
Devices = Literal["cdi", "nri"]
"""How containerd gives pods their devices: by the CDI names that the kubelet says, or by a plugin of its NRI."""
PackageName = Annotated[str, form(r"^[A-Za-z0-9][A-Za-z0-9.+_-]*$", 'is not the name of a package, such as "podman".')]


class Login(Model):
    """A registry's user for pulls; kept in files that only root (and each of Docker's users) can read."""

    user: str
    """Name of the user."""
    password_secret: SecretName
    """Name of the secret that holds the password."""


class _Engine(Model):
    version: PackageVersion | None = None
    """Package version, pinned and held; default: the newest that the source has, which is then held."""
    replace: tuple[PackageName, ...] = ()
    """Packages of another engine that may be removed from hosts, such as podman or docker.io: their containers stop,
    images and volumes stay on the disk. Default: such a host is refused before any change."""
    cgroup_driver: CgroupDriver = "systemd"
    """The program that manages the containers' control groups; the kubelet gets the same setting."""
    mirrors: dict[str, tuple[WebUrl, ...]] = {}
    """Registry host → mirror URLs, tried in order before the registry itself (air-gapped sites)."""
    insecure_registries: tuple[str, ...] = ()
    """HOST:PORT of registries without TLS, or whose certificate is not to be verified."""
    registry_certificates: dict[str, CertificateFile] = {}
    """Registry HOST:PORT → file with the CA's certificate (PEM)."""
    logins: dict[str, Login] = {}
    """Registry HOST:PORT → the user for pulls."""
    verify_image: str | None = None
    """Image, with tag or digest, that must run and end with 0 (C4): as the first of Docker's users, else as root."""


class Containerd(_Engine):
    """containerd, its settings as drop-ins (C1, C2, C5)."""

    kind: Literal["containerd"] = "containerd"
    """The engine that Kubernetes needs."""
    package: Literal["containerd", "containerd.io"] = "containerd.io"
    """`containerd` is the distribution's own, `containerd.io` Docker's build."""
    restrict_oom_score_adj: bool = False
    """For kernels that withhold CAP_SYS_RESOURCE."""


class Docker(_Engine):
    """Docker for hosts without Kubernetes (C1, C2); daemon.json is merged, never overwritten."""

    kind: Literal["docker"]
    """Only without Kubernetes."""
    package: Literal["docker-ce", "docker.io"] = "docker-ce"
    """docker-ce is Docker's own, docker.io the distribution's."""
    users: tuple[AccountName, ...] = ()
    """Members of the group docker: as good as root on the host."""
    log_max_size: Annotated[
        str, form(r"^[0-9]+[kmg]$", 'is not a size as Docker writes it: a number and k, m or g, such as "100m".')
    ] = "100m"
    """Largest size of one container's log file."""
    log_max_files: Annotated[int, Field(ge=1)] = 3
    """How many log files are kept for each container."""
    data_root: Annotated[AbsolutePath, Rule(lambda path: not_own(path, "/var/lib/docker"))] | None = None
    """Folder of images and containers; default: /var/lib/docker."""
    subnet: str | None = None
    """`bip`: the default bridge's own address and prefix, quoted; it must not overlap a network of the host."""
    live_restore: bool = True
    """Containers run on while the daemon restarts."""


Engine = Annotated[Annotated[Containerd, Tag("containerd")] | Annotated[Docker, Tag("docker")], kind_or("containerd")]
"""By `kind`, which is containerd by default."""


class Image(Model):
    """An image that the private registry has, loaded from a tar file on its host (C3)."""

    archive: AbsolutePath
    """`docker save` or OCI archive, on the registry's host; compared by `sha256` before it is pushed."""
    sha256: Sha256
    """SHA-256 of the archive, as sha256sum prints it."""


class Registry(Model):
    """A private registry on one host, with TLS and a password (C3)."""

    host: HostName
    """Name of the host that runs it."""
    port: Port = 5000
    """Its TCP port."""
    certificate: CertificateFile | None = None
    """PEM chain for the host's name or address; with keySecret. Default: the host makes one, signed by an authority of
    its own: copy its /etc/gpu-metal-registry/ca.crt beside the site, for the engine's registryCertificates."""
    key_secret: SecretName | None = None
    """Name of the secret that holds the certificate's key."""
    user: str = "site"
    """The one user, for pull and push."""
    password_secret: SecretName
    """Name of the secret that holds the password."""
    folder: OwnFolder = "/var/lib/gpu-metal-registry"
    """Folder of the images."""
    images: dict[str, Image] = {}
    """`name:tag` → archive. An image removed from this map is deleted from the registry, with its unused layers."""
