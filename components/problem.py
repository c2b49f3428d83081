"""Problems at keys of the site: checks of rooms and parts yield them, stacks/load.py finds their lines."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

Key = tuple[str | int, ...]


class Problem(NamedTuple):
    """A problem at a key of the merged site; its file and line are found later."""

    key: Key
    text: str
    elsewhere: bool = False
    """For checks of a part: the key is one of the whole site, outside of the part's own entry."""


def dotted(key: Key) -> str:
    """A key as people write it: hosts.gpu-1.taints[0]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def quoted(value: object) -> str:
    """A value as messages show it: between quotes, and on one line of ASCII, so that nothing in it stays unseen."""
    return '"' + str(value).encode("unicode_escape").decode().replace('"', '\\"') + '"'


def below(key: Key, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of an entry at `key`, with the keys of the whole site."""
    for problem in problems:
        yield problem if problem.elsewhere else Problem((*key, *problem.key), problem.text)
