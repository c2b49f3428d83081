"""`sitectl files`: what the site's parts have for the people who use them, as files on the operator's machine.

Rows: R9, R11.
"""

from pathlib import Path

import typer

from ops import render
from ops import site as sites
from ops.asking import agreed
from ops.files import write
from ops.flags import Flags, Output
from ops.stop import Code, Stop
from stacks.ground import ground
from stacks.model import Site


def of_site(site: Site) -> dict[str, str]:
    """Every file's text, by its path: the name of the part's entry first."""
    known = ground(site)
    return {
        f"{entry.name}/{path}": text
        for entry in site.entries
        for path, text in entry.part.files(entry.config, known).items()
    }


def deliver(flags: Flags, to: Path | None) -> Code:
    """Writes them below a folder, or lists them. Asks before it replaces files that say something else. Raises Stop."""
    found = of_site(sites.load(flags, keys=False))
    if not found:
        flags.say("No part of this site has files for people.")
        return Code.YES
    if to is None:
        _listed(flags, found)
        return Code.YES
    if to.exists() and not to.is_dir():
        raise Stop(Code.WRONG, [f"{to} is no folder. Fix: name one, or a new one."])
    others = [path for path, text in found.items() if _differs(to / path, text)]
    if others:
        named = f"{others[0]} and {len(others) - 1} more" if len(others) > 1 else others[0]
        if not agreed(flags, f"{to} has another {named}. Replace", "Nothing was written."):
            return Code.NO
    for path, text in found.items():
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        write(to / path, text, 0o644)
    flags.say(f"{to} has {render.plural(len(found), 'file')} for people.")
    return Code.YES


def _differs(file: Path, text: str) -> bool:
    return file.exists() and file.read_bytes() != text.encode()


def _listed(flags: Flags, found: dict[str, str]) -> None:
    if flags.form is Output.NAME:
        typer.echo("\n".join(found))
    elif flags.form is Output.TABLE:
        rows = [[path, text.partition("\n")[0].removeprefix("# ")] for path, text in found.items()]
        render.table(flags, ["FILE", "SHOWS"], rows)
    else:
        render.data(flags, [{"file": path, "text": text} for path, text in found.items()])
