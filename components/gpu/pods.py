"""GPUs for pods: what the ways to bring them into a cluster have in common. Pure.

Rows: O4, O6.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from components.forms import TAGGED
from components.host.config import Host
from components.model import Model, Word
from components.problem import Problem

RESOURCE = "nvidia.com/gpu"
TAINT = "nvidia.com/gpu"
LOST = "gpu-metal/gpu-lost"
"""Taint of a node that offers fewer GPUs than its host has (components/kubernetes/steps/gpus_watched.sh)."""
KINDS = (RESOURCE, "nvidia.com/mig-")
"""How the names of what pods ask for begin."""
CLAIMS = "resourceClaims"
ASKED = (*KINDS, CLAIMS, "gpu-fraction", "gpu-memory")
"""By which a pod has GPUs: the names of its resources, claims of devices (DRA), and annotations of Run:ai, whose pods
with a part of a GPU ask for no resource."""
SMOKE = "gpu-smoke"
"""Name of the job that proves that pods get GPUs."""
CONFIG = "nvidia.com/device-plugin.config"
"""Label that names a node's configuration of the device plugin."""

Hosts = Mapping[str, Host]


class Pool(Model):
    """Hosts whose GPUs are shared in the same way."""

    hosts: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Names of hosts or groups."""
    time_slicing: Annotated[int, Field(ge=2)] | None = None
    """Each GPU is offered so many times; its pods take turns, and see each other's memory as used (O6)."""
    mps: Annotated[int, Field(ge=2)] | None = None
    """Each GPU is offered so many times; its pods run at once, each with its part of the memory (O6)."""

    @property
    def replicas(self) -> int:
        """How many times each GPU is offered."""
        return self.time_slicing or self.mps or 1


class Smoke(Model):
    """A pod that asks for GPUs and must see as many: run once for each change of the release (O4). One that asks for
    several keeps off nodes that share theirs, where two may be the same."""

    image: str
    """Image, with tag or digest, with sh, grep and nvidia-smi."""
    gpus: Annotated[int, Field(ge=1)] = 1
    """How many GPUs it asks for."""


def named(words: Iterable[str], hosts: Hosts) -> list[str]:
    """The hosts that names of hosts and groups stand for, in the site's order."""
    wanted = set(words)
    return [name for name, host in hosts.items() if is_named(wanted, host)]


def is_named(words: Collection[str], host: Host) -> bool:
    """Whether one of the words is the host's name or its group's."""
    return host.name in words or host.group in words


def with_gpus(hosts: Hosts) -> dict[str, Host]:
    """The nodes of the cluster that have GPUs."""
    return {name: host for name, host in hosts.items() if has_gpus(host)}


def has_gpus(host: Host) -> bool:
    """Whether the host is a node of the cluster with GPUs."""
    return host.state != "gone" and bool(host.roles) and _count(host) > 0


def _count(host: Host) -> int:
    return host.gpu.count if host.gpu else 0


def pool_of(pools: Mapping[str, Pool], host: str, hosts: Hosts) -> str | None:
    """The name of the host's pool."""
    return next((name for name, pool in pools.items() if is_named(pool.hosts, hosts[host])), None)


def shared(pools: Mapping[str, Pool]) -> dict[str, Pool]:
    """The pools that need a configuration of the device plugin."""
    return {name: pool for name, pool in pools.items() if pool.replicas > 1}


def wrong_pools(pools: Mapping[str, Pool], serving: Hosts, hosts: Hosts) -> Iterator[Problem]:
    """Each pool has hosts with GPUs, a host has one pool, and GPUs are shared in one way."""
    owner: dict[str, str] = {}
    for name, pool in pools.items():
        key = ("pools", name)
        if name == "default":
            yield Problem(key, "default is the configuration of hosts without a pool. Give it another name.")
        if pool.time_slicing and pool.mps:
            yield Problem((*key, "mps"), "is another way to share than timeSlicing. Write one of them.")
        yield from _wrong_hosts((*key, "hosts"), pool.hosts, serving, hosts)
        for host in named(pool.hosts, hosts):
            if owner.setdefault(host, name) != name:
                yield Problem((*key, "hosts"), f"{host} is in pool {owner[host]} already. Take it out of one of them.")


def _wrong_hosts(key: tuple[str, ...], words: Sequence[str], serving: Hosts, hosts: Hosts) -> Iterator[Problem]:
    for word in words:
        found = named([word], hosts)
        there = [host for host in found if hosts[host].state != "gone"]  # one that is gone drops out of its pool
        if not found:
            yield Problem(key, f"{word} is neither a host nor a group with hosts. Write one of those that have GPUs.")
        elif without := [host for host in there if host not in serving]:
            said = "is no node with GPUs" if found == [word] else f"has {without[0]}, which is no node with GPUs"
            yield Problem(key, f"{word} {said}. Take it out, or declare the host's gpu and roles.")


def wrong_smoke(smoke: Smoke | None, serving: Hosts) -> Iterator[Problem]:
    """A host has as many GPUs, and the image is pinned."""
    if smoke is None:
        return
    most = max(map(_count, serving.values()), default=0)
    if serving and smoke.gpus > most:
        yield Problem(("smoke", "gpus"), f"{smoke.gpus} GPUs on one host, and no host has over {most}. Write less.")
    elif serving and smoke.gpus > max((_count(h) for h in serving.values() if CONFIG not in h.labels), default=1):
        text = f"{smoke.gpus} GPUs on one host, and each host that has them shares them in a pool. Write 1."
        yield Problem(("smoke", "gpus"), text)
    if not TAGGED.search(smoke.image):
        yield Problem(("smoke", "image"), "has neither tag nor digest. Write NAME:TAG or NAME@sha256:….")


def none_there(serving: Hosts, hosts: Hosts) -> Iterator[Problem]:
    """GPUs are promised, and some host has one."""
    gone = [host.name for host in hosts.values() if host.state == "gone" and host.gpu]
    fix = "Write gpu: {model: …, count: …} on a host, or take this away."
    if not serving and gone:
        yield Problem((), f"{gone[0]} is gone, and no other host of the cluster has GPUs. {fix}")
    elif not serving:
        yield Problem((), f"no host of the cluster has GPUs. {fix}")


def plugin_configs(pools: Mapping[str, Pool], resources: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The device plugin's configuration files, by name: one for each pool that shares, and one for all other hosts.

    `resources` are the names of what each pool offers.
    """
    found = {"default": "version: v1\n"}
    for name, pool in shared(pools).items():
        way = "timeSlicing" if pool.time_slicing else "mps"
        lines = [f"    - name: {each}\n      replicas: {pool.replicas}\n" for each in resources[name]]
        found[name] = f"version: v1\nsharing:\n  {way}:\n    resources:\n{''.join(lines)}"
    return found
