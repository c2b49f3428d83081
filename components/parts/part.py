"""A part: what a site may have besides hosts and a cluster, as one record of data and pure functions (ADR 18).

A part is a folder, components/parts/NAME or components/platforms/NAME, whose part.py has the record PART, and a line of
components/registry.py. Nothing here knows Pulumi.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar

from components.engine.config import Devices, Engine
from components.host.config import Host
from components.host.listening import Listening
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.kubernetes.config import Kubernetes
from components.model import LabelName, Model
from components.network.config import Network
from components.parts.state import State
from components.problem import Key, Problem
from components.tenancy.config import Project, Share, User

P = TypeVar("P", bound=Model)
Other = TypeVar("Other", bound=Model)

Hosts = Mapping[str, Host]
"""All hosts of the site by name, including those that are gone."""

Hook = Callable[[Mapping[str, Target]], Awaitable[None]]
"""Runs in the program before a layer changes, with the hosts to ask; its exception is the layer's error."""

Provide = Literal[
    "docker",
    "kubernetes",
    "gpu-driver",
    "gpu-pods",
    "storage:default",
    "load-balancer",
    "ingress",
    "certificates",
    "monitoring",
    "network-policies",
    "oidc",
]
"""What a part may need of its site: the engine, the cluster, or what another part gives."""

PodSecurity = Literal["privileged", "baseline", "restricted"]


class PlatformConfig(Model):
    """Keys that every entry of `platforms` has."""

    kind: str
    """The part's folder."""
    name: LabelName
    """The name of its layers and resources."""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a part may know of its site."""

    hosts: Hosts
    engine: Engine | None
    """The engine of every host, declared or Kubernetes' own; None if only a part that needs docker brings one."""
    kubernetes: Kubernetes | None
    domain: str | None
    users: Mapping[str, User]
    projects: Mapping[str, Project]
    provides: frozenset[Provide]
    network: Network = field(default_factory=Network)
    subjects: Mapping[str, str] = field(default_factory=dict)
    """By user: what the API server calls the user."""
    configs: tuple[Model, ...] = ()
    """The settings of every part that the site has."""

    def config(self, of: type[Other]) -> Other | None:
        """The settings of another part, by their class; None if the site has no such part."""
        return next((each for each in self.configs if isinstance(each, of)), None)


@dataclass(frozen=True, slots=True)
class Wave:
    """One layer on some hosts, all at once. The waves of a part follow each other."""

    layer: str
    """The layer's name on the hosts, and of its resource: `HOST-LAYER`."""
    steps: Mapping[str, Sequence[Step]]
    """The layer's steps, by host."""
    before: Mapping[str, Hook] = field(default_factory=dict)
    """By host: runs before its layer is created or updated, at `up` only."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A vendor's archive whose images a part pushes to a registry."""

    registry: str
    """HOST:PORT."""
    archive: str
    """Its SHA-256."""
    gb: int
    """GB that must be free for them, where the registry is the site's own, before the first push."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on an NFS server that belongs to a person or to everybody."""

    server: str
    """Address or name."""
    path: str
    owner: str
    """UID:GID, as numbers."""
    mode: str
    """Of a new one; whose it is then may change it."""


