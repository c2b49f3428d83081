"""An Ansible inventory in its INI form: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html

Where Ansible drops a whole file with a warning, this reader names the row. No value of a variable comes into a message:
it may be a password.
"""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from ops.importing.inventory import Group, Inventory
from ops.importing.place import Fault, Given, Place, text_of

HOSTS = 10_000
"""Of one row; no site has more."""
_SECTION = re.compile(r"\[(?P<name>[^\]:\s]+)(:(?P<kind>\w+))?\]\s*([#;].*)?")
_RANGE = re.compile(r"\[(?P<first>\w+):(?P<last>\w+)(:(?P<step>\d+))?\]", re.ASCII)
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*)", re.ASCII)


class RowError(ValueError):
    """A row that Ansible would not read, or would read as something else."""


def read_ini(path: Path, label: str, *, as_printed: bool = False) -> Inventory:
    """The inventory of a file. Its `faults` are those of rows that cannot be read.

    `as_printed` reads rows as Nauta's guide prints them: in several lines, and with a blank after `=`.
    """
    found = Inventory(label)
    section, kind = "ungrouped", ""
    for number, row in _rows(text_of(path, label, found.faults).splitlines(), as_printed=as_printed):
        place = Place(label, number, "")
        if row.startswith("["):
            if (match := _SECTION.fullmatch(row)) is None or match["kind"] not in (None, "vars", "children"):
                text = "is no section: write [GROUP], [GROUP:vars] or [GROUP:children]."
                found.faults.append(Fault(place, text))
                section, kind = "", "skipped"
                continue
            section, kind = match["name"], match["kind"] or ""
            found.groups.setdefault(section, Group(place))
            continue
        try:
            _read(found, section, kind, row, place, as_printed=as_printed)
        except RowError as error:
            found.faults.append(Fault(place, str(error)))
    return found


def _rows(lines: list[str], *, as_printed: bool) -> Iterator[tuple[int, str]]:
    """Each row with the number of its first line, without comments and empty lines."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        row = line.strip()
        if not row or row[0] in "#;":
            continue
        begins_with_a_variable = _VARIABLE.match(row)
        before = found[-1][1] if found else "["
        if as_printed and begins_with_a_variable and not before.startswith("["):
            found[-1] = (found[-1][0], f"{before} {row}")
        else:
            found.append((number, row))
    yield from found


def _read(found: Inventory, section: str, kind: str, row: str, place: Place, *, as_printed: bool) -> None:
    if kind == "children":
        (child, *_) = row.split()
        found.groups[section].children.append(child)
        found.groups.setdefault(child, Group(place))
    elif kind == "vars":
        if (match := _VARIABLE.fullmatch(row)) is None:
            raise RowError(f"below [{section}:vars] each row is VARIABLE=VALUE. Write it so.")
        text = re.sub(r"\s+#.*$", "", match["value"])
        found.groups[section].variables[match["name"]] = Given(_value(text), place.named(match["name"]))
    elif not kind:
        _host(found, section, _words(row), place, as_printed=as_printed)


def _words(row: str) -> list[str]:
    try:
        return shlex.split(row, comments=True)
    except ValueError:
        raise RowError("has a quotation mark without its second one. Close it.") from None


def _host(found: Inventory, section: str, words: list[str], place: Place, *, as_printed: bool) -> None:
    if "=" in words[0]:
        text = f"begins with {words[0].partition('=')[0]}=, not with the name of a host: the row above goes on here."
        raise RowError(f"{text} Put both in one line, or repeat with --as-printed.")
    base, port = _port(words[0])
    own: dict[str, Given] = {}
    if port:
        own["ansible_port"] = Given(port, place._replace(name="ansible_port", host=base))
    pending = ""
    for number, word in enumerate(words[1:], 2):
        name, sign, text = word.partition("=")
        if pending and not sign and as_printed:
            own[pending] = Given(_value(word), place._replace(name=pending, host=base))
            pending = ""
            continue
        if not sign and pending:
            blank = f'{base}: there is a blank after "{pending}=", as the guide prints it; Ansible would skip the row'
            raise RowError(f"{blank}. Delete the blank, or repeat with --as-printed.")
        if not sign:
            raise RowError(
                f"{base}: word {number} of the row has no =. Write VARIABLE=VALUE; quote values with blanks."
            )
        if name in own:
            raise RowError(f"{base}: {name} is there twice. Keep one.")
        own[name] = Given(_value(text), place._replace(name=name, host=base))
        pending = name if not text else ""
    for host in expanded(base):
        group = found.groups.setdefault(section, Group(place))
        group.rows.append((host, place._replace(host=host)))
        known = found.hosts.setdefault(host, {})
        known |= {name: Given(one.value, one.place._replace(host=host)) for name, one in own.items()}


def _port(word: str) -> tuple[str, int | None]:
    """`HOST:PORT` of a row; the colons of a range or of an IPv6 address are no port."""
    match = re.fullmatch(r"([^:\[\]]+|.*\]):(\d+)", word)
    return (match[1], int(match[2])) if match else (word, None)


def expanded(pattern: str) -> Iterator[str]:
    """`node[01:03]` → node01, node02, node03; also letters, and a step. Raises RowError."""
    match = _RANGE.search(pattern)
    if match is None:
        if "[" in pattern:
            raise RowError(f"{pattern} is no range. Ansible writes node[1:4], with a colon.")
        yield pattern
        return
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    if first.isdigit() and last.isdigit():
        numbers = range(int(first), int(last) + 1, step or 1)
        names = [str(number).zfill(len(first)) for number in numbers[: HOSTS + 1]]
    elif len(first) == len(last) == 1 and first.isalpha() and last.isalpha():
        names = [chr(code) for code in range(ord(first), ord(last) + 1, step or 1)]
    else:
        names = []
    if not names or step == 0 or len(names) > HOSTS:
        raise RowError(f"{pattern} names no hosts, or more than {HOSTS:,}. Write FIRST:LAST, such as node[1:4].")
    for name in names:
        yield from expanded(f"{pattern[: match.start()]}{name}{pattern[match.end() :]}")


def _value(text: str) -> object:
    """A list, a map, True, False or None as Ansible reads it; numbers stay texts, since a password may be one."""
    if text in ("True", "False", "None") or text[:1] in ("[", "{"):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    return text
