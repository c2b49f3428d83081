"""What a platform that runs on hosts gives the site's plan: data and pure functions. Nothing here knows Pulumi."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from components.host.config import Host
from components.host.openings import Opening
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.model import Model

P = TypeVar("P", bound=Model)

Hosts = Mapping[str, Host]
"""All hosts of the site by name, those that are gone too."""

Hook = Callable[[Mapping[str, Target]], Awaitable[None]]
"""Runs in the program before a layer changes, with the hosts to ask; its exception is the layer's error."""


@dataclass(frozen=True)
class Wave:
    """One layer on some hosts, all at once. The waves of a platform follow each other."""

    layer: str
    """The layer's name on the hosts, and of its resource: `HOST-LAYER`."""
    steps: Mapping[str, Sequence[Step]]
    """By host."""
    before: Mapping[str, Hook] = field(default_factory=dict)
    """By host: runs before its layer is created or updated, at `up` only."""


@dataclass(frozen=True)
class Platform(Generic[P]):
    """A kind of platform. `hosts` are all of the site; a platform does nothing on those that it does not use."""

    uses: Callable[[P, Hosts], Sequence[str]]
    """Names of its hosts; a name that is no host's is left to the site's checks."""
    prepare: Callable[[P, Host, Hosts], Host]
    """A host of its own with what the platform asks of it, where the site says nothing else."""
    checks: Callable[[P, Host, Hosts], Sequence[Step]]
    """For preflight of a host of its own."""
    openings: Callable[[P, Host, Hosts], Sequence[Opening]]
    """What it lets in through the firewall of a host of its own."""
    waves: Callable[[P, Hosts], Sequence[Wave]]
    """Its layers, in the order in which they come up."""
    docker_users: Callable[[P], Sequence[str]] = lambda _: ()
    """Who starts containers; any makes Docker the engine of its hosts."""