@dataclass(frozen=True, slots=True)
class HostPart(Generic[P]):
    """The half on hosts. Its functions get all hosts of the site; a part does nothing on hosts that it does not use."""

    uses: Callable[[P, Hosts], Sequence[str]]
    """Names of the hosts that it uses; the part's checks report a name that is not a host's."""
    waves: Callable[[P, Hosts], Sequence[Wave]]
    """Its layers, in the order in which they come up."""
    serving: Callable[[P, Hosts, Sequence[Folder]], Sequence[Wave]] | None = None
    """In place of `waves`, of a part that makes on its server the folders that other parts want there."""
    prepare: Callable[[P, Host, Hosts], Host] = lambda _, host, __: host
    """One of its hosts with the part's defaults, which the site's own settings override."""
    preflight: Callable[[P, Host, Hosts], Sequence[Step]] = lambda *_: ()
    """Checks of one of its hosts, before anything is changed."""
    listening: Callable[[P, Host, Hosts], Sequence[Listening]] = lambda *_: ()
    """The services that listen on one of its hosts, with keys relative to the part's entry."""
    docker_users: Callable[[P], Sequence[str]] = lambda _: ()
    """For a part that needs docker: the users that start its containers."""
    fills: Callable[[P], Sequence[Filling]] = lambda _: ()
    """What it pushes to a registry."""
    devices: Callable[[P, Hosts], Devices | None] = lambda *_: None
    """How the engine gives pods on its hosts their devices, where that needs a newer engine than Kubernetes does."""
    alone: bool = False
    """True if a host can have only one part of this kind."""
    drained: Callable[[P, Host, Hosts], Sequence[str]] = lambda *_: ()
    """Taints, `key=value:Effect`, that the node of a drained host has once its work has moved, until it takes work
    again. The program asks this of every drained host, also of one that the part does not use."""
    backups: Callable[[P, Hosts], Mapping[str, str]] = lambda *_: {}
    """By host: the systemd unit that makes a backup of what it has there, for `sitectl backup`."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """By the name of a step: under which name `sitectl verify` shows it as a check of its own, `ENTRY/NAME`."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A workload without which the part does not work: `sitectl verify` asks whether all its pods are available."""

    kind: Literal["deployment", "daemonset", "statefulset", "job"]
    """A job must have ended well."""
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Question:
    """What `sitectl verify` asks on a control plane, as root, with one script that changes nothing.

    It prints what it saw; or it calls `untrue` with what is not as it should be, as steps do, or `remark`.
    """

    id: str
    """The check is called `PART/ID`."""
    script: Path
    """Bash."""
    words: tuple[str, ...] = ()
    """Its arguments."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An object of the cluster with a value that must be as it is here: `sitectl verify` compares."""

    name: str
    """The check's."""
    objects: str
    """What kubectl gets, such as `persistentvolumeclaim data -n vision`."""
    path: str
    """A JSONPath template; blanks at its ends do not count."""
    want: str
    """What it must print."""
    what: str
    """The value as people call it: `its phase`."""
    fix: str
    """What to do if it prints something else."""

    @classmethod
    def ready(cls, name: str, objects: str, fix: str) -> "Expected":
        """That its condition Ready is true."""
        return cls(name, objects, '{.status.conditions[?(@.type=="Ready")].status}', "True", "its condition Ready", fix)


