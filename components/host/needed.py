"""What the rooms above need of a host that is no setting of the site: each says its own, stacks/needed.py adds it up.

Settings of the host itself (modules, kernel settings, limits, accounts …) are laid under the site's words instead, by
the room's function `prepare`: from there on every room sees the host as it will be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.host.listening import Listening
from components.host.repositories import Repository
from components.hostrun.step import Step


@dataclass(frozen=True, slots=True)
class Needed:
    """Of one room, or of several."""

    repositories: Mapping[str, Repository] = field(default_factory=dict)
    """The official package sources, by the names under which the site may replace them."""
    mirrors: Sequence[str] = ()
    """Addresses of registries that will be asked."""
    services: Sequence[str] = ()
    """Units that go through the host's proxy too."""
    listening: Sequence[Listening] = ()
    cgroup_v2: bool = False
    """Version 1 is refused."""
    before_reboot: Sequence[Step] = ()
    """What a reboot at the end of the base layer makes true."""

    def __add__(self, other: "Needed") -> "Needed":
        return Needed(
            repositories={**self.repositories, **other.repositories},
            mirrors=(*self.mirrors, *other.mirrors),
            services=(*self.services, *other.services),
            listening=(*self.listening, *other.listening),
            cgroup_v2=self.cgroup_v2 or other.cgroup_v2,
            before_reboot=(*self.before_reboot, *other.before_reboot),
        )
