"""A site as it grows from another installer's files: each value with its origin; what was left out, with the reason."""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from components.problem import Key, dotted
from ops.flags import Flags
from ops.importing.place import Fault, Place
from ops.stop import Code, Stop
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.model import Site

NOTHING = "Nothing was written."


class Taken(NamedTuple):
    """One variable: its key in the site, or none and the reason."""

    place: Place
    key: Key | None
    remark: str = ""

    @property
    def variable(self) -> str:
        """Its name, for all members of a list alike."""
        return re.sub(r"\[\d+\]", "[]", self.place.name)

    @property
    def here(self) -> str:
        """The key as people write it, for all hosts alike."""
        if self.key is None:
            return "-"
        return dotted(
            ("hosts", "NAME", *self.key[2:]) if self.key[:1] == ("hosts",) and len(self.key) > 1 else self.key
        )


@dataclass
class Draft:
    """The site object so far."""

    site: dict[str, Any] = field(default_factory=dict)
    origins: dict[Key, Place] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """What each secret is for, by its name. Their values are nowhere here."""
    remarks: list[str] = field(default_factory=list)
    """What the operator must know besides."""

    def put(self, key: Key, value: Any, place: Place | None = None, remark: str = "") -> None:  # noqa: ANN401
        """Sets a key of the site; `place` is where the value is from, None where it is ours."""
        inner: dict[Any, Any] = self.site
        for part in key[:-1]:
            inner = inner.setdefault(part, {})
        inner[key[-1]] = value
        if place:
            self.origins[key] = place
            self.taken.append(Taken(place, key, remark))

    def also(self, place: Place, key: Key, remark: str) -> None:
        """Notes a variable that `put` has used with another one."""
        self.taken.append(Taken(place, key, remark))

    def leave(self, place: Place, reason: str) -> None:
        """Notes a variable that the site has not, and why."""
        self.taken.append(Taken(place, None, reason))

    def fault(self, place: Place, text: str) -> None:
        """Notes what is wrong, with its fix."""
        self.faults.append(Fault(place, text))

    def checked(self, flags: Flags) -> Site:
        """The site, as its own checks judge it. Raises Stop with every fault, at the place of its cause."""
        if self.faults:
            raise Stop(Code.WRONG, [*map(str, dict.fromkeys(self.faults)), NOTHING])
        try:
            return site_from(deepcopy(self.site), stack=flags.stack, folder=flags.folder, keys=False)
        except SiteError as error:
            lines = [self._said(fault.key, fault.text) for fault in error.faults]
            raise Stop(Code.WRONG, [*dict.fromkeys(lines), NOTHING]) from None

    def without_endpoint(self, place: Place) -> None:
        """A fault if several control planes have no address in common."""
        planes = [name for name, host in self.site["hosts"].items() if "control-plane" in host.get("roles", ())]
        if len(planes) > 1:
            text = f"has {len(planes)} control planes, which need a load balancer of yours in front of them."
            self.fault(place, f"{text} Repeat with --endpoint ADDRESS:PORT.")

    def _said(self, key: Key, text: str) -> str:
        place = next((self.origins[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self.origins), None)
        said = f"{place} (here {dotted(key)}): {text}" if place else f"{dotted(key)}: {text}"
        others = (
            f"{dotted(other)} is from {one}" for other, one in self.origins.items() if f"{dotted(other)} " in text
        )
        other = next((each for each in others if dotted(key) not in each), "")
        return f"{said} ({other})" if other else said

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """File and line, variable, key here, and remark of all that was read; hosts that are alike share a row."""
        found: dict[tuple[str, str, str, str], Taken] = {}
        for one in self.taken:
            if one.key is not None:
                found.setdefault((one.place.file, one.variable, one.here, one.remark), one)
        for (_, name, here, remark), one in found.items():
            yield str(one.place._replace(name="", host="")), name or one.place.host, here, remark
        for left in self.left():
            yield left.where, ", ".join(left.variables), "-", left.reason

    def left(self) -> list["Left"]:
        """What the site has not, each file's and each reason's together."""
        found: dict[tuple[str, str], dict[str, Place]] = {}
        for one in self.taken:
            if one.key is None:
                found.setdefault((one.place.file, one.remark), {}).setdefault(one.variable, one.place)
        return [Left(reason, list(places), list(places.values())) for (_, reason), places in found.items()]


class Left(NamedTuple):
    """Variables of one file that the site has not, for one reason."""

    reason: str
    variables: list[str]
    places: list[Place]

    @property
    def where(self) -> str:
        """The file, and the line of the first of them."""
        return str(self.places[0]._replace(name="", host=""))


def shared(of_hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings that all hosts have with the same value, for the site's top level."""
    first: Mapping[str, Any] = next(iter(of_hosts.values()), {})
    return {key: one for key, one in first.items() if all(own.get(key) == one for own in of_hosts.values())}


def listed(value: object) -> Sequence[Any]:
    """A list as it is, a text with commas or blanks divided at them, nothing as an empty list."""
    if isinstance(value, list | tuple):
        return list(value)
    return str(value).replace(",", " ").split() if value not in (None, "", {}) else []
