"""The one list of all parts that a site may have, by their folders. Pure."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from components.model import Model
from components.parts.part import Part, PlatformConfig

_FOLDERS = (
    "parts/cert_manager",
    "parts/dashboard",
    "parts/device_plugin",
    "parts/gpu_operator",
    "parts/ingress",
    "parts/load_balancer",
    "parts/logs",
    "parts/monitoring",
    "parts/network_operator",
    "parts/policies",
    "parts/samba",
    "parts/storage",
    "platforms/orchestra",
    "platforms/rancher",
    "platforms/runai",
    "platforms/shifter",
    "platforms/sqream",
)


@dataclass(frozen=True)
class Registered:
    """A part and where it is: `room` and `kind` are the names of its folders."""

    room: str
    kind: str

    @cached_property
    def config(self) -> type[Model]:
        """The class of its settings: in its folder's config.py, named like the folder. The first use loads it."""
        found: type[Model] = getattr(self._module("config"), self.kind.title().replace("_", ""))
        return found

    @cached_property
    def part(self) -> Part[Any]:
        """The part's record. The first use loads the part's modules, since most sites have few of the parts."""
        found: Part[Any] = self._module("part").PART
        return found

    @property
    def within(self) -> str | None:
        """For a part of components/parts: the object of the site in which its key stands; None for top level."""
        return getattr(self.config, "within", None)

    @property
    def sample(self) -> Path:
        """A whole site with this part, to be copied."""
        return Path(__file__).parent / self.room / self.kind / "sample.yaml"

    def _module(self, name: str) -> ModuleType:
        return import_module(f"components.{self.room}.{self.kind}.{name}")


REGISTERED = tuple(Registered(*folder.split("/")) for folder in _FOLDERS)


def of(platform: PlatformConfig) -> Registered:
    """The part whose config this is."""
    return next(each for each in REGISTERED if (each.room, each.kind) == ("platforms", platform.kind))
