"""What fits together, as data: the files named compatibility.yaml, and the verdict about a pair of versions.

A row says: given one thing (`kubernetes: ">=1.36"`), which values of another (`containerd`) fit, and which fail. What
rows for a pair call neither good nor bad is unknown. Which things a site has, stacks/compatibility.py says.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import yaml
from pydantic import AfterValidator, Field, model_validator

from components.model import Model
from components.problem import Key

REST = "rest"
"""As `fails`: every value that does not fit."""

_NUMBER = r"\d+(?:\.\d+)*"
_RANGE = re.compile(
    rf"(?P<from>{_NUMBER})-(?P<to>{_NUMBER})|(?P<sign>>=|<)?(?P<version>{_NUMBER})|(?P<word>[A-Za-z][\w.-]*)", re.ASCII
)


def _ranges(text: str) -> str:
    for part in text.split(", "):
        if not _RANGE.fullmatch(part):
            raise ValueError(f'has "{part}", which is not 1.2, >=1.2, <1.2, 1.2-1.4 or a word')
    return text


Ranges = Annotated[str, AfterValidator(_ranges)]
"""`570-620`, `>=2.0`, `<1.22`, an exact version, a word; several are divided by a comma and a blank. `any` is all."""

Text = Annotated[str, Field(min_length=10)]


class Source(Model):
    """Where a fact is from."""

    name: Text
    """Short, as messages name it."""
    url: Annotated[str, Field(pattern=r"^(https://|docs/)")]
    """Its address, or a page of this project about what was run."""


class Row(Model):
    """A fact about two things."""

    given: Annotated[dict[str, Ranges], Field(min_length=1, max_length=1)]
    """The one thing and its values."""
    judged: str
    """The other thing: the one to change if it does not fit."""
    fits: Ranges | None = None
    """Its values that are known to be good."""
    fails: Ranges | Literal["rest"] | None = None
    """Its values that are known to be bad."""
    why: str | None = None
    """The reason, as messages give it; needed with `fails`."""
    use: str | None = None
    """What to write, where `fits` does not say it well enough."""
    source: str
    """Key of one of the file's sources."""
    says: Text
    """What the source says, in short."""

    @model_validator(mode="after")
    def _complete(self) -> "Row":
        if not self.fits and not self.fails:
            raise ValueError("says neither what fits nor what fails")
        if self.fails and not self.why:
            raise ValueError("fails without why")
        if self.fails and not self.fits and not self.use:
            raise ValueError("fails, and neither fits nor use says what to write")
        if both := [end for end in _ends(self.fits or "") if self.fails != REST and _within({end}, self.fails or "")]:
            raise ValueError(f"says that {both[0]} both fits and fails")
        return self

    @property
    def pair(self) -> tuple[str, str]:
        """Names of the judged and of the given thing."""
        return self.judged, next(iter(self.given))


class Fact(Model):
    """What some values of a thing bring with them, such as the kernel of a system."""

    of: Annotated[tuple[str, ...], Field(min_length=1)]
    has: Annotated[dict[str, str], Field(min_length=1)]
    source: str
    says: Text


