"""The site as one strict object, from which rooms and sitectl work. stacks/load.py makes and checks it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Discriminator, Field, create_model
from pydantic.alias_generators import to_camel

from components.engine.config import Containerd, Devices, Docker, Engine, Registry
from components.host.addresses import Address
from components.host.config import Host, HostSettings
from components.host.repositories import Repository
from components.hostrun.owner import Owner
from components.kubernetes.config import Kubernetes, not_images
from components.matrix import Thing, thing
from components.model import HostName, LabelName, LocalPath, Model, SiteId
from components.network.config import Network
from components.parts.part import Part, PlatformConfig, Provide
from components.problem import Key
from components.registry import REGISTERED, Registered, of
from components.rule import Found, Rule, marked
from components.tenancy.config import Project, User, UserName


class Entry(NamedTuple):
    """A part of a site: its key there, its name, its place in the registry, and its settings."""

    key: Key
    name: str
    registered: Registered
    config: Any
    """An object of the class `registered.part.config`."""

    @property
    def part(self) -> Part[Any]:
        """The part's record, as its folder declares it."""
        return self.registered.part

    @property
    def kind(self) -> str:
        """The part's folder."""
        return self.registered.kind

    @property
    def given(self) -> frozenset[Provide]:
        """What it gives to other parts, by its settings."""
        return self.part.given(self.config) if self.part.given else self.part.gives

    @property
    def version(self) -> Thing:
        """The part with the version that its settings name, for compatibility.yaml."""
        key, version = self.part.version(self.config) or ((), "")
        return thing(
            self.kind, f"{self.kind.replace('_', '-')} {version}".rstrip(), version or self.kind, (*self.key, *key)
        )

    @property
    def wants(self) -> frozenset[Provide]:
        """What this entry needs of its site."""
        return self.part.wants(self.config)

    @property
    def follows(self) -> frozenset[Provide]:
        """What must come before this entry, where the site has it."""
        return self.wants | self.part.uses

    def token(self, suffix: str = "") -> str:
        """The type of its Pulumi component, which must never change."""
        return f"gpu-metal:{self.registered.room}:{self.kind.title().replace('_', '')}{suffix}"


def key_of(part: Registered) -> Key:
    """The key of a part of components/parts: its folder's name, in the object that its record names."""
    own = to_camel(part.kind)
    return (own,) if part.within is None else (part.within, own)


