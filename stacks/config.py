"""The site: one strict object made of the site file, or every fault of that file at once.

    Pulumi.<stack>.yaml + includes → merged levels → Site → cross checks

The Pulumi program has the object from Pulumi (`site_from`), sitectl reads the file (`load_site`). No secret is in it.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.engine.config import Containerd, Docker, Engine, Registry
from components.host.config import Host, HostSettings
from components.host.repositories import Repository
from components.kubernetes.config import Kubernetes
from components.model import HostName, LabelName, LocalPath, expanded
from components.network.config import Network
from components.platforms.registry import AnyPlatform, platform_of
from components.tenancy.config import Tenant
from stacks import checks, platforms
from stacks.hosts import merge_levels
from stacks.known_hosts import pin
from stacks.source import (
    Fault,
    Key,
    NoSiteError,
    Problem,
    SiteError,
    Source,
    from_object,
    join,
    read_plain,
    read_stack,
    same,
)
from stacks.validation import validate

__all__ = ["NoSiteError", "Site", "SiteError", "load_site", "secret_names", "site_from"]


class Site(HostSettings):
    """A site, validated: what rooms and sitectl are given. Host settings at top level are the defaults of all hosts."""

    name: str
    """The stack's name."""
    domain: HostName | None = None
    """Appended to host names in /etc/hosts."""
    known_hosts: LocalPath
    """OpenSSH file with the hosts' keys; `known_hosts.<stack>` beside the site file."""
    include: tuple[LocalPath, ...] = ()
    """Plain YAML files of this same shape, united with this one; no secrets there."""
    repositories: dict[LabelName, Repository | None] = {}
    """Package sources by name; kubernetes, docker, nvidia-driver, nvidia-toolkit replace the official ones.

    null: no source of that name, since another has its packages."""
    groups: dict[LabelName, HostSettings] = {}
    """Settings that several hosts share, by the group's name."""
    hosts: dict[HostName, Host]
    """The hosts by name; a range stands for several."""
    engine: Engine | None = None
    """The container engine of every host; none is containerd where Kubernetes runs, docker on the hosts of a platform
    that needs it, else no engine."""
    registry: Registry | None = None
    """A private registry on one of the hosts."""
    kubernetes: Kubernetes | None = None
    """The cluster; without it hosts only."""
    network: Network = Network()
    """Pod and service subnets, and what connects pods."""
    tenants: dict[LabelName, Tenant] = {}
    """Tenants by name, which is the namespace's too."""
    platforms: tuple[AnyPlatform, ...] = ()
    """What people use the site for, by `kind`."""

    @cached_property
    def active(self) -> tuple[Host, ...]:
        """Hosts that are there, by name."""
        return tuple(host for host in self.hosts.values() if host.state != "gone")

    @cached_property
    def control_planes(self) -> tuple[Host, ...]:
        """Active hosts with the role control-plane; the first one starts the cluster."""
        return tuple(host for host in self.active if "control-plane" in host.roles)

    @cached_property
    def workers(self) -> tuple[Host, ...]:
        """Active hosts that join as workers; a control plane that also works is not among them."""
        return tuple(host for host in self.active if "worker" in host.roles and "control-plane" not in host.roles)

    @cached_property
    def container_engine(self) -> Engine | None:
        """The engine of every host, declared or needed."""
        return self.engine or (Containerd() if self.kubernetes else None)

    @cached_property
    def platform_hosts(self) -> tuple[frozenset[str], ...]:
        """Names of the hosts that each of `platforms` uses."""
        return tuple(frozenset(platform_of(config).uses(config, self.hosts)) for config in self.platforms)

    def engine_on(self, host: Host) -> Engine | None:
        """The engine of this host: every host's, or what a platform needs there; who may use it is in it too."""
        users = platforms.docker_users(self, host)
        engine = self.container_engine or (Docker(kind="docker") if users else None)
        if not isinstance(engine, Docker):
            return engine
        return engine.model_copy(update={"users": tuple(dict.fromkeys([*engine.users, *users]))})

    @property
    def endpoint(self) -> str:
        """`host:port` of the API server."""
        if self.kubernetes and self.kubernetes.endpoint:
            return self.kubernetes.endpoint
        address = self.control_planes[0].address
        return f"{address}:6443" if address.version == 4 else f"[{address}]:6443"

    def notes(self) -> list[str]:
        """What is allowed and yet worth a line in `sitectl validate`."""
        return checks.notes(self)


def load_site(stack: str, folder: Path, *, keys: bool = True) -> Site:
    """The site of a stack from its file in `folder`. `keys=False` lets hosts be without a host key (sitectl scan).

    Raises SiteError, NoSiteError when there is no such file.
    """
    return _site(read_stack(folder / f"Pulumi.{stack}.yaml"), stack, folder, keys=keys)


