"""Multi-Instance GPU: which instances a model can be divided into, as data.

Source: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from components.gpu import models
from components.host.config import Host

_SEVEN = {1: (1, 1), 2: (2, 2), 3: (3, 4), 4: (4, 4), 7: (7, 8)}
_FOUR = {1: (1, 1), 2: (2, 2), 4: (4, 4)}
"""Compute slices of a profile (`3g`) → the slices of compute and of memory that it takes."""

_PRODUCTS: tuple[tuple[str, str], ...] = (
    ("20b7", "1g.6gb 1g.6gb+me 2g.12gb 2g.12gb+me 4g.24gb"),
    ("20b0 20b1 20f1", "1g.5gb 1g.5gb+me 1g.10gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb"),
    ("20b2 20b5", "1g.10gb 1g.10gb+me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb"),
    ("2330 2331", "1g.10gb 1g.10gb+me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb"),
    ("2321 2339", "1g.12gb 1g.12gb+me 1g.24gb 2g.24gb 3g.47gb 4g.47gb 7g.94gb"),
    ("2342", "1g.12gb 1g.12gb+me 1g.24gb 2g.24gb 3g.48gb 4g.48gb 7g.96gb"),
    ("2335 233b", "1g.18gb 1g.18gb+me 1g.35gb 2g.35gb 3g.71gb 4g.71gb 7g.141gb"),
    ("2901", "1g.23gb 1g.23gb+me 1g.45gb 2g.45gb 3g.90gb 4g.90gb 7g.180gb"),
)
"""PCI device ids of a product, and its profiles."""

PROFILE = re.compile(r"([1-7])g\.([0-9]+)gb(\+me)?", re.ASCII)

Layout = Mapping[str, int]
"""Profile → how many of it each GPU is divided into."""


def profiles(model: str) -> tuple[str, ...]:
    """The profiles of a declared model, of each product that it may be; empty if none is known."""
    wanted = set(models.ids(model))
    found = [name for ids, names in _PRODUCTS if wanted & set(ids.split()) for name in names.split()]
    return tuple(dict.fromkeys(found))


def resource(profile: str) -> str:
    """The extended resource of a profile's instances, where each profile has one of its own."""
    return f"nvidia.com/mig-{profile.replace('+', '.')}"


def bounds(hosts: Iterable[Host]) -> list[str]:
    """The keys of a quota for every profile that GPUs of these hosts can have."""
    found = (name for host in hosts if host.gpu for name in profiles(host.gpu.model))
    return [f"requests.{resource(name)}" for name in dict.fromkeys(found)]


def wrong(model: str, layout: Layout) -> Iterator[str]:
    """Why a model cannot be divided so, with what it can be divided into."""
    known = profiles(model)
    if not known:
        yield f"{model} cannot be divided, or its profiles are not known here. Take mig away."
        return
    if unknown := [name for name in layout if name not in known]:
        yield f"{model} has no profile {unknown[0]}. Write one of {', '.join(known)}."
    elif text := _too_many(known, layout):
        yield f"{text} Write fewer, or smaller ones."


def _too_many(known: tuple[str, ...], layout: Layout) -> str | None:
    whole = _FOUR if known[-1].startswith("4g") else _SEVEN
    compute = sum(whole[_slices(name)][0] * count for name, count in layout.items())
    memory = sum(_memory(name, known, whole) * count for name, count in layout.items())
    most_compute, most_memory = whole[max(whole)]
    if compute > most_compute:
        return f"takes {compute} slices of compute, and a GPU has {most_compute}."
    if memory > most_memory:
        return f"takes {memory} slices of memory, and a GPU has {most_memory}."
    media = sum(count for name, count in layout.items() if name.endswith("+me"))
    return f"has {media} instances with +me, and a GPU can have one." if media > 1 else None


def _slices(profile: str) -> int:
    return int(profile.partition("g")[0])


def _memory(profile: str, known: tuple[str, ...], whole: Mapping[int, tuple[int, int]]) -> int:
    """Of two profiles with one slice of compute, the one with more memory has two slices of it."""
    least = min(_gigabytes(name) for name in known if _slices(name) == 1)
    larger = _slices(profile) == 1 and _gigabytes(profile) > least
    return 2 if larger else whole[_slices(profile)][1]


def _gigabytes(profile: str) -> int:
    match = PROFILE.fullmatch(profile)
    return int(match[2]) if match else 0
