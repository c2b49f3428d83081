"""NVIDIA's GPUs as data: which chip is of which generation, and which ids a model has.

PCI ids and names: https://pci-ids.ucw.cz (vendor 10de) and appendix A of the driver's README. Which driver and kernel
module fits which generation is in compatibility.yaml.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from components.matrix import Matrix, Thing, misfit, read, thing

Kind = Literal["open", "proprietary"]

OPEN_BY_DEFAULT = 560
"""From this branch on NVIDIA packages the open kernel module, and recommends it from Turing on."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Chips of one architecture: a range of PCI device ids."""

    name: str
    chips: str
    """Those of the range, where compatibility.yaml tells them from others of their generation."""
    first_id: int
    last_id: int


GENERATIONS = (
    Generation("Kepler", "GK1xx", 0x0FC0, 0x133F),
    Generation("Maxwell", "GM1xx", 0x1340, 0x15EF),
    Generation("Pascal", "GP100", 0x15F0, 0x15FF),
    Generation("Maxwell", "GM2xx", 0x1600, 0x17FF),
    Generation("Pascal", "GP10x", 0x1B00, 0x1D7F),
    Generation("Volta", "GV100", 0x1D80, 0x1DFF),
    Generation("Turing", "TU10x", 0x1E00, 0x207F),
    Generation("Ampere", "GA100", 0x2080, 0x20FF),
    Generation("Turing", "TU11x", 0x2100, 0x21FF),
    Generation("Ampere", "GA10x", 0x2200, 0x22FF),
    Generation("Hopper", "GH100", 0x2300, 0x23FF),
    Generation("Ampere", "GA10x", 0x2400, 0x25FF),
    Generation("Ada", "AD10x", 0x2600, 0x28FF),
    Generation("Blackwell", "GB1xx and GB2xx", 0x2900, 0x31FF),
)
"""By PCI device id. Later chips are unknown here: whether a driver runs them, only the driver itself tells."""

_MODELS = """
102d K80 | 1023 K40m | 1021 K20Xm | 1028 K20m | 118f K10
13bd M10 | 13f2 M60 | 13f3 M6 | 1431 M4 | 17fd M40 | 17fd M40-24GB
15f7 P100-PCIE-12GB | 15f8 P100-PCIE-16GB | 15f9 P100-SXM2-16GB | 1b38 P40 | 1bb3 P4 | 1bb4 P6 | 15f0 Quadro-GP100
1db1 V100-SXM2-16GB | 1db2 V100-DGXS-16GB | 1db3 V100-FHHL-16GB | 1db4 V100-PCIE-16GB | 1db5 V100-SXM2-32GB
1db6 V100-PCIE-32GB | 1db7 V100-DGXS-32GB | 1db8 V100-SXM3-32GB | 1df5 V100-SXM2-16GB | 1df6 V100S-PCIE-32GB
1d81 TITAN-V | 1dba Quadro-GV100
1eb8 T4 | 1eb4 T4G | 1e30 Quadro-RTX-6000 | 1e30 Quadro-RTX-8000 | 1e78 Quadro-RTX-6000 | 1e78 Quadro-RTX-8000
1eb0 Quadro-RTX-5000 | 1eb1 Quadro-RTX-4000 | 1e02 TITAN-RTX | 1e04 GeForce-RTX-2080-Ti | 1e07 GeForce-RTX-2080-Ti
20b0 A100-SXM4-40GB | 20b1 A100-PCIE-40GB | 20f1 A100-PCIE-40GB | 20b2 A100-SXM4-80GB | 20b5 A100-80GB-PCIe
20b3 A100-SXM-64GB | 20f3 A800-SXM4-80GB | 20f5 A800-80GB-PCIe | 20f6 A800-40GB-PCIe | 20b7 A30 | 20b8 A100X
2235 A40 | 2236 A10 | 2237 A10G | 2238 A10M | 25b6 A2 | 25b6 A16
2230 RTX-A6000 | 2231 RTX-A5000 | 2233 RTX-A5500 | 2232 RTX-A4500 | 24b0 RTX-A4000 | 2531 RTX-A2000
2571 RTX-A2000-12GB | 2203 GeForce-RTX-3090-Ti | 2204 GeForce-RTX-3090 | 2206 GeForce-RTX-3080
2208 GeForce-RTX-3080-Ti | 2684 GeForce-RTX-4090 | 2704 GeForce-RTX-4080
2330 H100-SXM5-80GB | 2330 H100-80GB-HBM3 | 2331 H100-PCIe | 2321 H100-NVL | 2339 H100-SXM5-94GB | 2336 H100-SXM5-64GB
2322 H800-PCIe | 2324 H800-SXM5-80GB | 2335 H200-SXM-141GB | 2335 H200 | 233b H200-NVL | 2329 H20 | 2342 GH200-480GB
2342 GH200-120GB
26b5 L40 | 26b8 L40G | 26b9 L40S | 27b8 L4 | 26ba L20 | 27b6 L2 | 26b1 RTX-6000-Ada-Generation
26b2 RTX-5000-Ada-Generation | 27b2 RTX-4000-Ada-Generation | 27b0 RTX-4000-SFF-Ada-Generation
2901 B200 | 29bc B100 | 3182 B300-SXM6-AC | 3182 B300 | 2941 GB200 | 31c2 GB300 | 31c3 GB300
2bb1 RTX-PRO-6000-Blackwell-Workstation-Edition | 2bb5 RTX-PRO-6000-Blackwell-Server-Edition | 2b85 GeForce-RTX-5090
"""

