"""The one list of all parts that a site may have, by their folders. Pure."""

from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator

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


@dataclass(frozen=True, slots=True)
class Registered:
    """A part and where it is: `room` and `kind` are the names of its folders."""

    room: str
    kind: str
    part: Part[Any]

    @property
    def sample(self) -> Path:
        """A whole site with this part, to be copied."""
        return Path(__file__).parent / self.room / self.kind / "sample.yaml"


def _registered(folder: str) -> Registered:
    room, kind = folder.split("/")
    return Registered(room, kind, import_module(f"components.{room}.{kind}.part").PART)


REGISTERED = tuple(_registered(folder) for folder in _FOLDERS)

if TYPE_CHECKING:
    AnyPlatform = PlatformConfig
else:
    _CONFIGS = (each.part.config for each in REGISTERED if each.room == "platforms")
    AnyPlatform = Annotated[reduce(or_, _CONFIGS), Discriminator("kind")]
"""The config of any platform, told apart by `kind`."""


def of(config: Model) -> Registered:
    """The part whose config this is."""
    return next(each for each in REGISTERED if each.part.config is type(config))
