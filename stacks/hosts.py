"""Hosts of a site file: ranges expanded, and each host's settings merged from three levels, site → group → host.

Works on plain data, before validation: a host may have half of a map (`gpu: {count: 1}`), its group the other half.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

from components.problem import Key, Problem
from stacks.faults import Mark
from stacks.messages import suggestion
from stacks.reading import HOSTS


@dataclass
class Merged:
    """Hosts and groups with all levels merged, and for each the keys its values can come from, nearest first."""

    hosts: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    origins: dict[Key, list[Key]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def locate(self, key: Key, marks: Mapping[Key, Mark]) -> tuple[Key, Mark]:
        """The key as written in the file, with its mark: of the value itself, else of the nearest map around it."""
        starts = self.origins.get(key[:2], [()])
        rest = key[2:] if key[:2] in self.origins else key
        for length in range(len(rest), 0, -1):
            for start in starts:
                if mark := marks.get((*start, *rest[:length])):
                    return (*start, *rest), mark
        return (*starts[0], *rest), marks.get(starts[0], marks[()])


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Maps merge, lists and scalars replace."""
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def merge_levels(site: Mapping[str, Any], settings: Iterable[str]) -> Merged:
    """Hosts and groups of the site object; `settings` are the keys allowed at every level."""
    result = Merged()
    default = {name: site[name] for name in settings if name in site}
    groups = site["groups"] if isinstance(site.get("groups"), dict) else {}
    for name, group in groups.items():
        result.groups[name] = merge(default, group) if isinstance(group, dict) else group
        result.origins["groups", name] = [("groups", name), ()]
    hosts = site["hosts"] if isinstance(site.get("hosts"), dict) else {}
    for name, (keys, entry) in _expand(hosts, result.problems).items():
        if not isinstance(entry, dict):
            result.hosts[name] = entry
            continue
        group = entry.get("group")
        if isinstance(group, str) and group not in groups:
            hint = suggestion(group, groups) or "Define it under groups."
            result.problems.append(Problem(("hosts", name, "group"), f"there is no group {group}. {hint}"))
        known = isinstance(group, str) and isinstance(groups.get(group), dict)
        result.hosts[name] = merge(result.groups[group] if known else default, entry)
        result.origins["hosts", name] = [*keys, *([("groups", group)] if known else []), ()]
    return result


def _expand(hosts: Mapping[str, Any], problems: list[Problem]) -> dict[str, tuple[list[Key], Any]]:
    """Each host with the keys that it comes from, nearest first: its own entry overrides that of its range."""
    ranges: dict[str, tuple[str, Any]] = {}
    order: dict[str, None] = {}
    for written, entry in hosts.items():
        members = _members(written, ("hosts", written), problems)
        if len(order) + len(members) > HOSTS:
            text = f"is beyond the {HOSTS:,} hosts that one site may have. Write another site for the rest."
            problems.append(Problem(("hosts", written), text))
            break
        order.update(dict.fromkeys(members))
        if members in ([], [written]):
            continue
        for name, own in zip(members, _per_host(written, entry, len(members), problems), strict=True):
            if name in ranges:
                problems.append(Problem(("hosts", written), f"has {name}, which is also in {ranges[name][0]}."))
            ranges[name] = written, own
    found: dict[str, tuple[list[Key], Any]] = {}
    for name in order:
        if name not in ranges:
            found[name] = [("hosts", name)], hosts[name]
            continue
        written, shared = ranges[name]
        single = hosts.get(name, {})
        keys: list[Key] = [("hosts", name), ("hosts", written)] if name in hosts else [("hosts", written)]
        both = isinstance(single, dict) and isinstance(shared, dict)
        found[name] = keys, merge(shared, single) if both else (single if name in hosts else shared)
    return found


def _members(text: str, key: Key, problems: list[Problem]) -> list[str]:
    """The names in a range. Only the form that NodeSet prints is accepted: NodeSet would sort [2,1]."""
    if "[" not in text:
        return [text]
    if _size(text) > HOSTS:
        problems.append(Problem(key, f"means more than {HOSTS:,} hosts. Write a smaller range, such as gpu-[1-4]."))
        return []
    try:
        nodes = NodeSet(text, resolver=RESOLVER_NOGROUP)
    except NodeSetException as error:
        fix = "Ranges look like gpu-[1-4]."
        if "padding" in str(error):
            fix = "Write both ends with as many digits, such as gpu-[001-100], or two ranges."
        problems.append(Problem(key, f"is not a host range: {error}. {fix}"))
        return []
    if not nodes:
        problems.append(Problem(key, "is a range of no hosts. Ranges look like gpu-[1-4]."))
    elif str(nodes) != text:
        problems.append(Problem(key, f"is not the plain form of this range. Write {nodes}."))
    return [str(name) for name in nodes]


def _size(text: str) -> int:
    """How many names a range means, without making them; 0 where it is not one."""
    sizes = [sum(map(_span, part.split(","))) for part in re.findall(r"\[([^]]*)\]", text)]
    return prod(sizes)


def _span(text: str) -> int:
    """How many numbers `7` or `1-40/2` means."""
    found = re.fullmatch(r"([0-9]+)-([0-9]+)(/[0-9]+)?", text)
    return max(int(found[2]) - int(found[1]) + 1, 0) if found and len(text) < 40 else 1 if len(text) < 40 else HOSTS + 1


def _per_host(written: str, entry: object, count: int, problems: list[Problem]) -> list[object]:
    """The range's entry, once for each host with its own address."""
    if not isinstance(entry, dict) or not isinstance(entry.get("address"), str):
        return [entry] * count
    key = ("hosts", written, "address")
    addresses = _members(entry["address"], key, problems)
    if addresses and len(addresses) != count:
        problems.append(Problem(key, f"{count} hosts need {count} addresses, not {len(addresses)}."))
    if len(addresses) != count:
        return [{k: v for k, v in entry.items() if k != "address"}] * count
    return [{**entry, "address": address} for address in addresses]
