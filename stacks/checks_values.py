"""The form of texts that a host, Kubernetes or apt reads later: malformed ones are refused here."""

import re
from collections.abc import Callable, Iterable, Iterator

from components import forms
from components.host.config import SYSTEMS, HostSettings
from components.host.repositories import PLACEHOLDERS, AptRepository, Repository
from components.problem import Key, Problem, below
from stacks.model import Site

Found = Iterator[tuple[Key, str]]

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


def _settings(level: HostSettings) -> Found:
    """Malformed texts in the host settings of one level."""
    if level.os is not None and not forms.SYSTEM.fullmatch(level.os):
        yield ("os",), "is not NAME-VERSION, for example debian-12 or ubuntu-24.04."
    elif level.os is not None and level.os.partition("-")[0] not in SYSTEMS:
        yield ("os",), f"{level.os} is not a known system. Known: {', '.join(SYSTEMS)}."
    yield from _kernel(level)
    yield from _node(level)
    for name, limit in level.limits.items():
        if name not in _LIMITS:
            yield ("limits", name), f"is not a limit of pam_limits. Known: {', '.join(sorted(_LIMITS))}."
        elif limit < -1:
            yield ("limits", name), "must be at least -1 (no limit)."
    for name, value in level.variables.items():
        if not forms.WORD.fullmatch(name) or "\n" in value:
            yield ("variables", name), "must be a word with a value on one line."


def _kernel(level: HostSettings) -> Found:
    for name, value in level.sysctl.items():
        if not forms.SYSCTL.fullmatch(name):
            yield ("sysctl", name), "this key is not the name of a kernel setting, for example net.core.somaxconn."
        if not value.strip() or "\n" in value:
            yield ("sysctl", name), "needs a value on one line."
    for index, module in enumerate(level.modules):
        if not forms.MODULE.fullmatch(module):
            yield ("modules", index), "is not the name of a kernel module."


def _node(level: HostSettings) -> Found:
    for name, value in level.labels.items():
        if not forms.LABEL_KEY.fullmatch(name) or not forms.LABEL_VALUE.fullmatch(value):
            yield ("labels", name), "makes no node label: key and value have 63 letters, digits, '-', '_', '.' at most."
    for index, taint in enumerate(level.taints):
        if not forms.TAINT.fullmatch(taint):
            yield (
                ("taints", index),
                "is not key=value:Effect: value may be empty, Effect is NoSchedule, PreferNoSchedule or NoExecute.",
            )


def _repository(source: Repository) -> Found:
    """A package source has one address and one key."""
    fetched = (source.key_url, source.fingerprint)
    if (source.key_file is None) == (fetched == (None, None)) or (source.key_file is None and None in fetched):
        yield (), "needs its signing key one way: keyFile, or keyUrl with fingerprint."
    if source.fingerprint is not None and not forms.FINGERPRINT.fullmatch(source.fingerprint):
        yield ("fingerprint",), "is not a fingerprint: 40 digits 0-9 A-F, without blanks."
    for name, text in (("url", source.url), ("keyUrl", source.key_url), ("suite", getattr(source, "suite", ""))):
        odd = [word for word in re.findall(r"\{[^{}]*\}", text or "") if word not in PLACEHOLDERS]
        if odd:
            yield (name,), f"has {odd[0]}, which stands for nothing. Known: {', '.join(PLACEHOLDERS)}."
    if isinstance(source, AptRepository) and source.suite.endswith("/") == bool(source.components):
        yield (
            ("components",),
            f"does not fit suite {source.suite}: a suite that ends with / has none, any other needs some.",
        )


def _mirrors(found: Iterable[str]) -> Found:
    """Registries are written as host names."""
    for registry in found:
        if not forms.REGISTRY.fullmatch(registry):
            yield (registry,), "is not a registry's host name, for example registry.k8s.io."


def values(site: Site) -> Iterator[Problem]:
    """Every malformed text of the site."""
    for key, settings in site.levels():
        yield from _problems(key, _settings(settings))
    for name, repository in site.repositories.items():
        if repository is not None:
            yield from _problems(("repositories", name), _repository(repository))
    yield from _problems(("engine", "mirrors"), _mirrors(site.engine.mirrors if site.engine else ()))


def _problems(key: Key, found: Found) -> Iterator[Problem]:
    return below(key, (Problem(inner, text) for inner, text in found))


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (values,)
