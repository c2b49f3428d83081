"""What a site may say of every platform."""

from typing import Literal

from components.model import Model


class PlatformConfig(Model):
    """Base of each platform's config."""

    state: Literal["present", "removed"] = "present"
    """`removed` takes it off its hosts while all that it stands on is still there: users, engine, toolkit. Once that is
    done, its entry may go."""
