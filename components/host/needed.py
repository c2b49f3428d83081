"""Needs of the rooms above that are not settings of the site: each room declares its own; stacks/needed.py adds them.

For settings of the host itself (modules, kernel settings, limits, accounts …), a room's function `prepare` instead adds
them below the site's own values, so that from then on every room sees the host as it will be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.host.listening import Listening
from components.host.repositories import Repository
from components.hostrun.step import Step


@dataclass(frozen=True, slots=True)
class Needed:
    """The needs of one room, or of several together."""

    repositories: Mapping[str, Repository] = field(default_factory=dict)
    """The official package sources, by the names under which the site may replace them."""
    mirrors: Sequence[str] = ()
    """Addresses of registries that the host will use."""
    services: Sequence[str] = ()
    """Units that use the host's proxy too."""
    listening: Sequence[Listening] = ()
    cgroup_v2: bool = False
    """Whether control groups of version 1 are refused."""
    before_reboot: Sequence[Step] = ()
    """Steps that need the reboot at the end of the base layer to take effect."""
    publishes: bool = False
    """Whether an engine forwards ports of the host to its containers, which the firewall's input rules do not see."""

    def __add__(self, other: "Needed") -> "Needed":
        return Needed(
            repositories={**self.repositories, **other.repositories},
            mirrors=(*self.mirrors, *other.mirrors),
            services=(*self.services, *other.services),
            listening=(*self.listening, *other.listening),
            cgroup_v2=self.cgroup_v2 or other.cgroup_v2,
            before_reboot=(*self.before_reboot, *other.before_reboot),
            publishes=self.publishes or other.publishes,
        )
