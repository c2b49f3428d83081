"""Config of a host's GPUs (rows G1 to G9, H20)."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from components.forms import form
from components.host.machine import AbsolutePath, PackageVersion
from components.model import Model, Sha256, Word
from components.url import FileUrl

Module = Literal["auto", "open", "proprietary"]


class Runfile(Model):
    """NVIDIA's own installer instead of packages (G3): for systems that have no repository."""

    file: AbsolutePath | None = None
    """Path on the host, where you have put the file."""
    url: FileUrl | None = None
    """Where the host fetches it: http, https or file."""
    sha256: Sha256
    """Its SHA-256, compared before it is run."""


Branch = Annotated[
    str,
    form(
        r"^[0-9]{3}$", 'is not a branch: three digits, such as "580"; the exact one is driver: {branch: …, version: …}.'
    ),
]


DriverVersion = Annotated[
    str, form(r"^[0-9]{3}\.[0-9]+(\.[0-9]+)?$", 'is not a version of the driver, for example "580.95.05".')
]
CudaVersion = Annotated[str, form(r"^[0-9]+\.[0-9]+$", 'is not a version of CUDA: two numbers, for example "12.8".')]


class Driver(Model):
    """The NVIDIA driver (G3, G9). Written short, `driver: "580"` is its branch."""

    branch: Branch
    """Pinned and held: 535, 580, 595 …"""
    version: DriverVersion | None = None
    """The exact version; default: the newest of the branch that the source has, which is then held."""
    module: Module = "auto"
    """The kernel module's kind; auto: open from Turing and branch 560 on (Blackwell has open only)."""
    runfile: Runfile | None = None
    """NVIDIA's installer, used instead of packages."""


OPERATOR = "operator"


def _branch(written: object) -> object:
    return written if written in (None, OPERATOR) or isinstance(written, dict | Driver) else {"branch": written}


_Driver = Annotated[
    Annotated[Driver, Tag("own")] | Annotated[Literal["operator"], Tag(OPERATOR)],
    Discriminator(lambda written: OPERATOR if written == OPERATOR else "own"),
]


class Clocks(Model):
    """Locked clocks in MHz, lowest and highest (H20)."""

    graphics: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None = None
    """Clocks of the cores, for example [210, 1410]; unset leaves them as they are."""
    memory: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None = None
    """Clocks of the memory; unset leaves them as they are."""


class Toolkit(Model):
    """NVIDIA's container toolkit (G7)."""

    version: PackageVersion | None = None
    """Package version, pinned and held; default: the newest that the source has, which is then held."""
    package: Literal["nvidia-container-toolkit", "nvidia-docker2"] = "nvidia-container-toolkit"
    """nvidia-docker2 only for old sites that still use it."""
    mode: Literal["cdi", "legacy"] = "cdi"
    """cdi: running containers keep their GPUs over a daemon-reload (G8)."""
    default_runtime: bool = False
    """Whether containers get the nvidia runtime by default."""
    smoke_image: str | None = None
    """Image, with tag or digest, in which `nvidia-smi -L` must show every GPU; without it, no container is run."""


class Gpu(Model):
    """The GPUs that a host must show (G1, G6), and the software for them."""

    model: Word
    """As NVIDIA names it, for example A100-SXM4-80GB: compared with what lspci and nvidia-smi show."""
    count: Annotated[int, Field(ge=0, le=32)]
    """How many NVIDIA GPUs the PCI bus and nvidia-smi must show."""
    driver: Annotated[
        _Driver | None, BeforeValidator(_branch, json_schema_input_type=Driver | Branch | Literal["operator"] | None)
    ] = None
    """`operator`: it is installed from within the cluster. Unset leaves it to others; one that is there is still
    checked."""
    cuda: CudaVersion | None = None
    """Least CUDA version that the driver must offer, as nvidia-smi shows it."""
    ecc: bool | None = None
    """ECC must be on or off; unset is not compared."""
    mig: bool | None = None
    """MIG mode must be on or off; unset is not compared."""
    persistence: bool = True
    """nvidia-persistenced enabled and running (G4); only with `driver`."""
    fabric_manager: Literal["auto", "off"] = "auto"
    """auto: installed if the host has an NVSwitch, in the driver's own version (G9); only with `driver`."""
    power_limit_watts: Annotated[int, Field(gt=0)] | None = None
    """Power limit of each GPU, set now and at each boot (H20)."""
    clocks: Clocks | None = None
    """Clocks to lock, now and at each boot (H20)."""
    taint_lost: bool = False
    """Whether the node takes no new pods while it offers fewer GPUs for pods than the site says: a control plane gives
    it the taint gpu-metal/gpu-lost:NoSchedule (M2)."""
    toolkit: Toolkit | None = None
    """The container toolkit; unset leaves GPUs in containers to others."""

    @property
    def installed(self) -> Driver | None:
        """The driver that the gpu layer installs; None if it comes from elsewhere."""
        return self.driver if isinstance(self.driver, Driver) else None
