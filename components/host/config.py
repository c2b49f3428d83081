"""Config of a site's hosts (row H1; the rest is in machine.py and net.py)."""

from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.gpu.config import Gpu
from components.host.addresses import HostAddress, Server, Tunnel
from components.host.machine import MachineSettings
from components.host.net import NetSettings
from components.local import PrivateKeyFile
from components.model import HostName, LabelName, Model, Port, SecretName

Role = Literal["control-plane", "worker"]
Family = Literal["debian", "rhel"]
State = Literal["active", "drained", "gone"]


RHEL_LIKE = ("rhel", "rocky", "almalinux", "centos", "ol")
"""`ID` in os-release of the systems whose package manager is dnf."""


SYSTEMS = ("debian", "ubuntu", *RHEL_LIKE)
"""`ID` in os-release of all systems that the steps know."""


Login = Annotated[
    str,
    form(
        r"^[A-Za-z0-9_][A-Za-z0-9._@\\-]*$",
        "is not the name of a user who logs in: letters, digits, '.', '_', '@' and '-'.",
    ),
]


class Bastion(Model):
    """A host that SSH goes through; its key must be known like any other (H1)."""

    address: Tunnel
    """Address or name, as seen from the operator."""
    port: Port = 22
    """Its SSH port."""
    user: Login = "root"
    """The login user there; its key or password is that of the host behind it."""
    host_key: str | None = None
    """One `type base64` line; else looked up in known_hosts."""


class Ssh(Model):
    """How hosts are reached. One of keySecret, keyFile, passwordSecret; with none of them, the ssh-agent."""

    user: Login = "root"
    """The login user."""
    port: Port = 22
    """The host's SSH port."""
    key_file: PrivateKeyFile | None = None
    """Private key on the operator's machine."""
    key_secret: SecretName | None = None
    """Name of the secret that holds the private key."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the password."""
    sudo: bool = True
    """Whether commands go through `sudo -n`; a user other than root needs it."""
    bastion: Bastion | None = None


class Minimum(Model):
    """Least size of a host; preflight compares (H16)."""

    cpus: Annotated[int, Field(ge=1)] = 2
    """CPUs that the system sees."""
    memory_gb: Annotated[float, Field(gt=0)] = 2
    """GB of 10^9 bytes."""
    disk_gb: Annotated[float, Field(gt=0)] = 10
    """GB of 10^9 bytes, free under /var."""


class HostSettings(MachineSettings, NetSettings):
    """Settings for all three levels, site → group → host: maps merge, lists and scalars replace."""

    ssh: Ssh = Ssh()
    os: str | None = None
    """The operating system, for example debian-12 (H3); preflight compares it. Required for the RHEL family."""
    roles: tuple[Role, ...] = ("worker",)
    """control-plane, worker, or both; none only in a site without Kubernetes."""
    front_end: bool = False
    """true: people log in here, and the host has the accounts of `users` (S6)."""
    labels: dict[str, str] = {}
    """Kubernetes node labels."""
    taints: tuple[str, ...] = ()
    """`key=value:Effect`, Kubernetes node taints."""
    gpu: Gpu | None = None
    sysctl: dict[str, str] = {}
    """Kernel settings; values are quoted (H10)."""
    limits: dict[str, int] = {}
    """pam_limits for all users, soft and hard alike: nofile, nproc, memlock, core; -1 for no limit (H10)."""
    modules: tuple[str, ...] = ()
    """Kernel modules beyond those that Kubernetes needs (H13)."""
    minimum: Minimum = Minimum()
    time_servers: tuple[Server, ...] = ()
    """NTP servers for chrony; without any, the host's time service is left alone (H8)."""
    variables: dict[str, str] = {}
    """Values of the operator's own; kept with the host, not used by gpu-metal (H1)."""


class Host(HostSettings):
    """One host after merging, as all rooms get it (H1)."""

    name: HostName
    address: HostAddress
    host_key: str
    """One `type base64` line, as in authorized_keys: pinned, never learnt."""
    group: LabelName | None = None
    """Name of one group under groups."""
    state: State = "active"
    """drained: its node takes no new work, and its work is moved (K8). gone: forget it, never connect to it again."""

    @property
    def family(self) -> Family:
        """By the declared system; Debian's when none is declared."""
        return "rhel" if self.os and self.os.partition("-")[0] in RHEL_LIKE else "debian"
