"""An edit of the site's files: shown as a diff, checked as `sitectl validate` does, and only then written.

An entry is edited in the file in which it is written: the site's own, or one that it includes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any

from ops import files
from ops.flags import Flags
from ops.stop import Code, Stop
from ops.yaml_text import CannotEditError, append, drop, put, take
from stacks.around import SITE
from stacks.faults import SiteError
from stacks.load import included, load_site
from stacks.model import Site
from stacks.source import Source, read_plain, read_stack

NOTHING = "Nothing was written."


@dataclass
class File:
    """One file of the site, as it is and as it will be."""

    path: Path
    name: str
    """As the site calls it."""
    top: tuple[str, ...]
    """The keys above the site object."""
    source: Source
    before: str
    after: str


@dataclass
class Draft:
    """The site's files with the edits so far."""

    flags: Flags
    files: list[File] = field(default_factory=list)

    @classmethod
    def of(cls, flags: Flags) -> "Draft":
        """The files of a site that has no fault. Raises SiteError."""
        path = flags.folder / f"Pulumi.{flags.stack}.yaml"
        own = read_stack(path)
        found = [File(path, path.name, ("config", SITE), own, text := _text(path), text)]
        for _, name, other in included(own.data, flags.folder):
            text = _text(other)
            found.append(File(other, name, (), read_plain(other, name), text, text))
        return cls(flags, found)

    def put(self, key: tuple[str, ...], value: Any) -> None:  # noqa: ANN401 - any YAML
        """Adds an entry, in the file that has the map; the site's own file where none has it."""
        file = self._home(key[:-1]) or self.files[0]
        self._edit(file, key, lambda path: put(file.after, path, value))

    def take(self, key: tuple[str, ...]) -> None:
        """Removes an entry, from each file that has a share of it."""
        for file in (file for file in self.files if _has(file.source.data, key)):
            self._edit(file, key, partial(take, file.after))

    def append(self, key: tuple[str, ...], item: str) -> None:
        """Adds an item to a list; where there is none, in the file that has the entry above."""
        file = self._home(key) or self._home(key[:-1]) or self.files[0]
        self._edit(file, key, lambda path: append(file.after, path, item))

    def drop(self, key: tuple[str, ...], item: str) -> None:
        """Removes an item from a list."""
        if file := self._home(key):
            self._edit(file, key, lambda path: drop(file.after, path, item))

    def _home(self, key: tuple[str, ...]) -> File | None:
        return next((file for file in self.files if _has(file.source.data, key)), None)

    def _edit(self, file: File, key: Sequence[str], edit: Callable[[tuple[str, ...]], str]) -> None:
        try:
            file.after = edit((*file.top, *key))
        except CannotEditError as error:
            mark = next((m for i in range(len(key), -1, -1) if (m := file.source.marks.get(tuple(key[:i])))), None)
            line = f":{mark.line}" if mark else ""
            text = f"{file.name}{line} {'.'.join(key)}: {error} {NOTHING}"
            raise Stop(Code.WRONG, [f"{text} Fix: write that entry in the file by hand."]) from None

    def diff(self) -> str:
        """What changes, as `diff -u` shows it; the names are those of the files."""
        lines: list[str] = []
        for file in self.files:
            old, new = file.before.splitlines(keepends=True), file.after.splitlines(keepends=True)
            lines += unified_diff(old, new, f"{file.name} (now)", f"{file.name} (then)")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def checked(self) -> Site:
        """The site as it will be. Raises Stop with every fault that it would have."""
        drafts = {file.path: file.after for file in self.files}
        try:
            return load_site(self.flags.stack, self.flags.folder, drafts=drafts)
        except SiteError as error:
            raise Stop(Code.WRONG, [*error.lines, f"So the site would be after this change. {NOTHING}"]) from None

    def write(self) -> list[str]:
        """Replaces each changed file, each of them whole or not at all. Returns their names. Raises Stop."""
        changed = [file for file in self.files if file.after != file.before]
        for file in changed:
            if _text(file.path) != file.before:
                lines = [f"{file.name} was changed by somebody else meanwhile. {NOTHING} Fix: repeat."]
                raise Stop(Code.NO, lines)
        done: list[File] = []
        for file in changed:
            try:
                files.replace(file.path, _encoded(file, file.after))
            except OSError as error:
                for other in done:
                    files.replace(other.path, _encoded(other, other.before))
                raise Stop(Code.NO, [f"{file.name} cannot be written: {error.strerror}. {NOTHING}"]) from None
            done.append(file)
        return [file.name for file in changed]


def _text(path: Path) -> str:
    """The text with its own line ends; a byte order mark stays apart, it is no part of the YAML."""
    return path.read_bytes().decode("utf-8-sig")


def _encoded(file: File, text: str) -> bytes:
    mark = b"\xef\xbb\xbf" if file.path.read_bytes().startswith(b"\xef\xbb\xbf") else b""
    return mark + text.encode()


def _has(data: Any, key: Sequence[str]) -> bool:  # noqa: ANN401
    for name in key:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True
