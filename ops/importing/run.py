"""`sitectl import`: from the draft to the file, and what is said of it. No host is asked."""

from collections.abc import Sequence
from typing import Any

import typer

from ops import files, render
from ops import site as sites
from ops.flags import Flags, Output
from ops.importing.draft import Draft, Taken
from ops.importing.text import site_text
from ops.init import STACK, salt
from ops.stop import Code, Stop
from stacks.model import Site


def write(flags: Flags, draft: Draft, sources: Sequence[str], os: str | None) -> Code:
    """Checks the draft as a site of that system, writes it, and prints what each variable became.

    Raises Stop; overwrites nothing.
    """
    if os:
        draft.put(("os",), os)
    if not STACK.fullmatch(flags.stack):
        raise Stop(Code.WRONG, [f"{flags.stack}: not a stack's name. Use letters, digits, '-', '_' and '.'."])
    path = flags.folder / f"Pulumi.{flags.stack}.yaml"
    before = salt(path, f"Fix: repeat with -s and another name, or move {path.name} away.")
    site = draft.checked(flags)
    files.write(path, site_text(draft, sources) + before, 0o644)
    sites.load(flags, keys=False)
    _show(flags, draft, site)
    left = sum(len(one.variables) for one in draft.left())
    at_foot = f"; {render.plural(left, 'variable')} left out, with the reason at its foot" if left else ""
    flags.say(f"{path} is written: {render.plural(len(site.hosts), 'host')}{at_foot}. No host was asked.")
    for remark in draft.remarks:
        flags.say(f"! {remark}")
    flags.say(_next(flags, draft, site, is_stack=bool(before.strip())))
    return Code.YES


def _show(flags: Flags, draft: Draft, site: Site) -> None:
    if flags.form is Output.NAME:
        typer.echo("\n".join(site.hosts))
    elif flags.form is Output.TABLE:
        render.table(flags, ["FROM", "VARIABLE", "HERE", "REMARK"], [list(row) for row in draft.rows()])
    else:
        answer: dict[str, Any] = {
            "site": flags.stack,
            "hosts": list(site.hosts),
            "taken": [_data(one) for one in draft.taken if one.key is not None],
            "left": [_data(one) for one in draft.taken if one.key is None],
            "secrets": draft.secrets,
            "remarks": draft.remarks,
        }
        render.data(flags, answer)


def _data(one: Taken) -> dict[str, Any]:
    place = one.place
    found = {"file": place.file, "line": place.line, "host": place.host, "variable": place.name, "remark": one.remark}
    return found | ({"key": one.here} if one.key is not None else {})


def _next(flags: Flags, draft: Draft, site: Site, *, is_stack: bool) -> str:
    """What to type next: secrets first, since a host behind a bastion is reached with them."""
    name = flags.stack
    commands = [] if is_stack else [f"pulumi stack init {name}"]
    commands += [
        f"pulumi config set --secret {secret} --stack {name}   # it asks for the {purpose}"
        for secret, purpose in draft.secrets.items()
    ]
    behind = any(host.ssh.bastion for host in site.hosts.values())
    twice = "   # and once more: hosts behind a bastion answer when its key is known" if behind else ""
    commands += [f"sitectl scan -s {name}{twice}", f"sitectl validate -s {name} && sitectl preflight -s {name}"]
    return "\n".join(["Next:", *(f"  {command}" for command in commands)])