def site_from(data: Mapping[str, Any], *, stack: str, folder: Path, keys: bool = True) -> Site:
    """The site from Pulumi's own object, or from one that has no file yet. `keys` as in load_site.

    Faults have lines when the stack's file in `folder` says the same.
    """
    try:
        source = read_stack(folder / f"Pulumi.{stack}.yaml")
    except SiteError:
        source = None  # the stack file was given by --config-file and Pulumi has read it
    if source is None or not same(source.data, data):
        source = from_object(dict(data), "gpu-metal:site")
    return _site(source, stack, folder, keys=keys)


def secret_names(site: Site) -> dict[str, list[str]]:
    """Names of the secrets that a site uses, each with the keys that use it; what a host inherits is named once."""
    found: dict[str, list[str]] = {}
    for key, name in _secrets(site, ""):
        found.setdefault(name, []).append(key)
    for level, members in (("groups", site.groups), ("hosts", {host.name: host for host in site.active})):
        inherited = set(found)
        for member, settings in members.items():
            for key, name in _secrets(settings, f"{level}.{member}."):
                if name not in inherited:
                    found.setdefault(name, []).append(key)
    return found


def _secrets(model: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in type(model).model_fields.items():
        value = None if name in {"groups", "hosts"} else getattr(model, name)  # those are asked for by themselves
        if name.endswith("_secret") and value is not None:
            yield f"{prefix}{field.alias}", value
        for inner, part in _models(value):
            yield from _secrets(part, ".".join([f"{prefix}{field.alias}", *inner]) + ".")


def _models(value: object) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    if isinstance(value, BaseModel):
        yield (), value
    elif isinstance(value, dict | tuple):
        each = value.items() if isinstance(value, dict) else enumerate(value)
        yield from (((str(key),), part) for key, part in each if isinstance(part, BaseModel))


def _site(source: Source, stack: str, folder: Path, *, keys: bool) -> Site:
    _include(source, folder)
    merged = merge_levels(source.data, (field.alias or name for name, field in HostSettings.model_fields.items()))
    data = {"knownHosts": f"known_hosts.{stack}", **source.data}
    data |= {k: v for k, v in (("groups", merged.groups), ("hosts", merged.hosts)) if isinstance(data.get(k), dict)}

    def fault(problem: Problem) -> Fault:
        key, mark = merged.locate(problem.key, source.marks)
        return Fault(mark, key, problem.text)

    problems = [
        *merged.problems,
        *_named(data, stack),
        *pin(merged.hosts, str(data["knownHosts"]), folder, wanted=keys),
    ]
    site, wrong = validate(Site, _ordered(data), folder, lambda key: merged.locate(key, source.marks)[1].number)
    faults = [*source.faults, *map(fault, problems)]
    site = platforms.prepared(site) if site else None
    said = {fault.key for fault in faults}
    faults += [each for each in map(fault, wrong) if each.key not in said]  # the cause, not what follows from it
    faults += map(fault, checks.problems(site) if site else ())
    if faults or site is None:
        raise SiteError(faults)
    return site


def _include(source: Source, folder: Path) -> None:
    """Unite the site with the files that it includes; what is wrong with the key itself, the model says."""
    names = source.data.get("include")
    for index, name in enumerate(names if isinstance(names, list) else ()):
        key = ("include", index)
        try:
            path = expanded(Path(str(name)), folder)
        except ValueError:
            continue
        if not path.is_file():
            raise SiteError([*source.faults, Fault(source.marks[key], key, f"there is no file {name}.")])
        other = read_plain(path, str(name))
        if "include" in other.data:
            del other.data["include"]
            other.faults.append(Fault(other.marks["include",], ("include",), "stands in the site file only."))
        join(source, other)


def _ordered(data: Any) -> Any:  # noqa: ANN401 - any YAML
    """Maps by key: Pulumi's own object has another order than the file, and no resource may change by that."""
    if isinstance(data, dict):
        return {key: _ordered(data[key]) for key in sorted(data, key=str)}
    return [_ordered(item) for item in data] if isinstance(data, list) else data


def _named(data: dict[str, Any], stack: str) -> Iterator[Problem]:
    """Give the site and its hosts their names, which are not theirs to say."""
    hosts = data["hosts"] if isinstance(data.get("hosts"), dict) else {}
    named: list[tuple[Key, object, str]] = [((), data, stack)]
    named += [(("hosts", name), entry, name) for name, entry in hosts.items()]
    for key, entry, name in named:
        if isinstance(entry, dict):
            if "name" in entry:
                yield Problem((*key, "name"), "no such key: a host is named by the key above it, a site by its stack.")
            entry["name"] = name
