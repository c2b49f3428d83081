"""The text of a first site file: the hosts' facts, and as comments what to decide next."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_interface
from typing import Any
from uuid import uuid4

import versions
from components.gpu import models
from components.host.config import RHEL_LIKE, Host
from ops import render
from stacks.yaml_words import word

Facts = Mapping[str, Any]
Gpus = tuple[str, int]
"""Model and count."""
Segment = IPv4Network | IPv6Network | None
"""The network of a host's address; None where the host has that address on no interface (NAT)."""

HEAD = """\
# yaml-language-server: $schema=./site.schema.json
# Written by sitectl init on {day}, from what the hosts said; yours from here on. sitectl explain KEY: what a key means.
config:
  gpu-metal:site:
"""

NEXT = """\
    # What comes next, each when it is wanted:
    # domain: example.org                      # hosts are known as NAME.DOMAIN too
    # timeServers: [ntp.example.org]"""
NO_CLUSTER = """
    # engine: {{kind: docker}}                   # a host without Kubernetes; with it containerd comes by itself
    # kubernetes: {{version: "{version}"}}          # and roles: [control-plane] on {first}, or on three hosts"""
PROJECTS = """
    # users: {ana: {}}
    # projects: {vision: {gpus: 2, cpu: "8", memory: 64Gi, members: [ana]}}"""


@dataclass(frozen=True)
class Wanted:
    """What the operator asked for besides hosts: a cluster, platforms."""

    control_planes: Collection[str] = ()
    kubernetes: Mapping[str, str] | None = None
    """The key of the site, None for no cluster."""
    samples: Sequence[tuple[str, str]] = ()
    """Name and sample site of each platform."""


def site_text(
    ssh: Mapping[str, Any], hosts: Mapping[str, Host], facts: Mapping[str, Facts], wanted: Wanted = Wanted()
) -> str:
    """The whole file. Hosts with the same GPUs share a group; the system is written once if all hosts have the same."""
    systems = {name: _system(facts[name]) for name in hosts}
    common = next(iter(systems.values())) if len(set(systems.values())) == 1 else None
    groups = _groups({name: of for name in hosts if (of := gpus(facts[name]))})
    lines = [f"    id: {json.dumps(uuid4().hex[:12])}  # the hosts keep it: never change it", f"    ssh: {word(ssh)}"]
    lines += [f"    os: {word(common)}"] if common else []
    lines += ["    groups:", *(f"      {group}: {_gpu(*of)}" for of, group in groups.items())] if groups else []
    first = next((name for name in hosts if not gpus(facts[name])), next(iter(hosts)))
    lines += [NEXT + (PROJECTS if wanted.kubernetes else NO_CLUSTER.format(version=versions.KUBERNETES, first=first))]
    lines += ["    hosts:"]
    for name, host in hosts.items():
        own: dict[str, Any] = {}
        if found := gpus(facts[name]):
            own["group"] = groups[found]
        own["address"] = str(host.address)
        own |= {"roles": ["control-plane"]} if name in wanted.control_planes else {}
        own |= {} if common else {"os": systems[name]}
        lines.append(f"      {word(name)}: {word(own)}  # {', '.join(_remarks(facts[name]))}")
    if wanted.kubernetes:
        lines += _cluster(wanted.kubernetes, systems.values(), _segments(hosts, facts))
    for name, sample in wanted.samples:
        lines += _sample(name, sample)
    return HEAD.format(day=datetime.now(UTC).date()) + "\n".join(lines) + "\n"


def _cluster(kubernetes: Mapping[str, str], systems: Collection[str], segments: set[Segment]) -> Iterator[str]:
    if not any(system.partition("-")[0] in RHEL_LIKE for system in systems):  # which have no containerd of their own
        yield "    engine: {package: containerd}            # the distribution's own; else Docker's build"
    yield f"    kubernetes: {word(kubernetes)}"
    if len(segments) == 1 and None not in segments:
        yield f"    network: {{pods: {{kind: bridge}}}}          # all are on {next(iter(segments))}; else flannel"
    else:
        yield "    network: {pods: {kind: flannel}}         # bridge is for hosts on one layer-2 segment"


def _segments(hosts: Mapping[str, Host], facts: Mapping[str, Facts]) -> set[Segment]:
    found: set[Segment] = set()
    for name, host in hosts.items():
        own = (ip_interface(one["address"]) for one in facts[name].get("addresses") or ())
        found.add(next((one.network for one in own if one.ip == host.address), None))
    return found


def _sample(name: str, sample: str) -> Iterator[str]:
    """The sample site of a platform as comments, without what this file has already."""
    yield f"    # What the sample site of {name} has besides. Edit it, then take the # away:"
    kept = False
    for line in sample.partition("gpu-metal:site:\n")[2].splitlines():
        if key := re.match(r" {4}(\w+):", line):
            kept = key[1] not in {"ssh", "os", "groups", "hosts"}
        if kept:
            yield f"    # {line.removeprefix('    ')}"


def gpus(facts: Facts) -> Gpus | None:
    """Model and count of a host's GPUs; if there are several models, the most frequent."""
    found = _models(facts)
    return (found.most_common(1)[0][0], found.total()) if found else None


def _models(facts: Facts) -> Counter[str]:
    return Counter(model(device) for device in facts["gpus"]["devices"])


def model(device: Facts) -> str:
    """NVIDIA's name as one word: from nvidia-smi, else by PCI id, else from lspci."""
    id_ = str(device["ids"]).partition(":")[2]
    name = device["model"] or models.named(id_) or render.model(device["name"] or "")
    # an lspci older than the GPU has "Device" for a name
    name = device["ids"] if not name or "Corporation" in name else name
    return re.sub(r"\s+", "-", re.sub(r"^(NVIDIA |Tesla )+", "", name))


def _groups(of_hosts: Mapping[str, Gpus]) -> dict[Gpus, str]:
    """A group's name is its model's; where one model comes in several counts, with the count."""
    counts: dict[str, set[int]] = defaultdict(set)
    for name, count in of_hosts.values():
        counts[name].add(count)
    found = {}
    for name, count in dict.fromkeys(of_hosts.values()):
        label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:59]
        found[name, count] = f"{label}-{count}x" if len(counts[name]) > 1 else label
    return found


def _system(facts: Facts) -> str:
    """The value of `os`; for the RHEL family without the minor version, which changes with every update."""
    name, version = facts["os"]["id"] or "unknown", facts["os"]["version"] or ""
    return f"{name}-{version.partition('.')[0] if name in RHEL_LIKE else version}"


def _remarks(facts: Facts) -> Iterator[str]:
    yield f"{facts['cpus']} CPUs"
    yield render.size(facts["memory_bytes"])
    found = _models(facts)
    if len(found) > 1:
        yield f"GPUs of several models: {', '.join(f'{count} × {name}' for name, count in found.items())}"
    if any(":" in name for name in found):
        yield "gpu.model is yet to be written as NVIDIA names it"
    free = [f"/dev/{disk['name']} {disk['bytes'] / 1e9:.0f} GB" for disk in facts["disks"] if disk["holds"] == []]
    if free:
        yield f"nothing seen on {', '.join(free)}"
    for says in (facts["gpus"]["driver_says"], facts["gpus"]["pci_says"]):
        if says:
            yield says


def _gpu(name: str, count: int) -> str:
    return f"{{gpu: {{model: {word(name)}, count: {count}}}}}"
