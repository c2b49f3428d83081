"""Where something is written in the files of another installer, and what is written there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple


class Place(NamedTuple):
    """One variable in a file; its str() is how messages name it."""

    file: str
    line: int | None
    name: str
    """The variable, or a key with dots; "" for the file as a whole."""
    host: str = ""
    """The host whose row it is in, if it is in one."""

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        return " ".join(word for word in (f"{self.file}{line}", self.host, self.name) if word)

    def named(self, name: str) -> "Place":
        """Another variable in the same line."""
        return self._replace(name=name)


@dataclass(frozen=True)
class Given:
    """A value, and where it is written."""

    value: Any
    place: Place


@dataclass(frozen=True)
class Vault:
    """Stands for a value that ansible-vault has encrypted."""


Variables = Mapping[str, Given]


class Fault(NamedTuple):
    """What is wrong with the files, and the fix."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def text_of(path: Path, label: str, faults: list[Fault]) -> str:
    """The text of a file; one that cannot be read is a fault, and an empty text."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        faults.append(Fault(Place(label, None, ""), f"cannot be read: {error.strerror}. Correct the path."))
    except UnicodeDecodeError:
        faults.append(Fault(Place(label, None, ""), f"is not UTF-8. Save it so: iconv -f ENCODING -t UTF-8 {label}"))
    return ""


def nearest(name: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """The known name that is most like one that is not known, in whatever case it is written."""
    names: dict[str, str] = {}
    for each in known:
        names.setdefault(each.lower(), each)
    found = get_close_matches(name.lower(), names, 1, least)
    return names[found[0]] if found else None