NAMES = frozenset(entry.split()[1] for entry in _MODELS.replace("\n", "|").split("|") if entry.strip())
"""Models as they are best written in a site."""

_MAKERS = {"nvidia", "tesla", "quadro", "geforce"}


@cache  # a site names few models, and asks for each of its hosts
def ids(model: str) -> tuple[str, ...]:
    """The PCI device ids that a declared model may have: of each known model that has all of its words.

    `A100-80GB` is an A100-SXM4-80GB or an A100-80GB-PCIe. None: the model is not known here.
    """
    wanted = words(model)
    return tuple(sorted({id_ for id_, name in _TABLE if wanted and wanted <= words(name)}))


def named(id_: str) -> str | None:
    """The model that a PCI device id is known by; None when it is not known here."""
    return next((name for known, name in _TABLE if known == id_), None)


def words(model: str) -> frozenset[str]:
    """The words that tell a model from others, without the maker's brands. `NVIDIA A100-SXM4-80GB`: a100 sxm4 80gb."""
    return frozenset(re.split(r"[\s_/-]+", model.strip().lower())) - _MAKERS - {""}


def generation(id_: str) -> Generation | None:
    """The generation of a PCI device id; None for a chip that is not known here."""
    number = int(id_, 16)
    return next((g for g in GENERATIONS if g.first_id <= number <= g.last_id), None)


def generations(model: str) -> frozenset[str]:
    """Names of the generations that a declared model may be of; empty when it is not known here."""
    return frozenset(g.name for id_ in ids(model) if (g := generation(id_)))


@cache
def gpu(model: str) -> Thing:
    """A declared model as compatibility.yaml knows it: each chip that it may have, by its generation and names."""
    values = tuple(dict.fromkeys(frozenset(_names(id_)) for id_ in ids(model)))
    return Thing("gpu", f"GPU {model}", values or (frozenset({model}),))


def _names(id_: str) -> set[str]:
    """A100-SXM4-80GB is also A100-SXM4 and A100."""
    of = generation(id_)
    products = [name.split("-") for known, name in _TABLE if known == id_]
    names = {"-".join(parts[:size]) for parts in products for size in range(1, len(parts) + 1)}
    return names | ({of.name, of.chips} if of else set())


def driver(branch: int | str) -> Thing:
    """A branch of the driver."""
    return thing("driver", f"driver {branch}", str(branch))


def module(kind: Kind) -> Thing:
    """A kind of the kernel module."""
    return thing("module", f"the {kind} kernel module", kind)


def kind(module_: Literal["auto", "open", "proprietary"], branch: int, model: str) -> Kind:
    """The kernel module to install. A model that is not known here counts as a new one."""
    if module_ != "auto":
        return module_
    if ids(model):
        if _MATRIX.verdict(module("open"), gpu(model)).fits is False:
            return "proprietary"
        if _MATRIX.verdict(module("proprietary"), gpu(model)).fits is False:
            return "open"
    return "open" if branch >= OPEN_BY_DEFAULT else "proprietary"


def unfit(of: Generation, branch: int, kind: Kind) -> str | None:
    """Why a driver does not run this generation, with what to use instead; None when it does."""
    chips = Thing("gpu", of.name, (frozenset({of.name, of.chips}),))
    for judged in (driver(branch), module(kind)):
        verdict = _MATRIX.verdict(judged, chips)
        if verdict.fits is False:
            return misfit(judged, chips, verdict)
    return None


FACTS = Path(__file__).with_name("compatibility.yaml")
_MATRIX = Matrix([read(FACTS)])
_TABLE = tuple(
    (id_, name) for entry in _MODELS.replace("\n", "|").split("|") if entry.strip() for id_, name in [entry.split()]
)