class Site(HostSettings):
    """A validated site. Host settings at top level are the defaults of all hosts."""

    parts: ClassVar[tuple[Registered, ...]] = ()
    """Those whose keys and kinds this class has: `site_model` makes a class that has some."""

    name: str
    """The stack's name."""
    project: str
    """The project's name, in Pulumi.yaml."""
    id: SiteId | None = None
    """Tells this site from another one whose project and stack have the same names. The hosts keep it with both names,
    and refuse a run of any other site. It does not depend on the state, which may be lost. `sitectl init` writes one.
    Never change it; a lost one is the third word of /var/lib/gpu-metal/owner on each host."""
    domain: HostName | None = None
    """Appended to host names in /etc/hosts."""
    known_hosts: LocalPath
    """OpenSSH file with the hosts' keys; `known_hosts.<stack>` beside the site file."""
    include: tuple[LocalPath, ...] = ()
    """Plain YAML files of the same shape, united with this one; they hold no secrets."""
    repositories: dict[LabelName, Repository | None] = {}
    """Package sources by name; kubernetes, docker, nvidia-driver, nvidia-toolkit replace the official ones.

    null drops the source of that name: another source has its packages."""
    groups: dict[LabelName, HostSettings] = {}
    """Settings that several hosts share, by the group's name."""
    hosts: dict[HostName, Host]
    """The hosts by name; a range such as gpu-[1-4] names several."""
    engine: Engine | None = None
    """The container engine of every host. Default: containerd if the site has kubernetes, docker on the hosts of a
    platform that needs it, else no engine."""
    registry: Registry | None = None
    """A private registry on one of the hosts."""
    kubernetes: Kubernetes | None = None
    """The Kubernetes cluster; without this key the site has hosts only."""
    network: Network = Network()
    """Pod and service subnets, and the plugin that connects pods."""
    allow_untested: bool = False
    """true: versions of which nothing is known are a note (X7). Those that are known to fail stay refused."""
    users: dict[UserName, User] = {}
    """People by name, which is also that of their Unix account (X14, S6)."""
    projects: dict[LabelName, Project] = {}
    """Projects by name, which is also the name of their namespace (X14, S4)."""
    allowed_registries: tuple[Annotated[str, Rule(not_images)], ...] = ()
    """Where the images of pods in projects come from: HOST, HOST:PORT, or one of both with a path, and all below it; an
    image without a registry is one of docker.io. The API server refuses others. Default: from anywhere."""
    platforms: tuple[PlatformConfig, ...] = ()
    """Platforms that the site offers its users, each of a `kind`."""

    @property
    def owner(self) -> Owner:
        """Who a run of this site is, to its hosts."""
        return Owner(self.project, self.name, self.id or "")

    @cached_property
    def active(self) -> tuple[Host, ...]:
        """The hosts that are not gone, in the order of the site."""
        return tuple(host for host in self.hosts.values() if host.state != "gone")

    @cached_property
    def peers(self) -> tuple[tuple[str, str], ...]:
        """Name and address of each host that is there, in one order for all."""
        return tuple((host.name, str(host.address)) for host in self.active)

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """Of the hosts that are there."""
        return tuple(host.address for host in self.active)

    @cached_property
    def control_planes(self) -> tuple[Host, ...]:
        """Active hosts with the role control-plane; the first one starts the cluster."""
        return tuple(host for host in self.active if "control-plane" in host.roles)

    @cached_property
    def leaving(self) -> tuple[Host, ...]:
        """Control planes that are gone: one may run on, and is then still told who has the address that moves."""
        return tuple(host for host in self.hosts.values() if host.state == "gone" and "control-plane" in host.roles)

    @cached_property
    def workers(self) -> tuple[Host, ...]:
        """Active hosts that join as workers; a control plane that also works is not among them."""
        return tuple(host for host in self.active if "worker" in host.roles and "control-plane" not in host.roles)

    @cached_property
    def container_engine(self) -> Engine | None:
        """The engine of every host: the declared one, or containerd if the site has Kubernetes."""
        return self.engine or (Containerd() if self.kubernetes else None)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The parts that this site has: those with a key of their own, then `platforms`, in the order of the file."""
        keyed = [each for each in self.parts if each.room == "parts"]
        own = [(each, getattr(self._place(each), each.kind)) for each in keyed]
        found = [Entry(key_of(part), part.kind.replace("_", "-"), part, config) for part, config in own if config]
        listed = enumerate(self.platforms)
        return (*found, *(Entry(("platforms", index), each.name, of(each), each) for index, each in listed))

    def _place(self, part: Registered) -> Any:  # noqa: ANN401 - any object of the site
        return self if part.within is None else getattr(self, part.within)

    @cached_property
    def entry_hosts(self) -> tuple[frozenset[str], ...]:
        """Names of the hosts that each of `entries` uses."""
        halves = [(entry.part.host, entry.config) for entry in self.entries]
        return tuple(frozenset(half.uses(config, self.hosts) if half else ()) for half, config in halves)

    def devices_on(self, host: Host) -> Devices | None:
        """How pods on this host get their devices, where a part has a say in it."""
        return next((way for names, way in self._devices if host.name in names), None)

    @cached_property
    def _devices(self) -> tuple[tuple[frozenset[str], Devices], ...]:
        """Each part's way, with its hosts: asked once, as a part looks at all hosts for it."""
        found = [
            (names, entry.part.host.devices(entry.config, self.hosts))
            for entry, names in zip(self.entries, self.entry_hosts, strict=True)
            if entry.part.host and names
        ]
        return tuple((names, way) for names, way in found if way)

    @cached_property
    def users_of_docker(self) -> Mapping[str, tuple[str, ...]]:
        """By host: the users that start containers there for a part."""
        found: dict[str, tuple[str, ...]] = {}
        for entry, names in zip(self.entries, self.entry_hosts, strict=True):
            if entry.part.host and "docker" in entry.part.needs:
                users = entry.part.host.docker_users(entry.config)
                found |= {name: (*found.get(name, ()), *users) for name in names}
        return found

    def engine_on(self, host: Host) -> Engine | None:
        """The engine of this host: the site's, or docker if a part needs it. Its users include those of parts."""
        users = self.users_of_docker.get(host.name)
        engine = self.container_engine or (Docker(kind="docker") if users is not None else None)
        if not isinstance(engine, Docker):
            return engine
        return engine.model_copy(update={"users": tuple(dict.fromkeys([*engine.users, *(users or ())]))})

    @cached_property
    def marked(self) -> tuple[Found, ...]:
        """Each value whose type has a mark, found once for all checks."""
        return tuple(marked(self))

    def levels(self) -> Iterator[tuple[Key, HostSettings]]:
        """The settings of the site, of each group and of each host, with their keys."""
        yield (), self
        yield from ((("groups", name), group) for name, group in self.groups.items())
        yield from ((("hosts", name), host) for name, host in self.hosts.items())

    @property
    def endpoint(self) -> str:
        """`host:port` of the API server."""
        if self.kubernetes and self.kubernetes.reached:
            return self.kubernetes.reached
        address = self.control_planes[0].address
        return f"{address}:6443" if address.version == 4 else f"[{address}]:6443"


