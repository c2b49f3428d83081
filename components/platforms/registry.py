"""The one list of platforms: the kinds that a site may name, and what each brings. Pure."""

from typing import Annotated, Any

from pydantic import Discriminator

from components.model import Model
from components.platforms.platform import Platform
from components.platforms.shifter.config import Shifter
from components.platforms.shifter.steps import PLATFORM as SHIFTER
from components.platforms.sqream.config import Sqream
from components.platforms.sqream.steps import PLATFORM as SQREAM

AnyPlatform = Annotated[Shifter | Sqream, Discriminator("kind")]

_PLATFORMS: dict[type[Model], Platform[Any]] = {Shifter: SHIFTER, Sqream: SQREAM}


def platform_of(config: AnyPlatform) -> Platform[Any]:
    """What the kind of this config brings."""
    return _PLATFORMS[type(config)]
