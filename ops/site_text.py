"""The text of a first site file: the hosts' facts, and as comments what to decide next."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import versions
from components.gpu import models
from components.host.config import RHEL_LIKE, Host
from ops import render

Facts = Mapping[str, Any]
Gpus = tuple[str, int]
"""Model and count."""

_PLAIN = re.compile(r"[A-Za-z~/][\w./~@-]*|(\d+\.){3}\d+")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

HEAD = """\
# yaml-language-server: $schema=./site.schema.json
# Written by sitectl init on {day}, from what the hosts said; yours from here on. sitectl explain KEY: what a key means.
config:
  gpu-metal:site:
"""

NEXT = """\
    # What comes next, each when it is wanted:
    # domain: example.org                      # hosts are known as NAME.DOMAIN too
    # timeServers: [ntp.example.org]
    # engine: {{kind: docker}}                   # a host without Kubernetes; with it containerd comes by itself
    # kubernetes: {{version: "{version}"}}          # and roles: [control-plane] on {first}, or on three hosts"""


def site_text(ssh: Mapping[str, Any], hosts: Mapping[str, Host], facts: Mapping[str, Facts]) -> str:
    """The whole file. Hosts with the same GPUs share a group; the system is written once if all hosts have the same."""
    systems = {name: _system(facts[name]) for name in hosts}
    common = next(iter(systems.values())) if len(set(systems.values())) == 1 else None
    groups = _groups({name: of for name in hosts if (of := gpus(facts[name]))})
    lines = [f"    id: {json.dumps(uuid4().hex[:12])}  # the hosts keep it: never change it", f"    ssh: {_flow(ssh)}"]
    lines += [f"    os: {_scalar(common)}"] if common else []
    lines += ["    groups:", *(f"      {group}: {_gpu(*of)}" for of, group in groups.items())] if groups else []
    first = next((name for name in hosts if not gpus(facts[name])), next(iter(hosts)))
    lines += [NEXT.format(version=versions.KUBERNETES, first=first), "    hosts:"]
    for name, host in hosts.items():
        own: dict[str, Any] = {}
        if found := gpus(facts[name]):
            own["group"] = groups[found]
        own["address"] = str(host.address)
        own |= {} if common else {"os": systems[name]}
        lines.append(f"      {_scalar(name)}: {_flow(own)}  # {', '.join(_remarks(facts[name]))}")
    return HEAD.format(day=datetime.now(UTC).date()) + "\n".join(lines) + "\n"


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
    return f"{{gpu: {{model: {_scalar(name)}, count: {count}}}}}"


def _flow(value: Mapping[str, Any]) -> str:
    """A map on one line."""
    cells = [f"{key}: {_flow(one) if isinstance(one, Mapping) else _scalar(one)}" for key, one in value.items()]
    return f"{{{', '.join(cells)}}}"


def _scalar(value: object) -> str:
    """Quoted wherever YAML could read something else."""
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text)
