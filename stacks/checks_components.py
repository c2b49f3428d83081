"""Rules for what a site sets of the kubelet, kube-proxy and the API server: those maps are free, the programs are not.

Pure functions; each problem names the key and the fix.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.kubernetes.config import Kubernetes
from components.kubernetes.known import ELSEWHERE, KINDS, KNOWN_MINOR, NAMES, OPEN
from components.problem import Key, Problem
from components.shown import quoted
from stacks.messages import likely
from stacks.model import Site


def names(site: Site) -> Iterator[Problem]:
    """Each name exists, its value follows from no other key of the site, and is a map where one belongs."""
    if site.kubernetes is None:
        return
    same = site.kubernetes.minor[1] == KNOWN_MINOR
    for key, name in _unknown(site.kubernetes):
        near = likely(name, {known.split(".")[len(key) - 2] for known in NAMES[key[0]] if _beside(known, key)})
        if same or (near and near.lower() == name.lower()):
            fix = f"Did you mean {near}?" if near else "Take it away, or correct it."
            text = f"{quoted(name)} is not a name that Kubernetes {site.kubernetes.version} knows. {fix}"
            yield Problem(("kubernetes", *key), text)
    for key, value in _all(site.kubernetes):
        if _has_below(key[0], ".".join(key[1:])) and not isinstance(value, dict | None):
            known = sorted({each.split(".")[len(key) - 1] for each in NAMES[key[0]] if _in(each, key)})
            text = f"{_shown(value)} is not a map of keys. Known there: {', '.join(known)}."
            yield Problem(("kubernetes", *key), text)
    for key, value in _values(site.kubernetes):
        other = ELSEWHERE.get(".".join(key))
        if other is not None:
            fix = f"Take it away: it follows from {other}." if other else "Take it away."
            text = f"{_shown(value)} would break the cluster: kubeadm sets it, and other settings rely on its value"
            yield Problem(("kubernetes", *key), f"{text}. {fix}")


def values(site: Site) -> Iterator[Problem]:
    """The kubelet and kube-proxy start with what is written: they end at a value of another kind."""
    if site.kubernetes is None:
        return
    for name, value in site.kubernetes.kubelet.items():
        kind = next((kind for kind, names in KINDS.items() if name in names), None)
        if kind and value is not None and not _IS[kind](value):
            text = f"{_shown(value)} is not {kind}, and the kubelet would not start. Write one, or take it away."
            yield Problem(("kubernetes", "kubelet", name), text)
    mode = site.kubernetes.kube_proxy.get("mode")
    if mode not in (None, "", *_MODES) and not (mode == "userspace" and site.kubernetes.minor[1] < 26):
        text = f"{_shown(mode)} is no mode of kube-proxy, which would not start. Write one of {', '.join(_MODES)}."
        yield Problem(("kubernetes", "kubeProxy", "mode"), text)


_MODES = ("iptables", "ipvs", "nftables")
_IS: Mapping[str, Callable[[object], bool]] = {
    "a whole number": lambda value: not isinstance(value, bool) and re.fullmatch("-?[0-9]+", str(value)) is not None,
    "true or false": lambda value: str(value).lower() in _TRUTH,
    "a map of keys": lambda value: isinstance(value, dict),
}


def protection(site: Site) -> Iterator[Problem]:
    """A setting that switches protection off is named in allowInsecure, and nothing else is."""
    if site.kubernetes is None:
        return
    found = {
        ".".join(key): f"{_shown(value)} {rule[1]}"
        for key, value in _values(site.kubernetes)
        if value is not None and (rule := OPEN.get(".".join(key))) and rule[0](_TRUTH.get(str(value).lower(), value))
    }
    for name, why in found.items():
        if name not in site.kubernetes.allow_insecure:
            text = f"{why}. Take it away, or write kubernetes.allowInsecure: [{name}] if you mean it."
            yield Problem(("kubernetes", *name.split(".", 1)) if name.startswith("api") else _key(name), text)
    for index, name in enumerate(site.kubernetes.allow_insecure):
        if name not in found:
            text = f"{quoted(name)} names no setting here that switches protection off. Take it away."
            yield Problem(("kubernetes", "allowInsecure", index), text)


_TRUTH: Mapping[str, bool] = {"true": True, "false": False}


def _shown(value: object) -> str:
    return quoted(str(value).lower() if isinstance(value, bool) else value)


def _key(name: str) -> Key:
    return ("kubernetes", *name.split("."))


def _maps(kubernetes: Kubernetes) -> dict[str, Mapping[str, Any]]:
    return {"kubelet": kubernetes.kubelet, "kubeProxy": kubernetes.kube_proxy, "apiServer": kubernetes.api_server}


def _values(kubernetes: Kubernetes) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value of the maps that has a known name, with the name."""
    return (found for found in _all(kubernetes) if ".".join(found[0][1:]) in NAMES[found[0][0]])


def _unknown(kubernetes: Kubernetes) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, _ in _all(kubernetes):
        name = ".".join(key[1:])
        if name not in NAMES[key[0]] and not _has_below(key[0], name):
            yield key, key[-1]


def _all(kubernetes: Kubernetes) -> Iterator[tuple[tuple[str, ...], Any]]:
    for component, found in _maps(kubernetes).items():
        yield from _below((component,), found)


def _below(key: tuple[str, ...], found: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value, and those in maps whose names are known one by one."""
    for name, value in found.items():
        inner = (*key, str(name))
        yield inner, value
        if isinstance(value, dict) and _has_below(key[0], ".".join(inner[1:])):
            yield from _below(inner, value)


def _has_below(component: str, name: str) -> bool:
    return any(known.startswith(f"{name}.") for known in NAMES[component])


def _in(known: str, key: tuple[str, ...]) -> bool:
    return known.split(".")[: len(key) - 1] == list(key[1:])


def _beside(known: str, key: tuple[str, ...]) -> bool:
    """Whether a known name may stand in the place of a key."""
    return known.split(".")[: len(key) - 2] == list(key[1:-1])


def notes(site: Site) -> Iterator[str]:
    """Names that only another version than the known one can have."""
    if site.kubernetes and site.kubernetes.minor[1] != KNOWN_MINOR:
        for key, name in _unknown(site.kubernetes):
            text = f"{name} is not known here, which knows version 1.{KNOWN_MINOR}"
            yield f"kubernetes.{'.'.join(key)}: {text}. See that {site.kubernetes.version} has it."


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (names, values, protection)