@dataclass(frozen=True, slots=True)
class ClusterPart(Generic[P]):
    """The half in the cluster."""

    namespaces: Mapping[str, PodSecurity]
    """Made before the component, each with the Pod Security level that it enforces; no other part's, no project's."""
    component: str
    """`module:Class`, imported when it is built: `Class(name, config, *, ground, cluster, secret, opts)`.
    Each object has the annotation FORCE (components/kubernetes/force.py), so that what kubectl changed is mended."""
    more_namespaces: Callable[[P], Mapping[str, PodSecurity]] = lambda _: {}
    """The same, of those that only some settings need."""
    probes: Callable[[P], Sequence[Probe]] = lambda _: ()
    """The workloads that must be available."""
    project: str | None = None
    """`module:Class`, built for each project: `Class(name, config, *, project, ground, cluster, secret, opts)`, where
    `project` is its name, which is also that of its namespace."""
    expected: Callable[[P], Sequence[Expected]] = lambda _: ()
    """What else must hold there."""
    optional: bool = False
    """True if a site without Kubernetes may have the part, with its half on hosts only."""
    offers: Callable[[P, Ground], Mapping[str, Mapping[str, int]]] = lambda *_: {}
    """By host: how many of each extended resource, such as nvidia.com/gpu, its node must have for pods. `sitectl
    verify` compares them with what the node has."""
    bounds: Callable[[P, Ground], Sequence[str]] = lambda *_: ()
    """What a project's quota bounds by `gpus` besides nvidia.com/gpu: keys of a ResourceQuota, for all that pods may
    ask for in its place."""
    shares: Callable[[P, Ground], Mapping[str, Share]] = lambda *_: {}
    """What the namespaces of projects have for a scheduler of the part's own, by project."""
    promises: Callable[[P, Ground], Sequence[tuple[Key, int]]] = lambda *_: ()
    """Numbers of GPUs that an entry promises to somebody besides the site's own projects, each with its key: none is
    more than there are for pods (stacks/checks_projects.py)."""
    belongs: Callable[[P, Ground], Mapping[str, Sequence[str]]] = lambda *_: {}
    """Annotations, by key and values, of namespaces that people make for a project by themselves: what the API server
    refuses in a project's own namespace, it refuses there."""
    email_claims: Callable[[P, Ground], Sequence[str]] = lambda *_: ()
    """Claims, besides `email`, that hold a person's email address in the tokens that the API server takes: of a part
    that gives these tokens."""
    folders: Callable[[P, Ground], Sequence[Folder]] = lambda *_: ()
    """Folders that it wants on NFS servers. Those on a server that the site runs are made there."""
    user: str | None = None
    """`module:Class`, built for each user: `Class(name, config, *, user, ground, cluster, secret, opts)`, where `user`
    is the user's name."""
    made: Callable[[P], bool] = lambda _: True
    """False for an entry that has nothing in the cluster, such as one that names what others run."""
    preflight: Callable[[P, Ground], Sequence[Step]] = lambda *_: ()
    """Checks on each control plane, before anything is changed: of what the site must have around it."""
    questions: Callable[[P, Ground], Sequence[Question]] = lambda *_: ()
    """What `sitectl verify` asks besides, of an entry that has this half or not."""
    state: Callable[[P, Ground], State | None] = lambda *_: None
    """What the backups of the cluster save of it besides etcd's objects."""
    answers: Callable[[P, Ground], Sequence[tuple[Key, str]]] = lambda *_: ()
    """The host names that it has at the ingress, each with its key; no other part's. Empty ones do not count."""

    def all_namespaces(self, config: P) -> Mapping[str, PodSecurity]:
        """All namespaces that an entry of these settings makes."""
        return {**self.namespaces, **self.more_namespaces(config)}


@dataclass(frozen=True, slots=True)
class Part(Generic[P]):
    """One part. Checks that every part would need are in stacks/checks_parts.py."""

    config: type[P]
    """In config.py, named like the folder (`GpuOperator`). `within: ClassVar[str] = "network"` there puts the key of a
    part of components/parts into that object of the site; without it the key stands at top level."""
    checks: Callable[[P, Ground], Iterator[Problem]]
    """Yields the problems of an entry, with keys relative to it."""
    notes: Callable[[P, Ground], Iterator[Problem]] = lambda *_: iter(())
    """Yields remarks about settings that are allowed, with keys relative to the entry."""
    names: Callable[[P, Ground], Iterator[Problem]] = lambda *_: iter(())
    """Yields each user and project whose name the part cannot use, with the site's own key: ("users", NAME)."""
    needs: frozenset[Provide] = frozenset()
    """What it needs; kubernetes need not be listed for a part with a half in the cluster."""
    asks: Callable[[P], frozenset[Provide]] = lambda _: frozenset()
    """What an entry needs besides, by its settings."""
    uses: frozenset[Provide] = frozenset()
    """What it does without, but uses where the site has it: it comes after the part that gives it."""
    gives: frozenset[Provide] = frozenset()
    """What it can give."""
    given: Callable[[P], frozenset[Provide]] | None = None
    """What of it an entry gives by its settings; without this, all."""
    version: Callable[[P], tuple[Key, str] | None] = lambda _: None
    """The version that an entry names, and its key there. What fits it is in the part's own compatibility.yaml
    (components/matrix.py), where the part is named like its folder."""
    host: HostPart[P] | None = None
    cluster: ClusterPart[P] | None = None
    files: Callable[[P, Ground], Mapping[str, str]] = lambda *_: {}
    """Texts for the people who use it, by path below the folder that `sitectl files` writes them to; no secrets."""

    def wants(self, config: P) -> frozenset[Provide]:
        """What an entry needs, including kubernetes for a half in the cluster that is not optional."""
        needs = self.needs | self.asks(config)
        return needs | {"kubernetes"} if self.cluster and not self.cluster.optional else needs
