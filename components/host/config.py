"""What a site may say of its hosts (rows H1, H8, H10, H12, H13, H15 of the requirements)."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

from pydantic import Field

from components.model import HostName, LabelName, LocalPath, Model, Port, SecretName

Address = IPv4Address | IPv6Address
Role = Literal["control-plane", "worker"]
State = Literal["active", "gone"]


class Bastion(Model):
    """A host that SSH goes through; its key must be known like any other."""

    address: Address | HostName
    """Address or name, as seen from the operator."""
    port: Port = 22
    """Its SSH port."""
    user: str = "root"
    """Who logs in there, with the key or password of the host behind it."""
    host_key: str | None = None
    """One `type base64` line; else looked up in known_hosts."""


class Ssh(Model):
    """How hosts are reached. One of keySecret, keyFile, passwordSecret; with none of them, the ssh-agent."""

    user: str = "root"
    """Who logs in."""
    port: Port = 22
    """The host's SSH port."""
    key_file: LocalPath | None = None
    """Private key on the operator's machine."""
    key_secret: SecretName | None = None
    """Name of the secret that holds the private key."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the password."""
    sudo: bool = True
    """Whether commands go through `sudo -n`; a user other than root needs it."""
    bastion: Bastion | None = None


class Gpu(Model):
    """The GPUs that a host must show (G1)."""

    model: str
    """As you call it; shown, not compared yet."""
    count: Annotated[int, Field(ge=0, le=32)]
    """How many NVIDIA GPUs the PCI bus must show."""


class Minimum(Model):
    """Least size of a host; preflight compares (H16)."""

    cpus: Annotated[int, Field(ge=1)] = 2
    """CPUs that the system sees."""
    memory_gb: Annotated[float, Field(gt=0)] = 2
    """GB of 10^9 bytes."""
    disk_gb: Annotated[float, Field(gt=0)] = 10
    """GB of 10^9 bytes, free under /var."""


class AptRepository(Model):
    """A package source with its own key: `Signed-By`, never trusted blindly (gA1)."""

    url: str
    """As in sources.list, http or https."""
    suite: str = "./"
    """One that ends with / has no components."""
    components: tuple[str, ...] = ()
    """As in sources.list, for example main."""
    key_file: LocalPath | None = None
    """Armored public key on the operator's machine; it travels with the layer."""
    key_url: str | None = None
    """Armored public key that the host fetches; `fingerprint` must match."""
    fingerprint: str | None = None
    """Of the key at keyUrl: 40 hex digits."""


class HostSettings(Model):
    """What may stand at all three levels, site → group → host: maps merge, lists and scalars replace."""

    ssh: Ssh = Ssh()
    os: str | None = None
    """For example debian-12: preflight compares it with what the host runs."""
    roles: tuple[Role, ...] = ("worker",)
    """control-plane, worker, both, or none in a site without Kubernetes."""
    labels: dict[str, str] = {}
    """Kubernetes node labels."""
    taints: tuple[str, ...] = ()
    """`key=value:Effect`, Kubernetes node taints."""
    gpu: Gpu | None = None
    sysctl: dict[str, str] = {}
    """Kernel settings; values are quoted."""
    limits: dict[str, int] = {}
    """pam_limits for all users, soft and hard alike: nofile, nproc, memlock, core."""
    modules: tuple[str, ...] = ()
    """Kernel modules beyond those that Kubernetes needs."""
    minimum: Minimum = Minimum()
    time_servers: tuple[HostName | Address, ...] = ()
    """NTP servers for chrony; none leaves the host's time service alone."""
    variables: dict[str, str] = {}
    """The operator's own; kept with the host, read by nothing here."""


class Host(HostSettings):
    """One host, after merging: this is what rooms are given."""

    name: HostName
    address: Address
    host_key: str
    """One `type base64` line, as in authorized_keys: pinned, never learnt."""
    group: LabelName | None = None
    """Name of one group under groups."""
    state: State = "active"
    """gone: forget it, never connect to it again."""