def with_parts(base: type[Model], within: str | None, parts: Iterable[Registered]) -> Any:  # noqa: ANN401 - a class made here
    """The class with one key more for each of those parts of components/parts that stands in it."""
    keys: dict[str, Any] = {
        each.kind: (each.config | None, Field(None, description=each.config.__doc__))
        for each in parts
        if each.room == "parts" and each.within == within
    }
    return _made(base, (base,), keys) if keys else base


@cache
def site_model(parts: tuple[Registered, ...] = REGISTERED) -> type[Site]:
    """The class of sites with the keys and the kinds of these parts. It loads the settings of no other part."""
    # In this order the keys of parts stand behind the settings of hosts, before the site's own.
    bases = (Site, with_parts(HostSettings, None, parts))
    network = with_parts(Network, "network", parts)
    keys: dict[str, Any] = {"network": (network, network()), "platforms": (_platforms(parts), ())}
    made: type[Site] = _made(Site, bases, keys)
    made.parts = parts
    return made


def _made(base: type[Model], bases: tuple[type[Model], ...], keys: dict[str, Any]) -> Any:  # noqa: ANN401 - a class
    return create_model(base.__name__, __base__=bases, __doc__=base.__doc__, **keys)


def _platforms(parts: Iterable[Registered]) -> Any:  # noqa: ANN401 - a type made here
    """The type of `platforms`: a list of these parts' settings, told apart by `kind`."""
    kinds = [each.config for each in parts if each.room == "platforms"]
    if not kinds:
        return tuple[()]
    one: Any = reduce(or_, kinds)
    if len(kinds) > 1:
        one = Annotated[one, Discriminator("kind")]
    return tuple[one, ...]


def named_parts(data: Mapping[str, Any]) -> tuple[Registered, ...]:
    """The parts that a site's data names, and any whose name is a word at such a place (a host may be called so)."""
    maps = [data, *(each for each in data.values() if isinstance(each, dict))]
    listed = data["platforms"] if isinstance(data.get("platforms"), list) else []
    words = {str(key) for each in maps for key in each}
    words |= {str(each.get("kind")) for each in listed if isinstance(each, dict)}
    return tuple(each for each in REGISTERED if not words.isdisjoint((each.kind, to_camel(each.kind))))
