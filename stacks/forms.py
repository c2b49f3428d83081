"""Forms of single values that a host, Kubernetes or apt reads later: refused here, before any of them sees one."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from components.host.config import SYSTEMS, HostSettings
from components.host.repositories import AptRepository, Repository
from stacks.source import Key

Found = Iterator[tuple[Key, str]]

_PART = r"[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_QUALIFIED = re.compile(rf"({_SUBDOMAIN}/)?{_PART}", re.ASCII)
_LABEL_VALUE = re.compile(rf"({_PART})?", re.ASCII)
_TAINT = re.compile(rf"({_SUBDOMAIN}/)?{_PART}=({_PART})?:(NoSchedule|PreferNoSchedule|NoExecute)", re.ASCII)
_SYSCTL = re.compile(r"[a-z0-9_]+([./][\w@-]+)+", re.ASCII)
_WORD = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
_MODULE = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
_OS = re.compile(r"[a-z]+-\d+(\.\d+)?")
_REGISTRY = re.compile(r"[a-z0-9.-]+(:\d+)?")
TAGGED = re.compile(r"(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$", re.ASCII)
ENDPOINT = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?|\[[0-9a-f:]+\]):([1-9]\d{0,4})")

# pam_limits(8), limits.conf(5)
_LIMITS = frozenset(
    {
        *(
            "core",
            "data",
            "fsize",
            "memlock",
            "nofile",
            "rss",
            "stack",
            "cpu",
            "nproc",
            "as",
            "maxlogins",
            "maxsyslogins",
        ),
        *("nonewprivs", "priority", "locks", "sigpending", "msgqueue", "nice", "rtprio"),
    }
)


def is_url(text: str, *, file: bool = False) -> bool:
    """Whether a text is an http or https address, or that of a file: with a host and a port that can be."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    known = ("http", "https", "file") if file else ("http", "https")
    placed = parts.hostname is not None and port != 0 if parts.scheme != "file" else not parts.netloc
    return parts.scheme in known and placed and not re.search(r"\s", text)


def settings(level: HostSettings) -> Found:
    """Texts of one level's host settings."""
    if level.os is not None and not _OS.fullmatch(level.os):
        yield ("os",), "is not NAME-VERSION, for example debian-12 or ubuntu-24.04."
    elif level.os is not None and level.os.partition("-")[0] not in SYSTEMS:
        yield ("os",), f"{level.os} is no system that is known here. Known: {', '.join(SYSTEMS)}."
    yield from _kernel(level)
    yield from _node(level)
    for name, limit in level.limits.items():
        if name not in _LIMITS:
            yield ("limits", name), f"is not a limit of pam_limits. Known: {', '.join(sorted(_LIMITS))}."
        elif limit < -1:
            yield ("limits", name), "must be at least -1 (no limit)."
    for name, value in level.variables.items():
        if not _WORD.fullmatch(name) or "\n" in value:
            yield ("variables", name), "is not a word with a value on one line."


def _kernel(level: HostSettings) -> Found:
    for name, value in level.sysctl.items():
        if not _SYSCTL.fullmatch(name):
            yield ("sysctl", name), "is not the name of a kernel setting, for example net.core.somaxconn."
        if not value.strip() or "\n" in value:
            yield ("sysctl", name), "has no value on one line."
    for index, module in enumerate(level.modules):
        if not _MODULE.fullmatch(module):
            yield ("modules", index), "is not the name of a kernel module."


def _node(level: HostSettings) -> Found:
    for name, value in level.labels.items():
        if not _QUALIFIED.fullmatch(name) or not _LABEL_VALUE.fullmatch(value):
            yield ("labels", name), "is not a node label: key and value have 63 letters, digits, '-', '_', '.' at most."
    for index, taint in enumerate(level.taints):
        if not _TAINT.fullmatch(taint):
            yield (
                ("taints", index),
                "is not key=value:Effect, where Effect is NoSchedule, PreferNoSchedule or NoExecute.",
            )


def repository(source: Repository) -> Found:
    """A package source has one address and one key."""
    if not is_url(source.url, file=True):
        yield ("url",), "is not an address such as https://mirror.example.org/a or file:///srv/a."
    fetched = (source.key_url, source.fingerprint)
    if (source.key_file is None) == (fetched == (None, None)) or (source.key_file is None and None in fetched):
        yield (), "needs its signing key one way: keyFile, or keyUrl with fingerprint."
    if source.key_url is not None and not is_url(source.key_url, file=True):
        yield ("keyUrl",), "is not an address such as https://mirror.example.org/a or file:///srv/a."
    if source.fingerprint is not None and not re.fullmatch(r"[0-9A-F]{40}", source.fingerprint):
        yield ("fingerprint",), "is not a fingerprint: 40 digits 0-9 A-F, without blanks."
    if isinstance(source, AptRepository) and source.suite.endswith("/") == bool(source.components):
        yield (
            ("components",),
            f"does not fit suite {source.suite}: a suite that ends with / has none, others name some.",
        )


def mirrors(found: Mapping[str, tuple[str, ...]]) -> Found:
    """Registries by host name, mirrors by address."""
    for registry, urls in found.items():
        if not _REGISTRY.fullmatch(registry):
            yield (registry,), "is not a registry's host name, for example registry.k8s.io."
        for index, url in enumerate(urls):
            if not is_url(url):
                yield (registry, index), "is not an http or https address."
