"""A part: what a site may have besides hosts and a cluster, as one record of data and pure functions (ADR 18).

A part is a folder, components/parts/NAME or components/platforms/NAME, whose part.py has the record PART, and a line of
components/registry.py. Nothing here knows Pulumi.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from components.engine.config import Engine
from components.host.config import Host
from components.host.listening import Listening
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.kubernetes.config import Kubernetes
from components.model import LabelName, Model
from components.problem import Problem
from components.tenancy.config import Tenant

P = TypeVar("P", bound=Model)

Hosts = Mapping[str, Host]
"""All hosts of the site by name, those that are gone too."""

Hook = Callable[[Mapping[str, Target]], Awaitable[None]]
"""Runs in the program before a layer changes, with the hosts to ask; its exception is the layer's error."""

Provide = Literal["docker", "kubernetes", "gpu-pods", "storage:default", "load-balancer", "ingress", "oidc"]
"""What a part may need of its site: the engine, the cluster, or what another part gives."""

PodSecurity = Literal["privileged", "baseline", "restricted"]


class PlatformConfig(Model):
    """What every entry of `platforms` says."""

    kind: str
    """The part's folder."""
    name: LabelName
    """Of its layers and resources."""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a part may know of its site."""

    hosts: Hosts
    engine: Engine | None
    """Every host's, declared or Kubernetes' own; none where a part that needs docker brings it."""
    kubernetes: Kubernetes | None
    domain: str | None
    tenants: Mapping[str, Tenant]
    provides: frozenset[Provide]


@dataclass(frozen=True, slots=True)
class Wave:
    """One layer on some hosts, all at once. The waves of a part follow each other."""

    layer: str
    """The layer's name on the hosts, and of its resource: `HOST-LAYER`."""
    steps: Mapping[str, Sequence[Step]]
    """By host."""
    before: Mapping[str, Hook] = field(default_factory=dict)
    """By host: runs before its layer is created or updated, at `up` only."""


@dataclass(frozen=True, slots=True)
class HostPart(Generic[P]):
    """The half on hosts. `hosts` are all of the site; it does nothing on those that it does not use."""

    uses: Callable[[P, Hosts], Sequence[str]]
    """Names of its hosts; a name that is no host's is left to the part's checks."""
    waves: Callable[[P, Hosts], Sequence[Wave]]
    """Its layers, in the order in which they come up."""
    prepare: Callable[[P, Host, Hosts], Host] = lambda _, host, __: host
    """A host of its own with what the part asks of it, where the site says nothing else."""
    preflight: Callable[[P, Host, Hosts], Sequence[Step]] = lambda *_: ()
    """Checks of a host of its own, before anything is changed."""
    listening: Callable[[P, Host, Hosts], Sequence[Listening]] = lambda *_: ()
    """What listens on a host of its own, with keys relative to the part's entry."""
    docker_users: Callable[[P], Sequence[str]] = lambda _: ()
    """Of a part that needs docker: who starts its containers."""
    alone: bool = False
    """A host has one of this kind at most."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A workload without which the part does not work: `sitectl verify` asks whether all its pods are available."""

    kind: Literal["deployment", "daemonset", "statefulset"]
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class ClusterPart(Generic[P]):
    """The half in the cluster."""

    namespaces: Mapping[str, PodSecurity]
    """Made before the component, each with the Pod Security level that it enforces; no other part's, no tenant's."""
    component: str
    """`module:Class`, imported when it is built: `Class(name, config, *, ground, cluster, secret, opts)`.
    Each object has the annotation FORCE (components/kubernetes/handle.py), so that what kubectl changed is mended."""
    probes: Callable[[P], Sequence[Probe]] = lambda _: ()
    """What must be available."""
    user: str | None = None
    """`module:Class`, built for each tenant: `Class(name, config, *, tenant, ground, cluster, secret, opts)`."""


@dataclass(frozen=True, slots=True)
class Part(Generic[P]):
    """One part. A check that every part would need is no part's own: it stands in stacks/checks_parts.py."""

    config: type[P]
    checks: Callable[[P, Ground], Iterator[Problem]]
    """What does not fit, with keys relative to the part's own entry."""
    notes: Callable[[P, Ground], Iterator[Problem]] = lambda *_: iter(())
    """What is allowed and yet worth a line."""
    needs: frozenset[Provide] = frozenset()
    """A part with a half in the cluster needs kubernetes without saying so."""
    gives: frozenset[Provide] = frozenset()
    kubernetes: tuple[str, str] | None = None
    """The first and the last minor version that it runs on, for example ("1.31", "1.35")."""
    host: HostPart[P] | None = None
    cluster: ClusterPart[P] | None = None

    @property
    def wants(self) -> frozenset[Provide]:
        """All that it needs."""
        return self.needs | {"kubernetes"} if self.cluster else self.needs