class Facts(Model):
    """One file compatibility.yaml."""

    sources: dict[str, Source]
    facts: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()

    @model_validator(mode="after")
    def _sources(self) -> "Facts":
        used = {row.source for row in self.rows} | {fact.source for fact in self.facts}
        if used != self.sources.keys():
            odd = ", ".join(sorted(used ^ self.sources.keys()))
            raise ValueError(f"has sources without a row, or rows without a source: {odd}")
        return self


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def read(path: Path) -> Facts:
    """The facts of a file. Raises ValueError if it is malformed."""
    # The project's own files need no line numbers, and libyaml reads them ten times faster than ruamel.yaml.
    return Facts.model_validate(yaml.load(path.read_bytes(), Loader=_Loader))  # noqa: S506 - a safe one


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing that a site has, with its version or kind."""

    name: str
    """As rows name it."""
    shown: str
    """As messages name it: `driver 535`."""
    values: tuple[frozenset[str], ...]
    """What it may be: one version, or the names of one GPU, each under all of its names."""
    key: Key = ()
    """Where the site says it."""


def thing(name: str, shown: str, value: str, key: Key = ()) -> Thing:
    """A thing of one value."""
    return Thing(name, shown, (frozenset({value}),), key)


class Verdict(NamedTuple):
    """Whether a pair fits; None when it is unknown. `rows` are those that decide it, or that say what is known."""

    fits: bool | None
    rows: tuple[Row, ...]
    source: Source | None


class Matrix:
    """The rows of several files."""

    def __init__(self, files: Iterable[Facts]) -> None:
        self.pairs: dict[tuple[str, str], list[tuple[Row, Source]]] = {}
        self._known: dict[tuple[object, ...], Verdict] = {}
        for facts in files:
            for row in facts.rows:
                self.pairs.setdefault(row.pair, []).append((row, facts.sources[row.source]))

    def verdict(self, judged: Thing, given: Thing) -> Verdict:
        """Of the values that each thing may have, the pair that fits best counts."""
        asked = (judged.name, given.name, judged.values, given.values)
        if asked not in self._known:
            pairs = self.pairs.get((judged.name, given.name), [])
            found = [_verdict(pairs, one, other) for one in judged.values for other in given.values]
            self._known[asked] = max(found, key=lambda verdict: {True: 2, None: 1, False: 0}[verdict.fits])
        return self._known[asked]


def _verdict(pairs: Sequence[tuple[Row, Source]], judged: frozenset[str], given: frozenset[str]) -> Verdict:
    near = [(row, source) for row, source in pairs if _within(given, next(iter(row.given.values())))]
    for row, source in near:
        if row.fails and row.fails != REST and _within(judged, row.fails):
            return Verdict(False, (row,), source)
    for row, source in near:
        if row.fits and _within(judged, row.fits):
            return Verdict(True, (row,), source)
    for row, source in near:
        if row.fails == REST:
            return Verdict(False, (row,), source)
    # Rows that only list what fails say nothing about the rest.
    known = tuple(row for row, _ in near if row.fits)
    return Verdict(None if known else True, known, None)


def _ends(ranges: str) -> Iterator[str]:
    """The versions and words that are written in ranges, and within them."""
    for part in ranges.split(", "):
        if (match := _RANGE.fullmatch(part)) and match["sign"] != "<":
            yield from (end for end in match.group("from", "to", "version", "word") if end)


def _within(names: Set[str], ranges: str) -> bool:
    return bool(ranges) and any(_matches(name, part) for part in ranges.split(", ") for name in names)


@cache
def _matches(name: str, part: str) -> bool:
    match = _RANGE.fullmatch(part)
    assert match is not None  # noqa: S101 - Ranges has proven it
    if match["word"]:
        # rhel-8 is also 8.10
        return part in {"any", name} or name.startswith(f"{part}.")
    if not re.fullmatch(_NUMBER, name):
        return False
    if match["from"]:
        return _cut(name, match["from"]) >= numbers(match["from"]) and _cut(name, match["to"]) <= numbers(match["to"])
    bound = match["version"]
    if match["sign"] == "<":
        return _cut(name, bound) < numbers(bound)
    return _cut(name, bound) >= numbers(bound) if match["sign"] else _cut(name, bound) == numbers(bound)


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, which compare as versions do. Raises ValueError."""
    return tuple(int(part) for part in version.split("."))


def _cut(version: str, like: str) -> tuple[int, ...]:
    """The version with as many numbers as `like`: 1.30.14 is within 1.22-1.30, and 2 is 2.0."""
    size = like.count(".") + 1
    return (*numbers(version), *[0] * size)[:size]


def worded(ranges: str) -> str:
    """Ranges as people say them: `570 or later`."""
    *first, last = [_worded(part) for part in ranges.split(", ")]
    return f"{', '.join(first)} or {last}" if first else last


def _worded(part: str) -> str:
    match = _RANGE.fullmatch(part)
    if match and match["from"]:
        return f"{match['from']} to {match['to']}"
    if match and match["sign"]:
        return f"{match['version']} or later" if match["sign"] == ">=" else f"earlier than {match['version']}"
    return part


def misfit(judged: Thing, given: Thing, verdict: Verdict) -> str:
    """The pair, why it does not fit, where that is from, and what fits."""
    row, source = verdict.rows[0], verdict.source
    assert source is not None  # noqa: S101 - a row that decides has one
    return f"{judged.shown} does not fit {given.shown}: {row.why} ({source.name}). {_use(row)}"


def _use(row: Row) -> str:
    return row.use or f"Use {worded(row.fits or '')}."


def untested(judged: Thing, given: Thing, verdict: Verdict) -> str:
    """The pair, and what is known instead."""
    known = worded(", ".join(row.fits for row in verdict.rows if row.fits))
    return f"{judged.shown} with {given.shown} is not in the compatibility matrix, which knows {known}."
