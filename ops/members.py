"""`sitectl user add|remove` and `sitectl project add|remove`: edits of the site file. `pulumi up` applies them.

Rows: X14, S4, S5, N6.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from components.host.machine import Person
from components.host.reserved import not_free
from components.problem import Key, dotted
from components.rule import Rule
from ops import render
from ops import site as sites
from ops.asking import agreed
from ops.flags import Flags, Output
from ops.shares import enter
from ops.site_draft import NOTHING, Draft
from ops.stop import Code, Stop
from stacks.checks import notes
from stacks.ground import ground
from stacks.model import Site

NEXT = "pulumi preview --diff, then pulumi up"
NAMES = Rule(not_free)
"""The mark of values that are names of users."""
PUBLIC = re.compile(r"(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( .*)?")
"""A line of an authorized_keys file without options."""


@dataclass
class Change:
    """An edit with what the next `pulumi up` makes of it."""

    before: Site
    draft: Draft
    dry_run: bool
    goes: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    later: str = ""
    """The command that takes away what stays."""
    first: str = ""
    """The command that `pulumi up` needs before it."""


def settle(flags: Flags, change: Change) -> Code:
    """Checks the whole site with the edit, shows the diff, and writes it once agreed. Raises Stop."""
    before = set(notes(change.before))
    site = change.draft.checked()
    diff = change.draft.diff()
    if flags.form is Output.TABLE:
        typer.echo(diff, nl=False)
        for word, lines in (("goes ", change.goes), ("stays", change.stays)):
            for line in lines:
                flags.say(f"{word}: {line}")
        if change.first:
            flags.say(f"before pulumi up: {change.first}")
        if change.later:
            flags.say(f"to delete what stays, after pulumi up: {change.later}")
    for note in notes(site):
        if note not in before:
            flags.say(f"! {note}")
    files = [file.name for file in change.draft.files if file.after != file.before]
    names = " and ".join(files)
    asked = change.dry_run or agreed(flags, f"Write this to {names}", NOTHING)
    written = change.draft.write() if asked and not change.dry_run else []
    if flags.form is Output.NAME:
        typer.echo("\n".join(written))
    elif flags.form is not Output.TABLE:
        keys = {"goes": change.goes, "stays": change.stays, "first": change.first, "later": change.later}
        render.data(flags, {"ok": asked, "site": site.name, "diff": diff, "written": written, **keys, "next": NEXT})
    flags.say(f"{names} {'is' if len(files) == 1 else 'are'} written. Next: {NEXT}" if written else NOTHING)
    return Code.YES if asked else Code.NO


def add_user(
    flags: Flags,
    name: str,
    entry: Mapping[str, Any],
    projects: Sequence[str],
    *,
    shares: Sequence[str] = (),
    own: bool = False,
    dry_run: bool,
) -> Code:
    """Adds a user, or puts one that is there into projects and shares; `own` makes a project of the same name.

    Raises Stop.
    """
    site, draft = sites.load(flags), Draft.of(flags)
    if name not in site.users:
        draft.put(("users", name), dict(entry))
    elif entry or not (projects or own or shares):
        fix = f"Fix: edit it there; for a project: sitectl user add {name} --project NAME"
        raise Stop(Code.WRONG, [f"{_place(draft, ('users', name))} users.{name}: is there already. {NOTHING} {fix}"])
    for project in projects:
        _known(site, project)
        if name in site.projects[project].members:
            raise Stop(Code.WRONG, [f"{name} is a member of {project} already. {NOTHING}"])
        draft.append(("projects", project, "members"), name)
    if own:
        if name in site.projects:
            text = f"{_place(draft, ('projects', name))} projects.{name}: is there already. {NOTHING}"
            raise Stop(Code.WRONG, [f"{text} Fix: --project {name} instead of --own-project"])
        draft.put(("projects", name), {"members": [name]})
    first = enter(site, draft, name, shares) if shares else ""
    return settle(flags, Change(site, draft, dry_run, first=first))


def remove_user(flags: Flags, name: str, projects: Sequence[str], *, dry_run: bool) -> Code:
    """Removes a user from the site, or only from the named projects. Raises Stop."""
    site, draft = sites.load(flags), Draft.of(flags)
    if name not in site.users:
        raise Stop(Code.WRONG, [f"{name}: there is no such user in the site. Fix: sitectl user list"])
    own = [project for project, one in site.projects.items() if name in one.members]
    for project in projects:
        _known(site, project)
        if project not in own:
            raise Stop(Code.WRONG, [f"{name} is not a member of {project}. {NOTHING}"])
    for project in projects or own:
        draft.drop(("projects", project, "members"), name)
    change = Change(site, draft, dry_run, goes=list(_of_user(site, name, list(projects) or own)))
    if not projects:
        draft.take(("users", name))
        if others := _elsewhere(site, name):
            change.goes.append(f"{name} in {', '.join(dict.fromkeys(dotted(key[:-1]) for key in others))}")
        for key in others:
            if isinstance(key[-1], int):
                draft.drop(_words(key[:-1]), name)
            else:
                draft.take(_words(key))
        files = f"files of {name} in home folders and on volumes"
        change.stays = [files, *_account_of(site, name), *_emptied(site, name, own)]
        change.later = f"sitectl user purge {name}"
    return settle(flags, change)


def _emptied(site: Site, name: str, projects: Sequence[str]) -> Iterator[str]:
    """The projects that have nobody then."""
    for project in projects:
        if site.projects[project].members == (name,) and not site.projects[project].groups:
            yield f"project {project}, which nobody may enter any more: sitectl project remove {project}"


def _elsewhere(site: Site, name: str) -> list[Key]:
    """Where parts name the user, in maps and lists of the site. An entry of a list of platforms is edited by hand."""
    found = {key for key, mark, value in site.marked if mark == NAMES and value == name}
    ours = [key for key in found if key[0] not in {"users", "projects", "hosts"}]
    return sorted((key for key in ours if all(isinstance(part, str) for part in key[:-1])), key=str)


def _words(key: Key) -> tuple[str, ...]:
    return tuple(map(str, key))


def _account_of(site: Site, name: str) -> Iterator[str]:
    """The hosts that want the account by an entry of their own, which goes over that of the user."""
    accounts = {host.name: host.accounts.get(name) for host in site.active}
    if at := [host for host, account in accounts.items() if account and not isinstance(account, Person)]:
        yield f"the account {name} on {render.fold(at)}, which accounts.{name} of the site wants. Take that out by hand"


def _of_user(site: Site, name: str, projects: Sequence[str]) -> Iterator[str]:
    if projects:
        yield f"{name} in {', '.join(projects)}"
        access = f"the access that certificates of {ground(site).subjects[name]} give there"
        yield f"{access}; they cannot be revoked, and are valid until their dates"


def add_project(flags: Flags, name: str, entry: Mapping[str, Any], *, dry_run: bool) -> Code:
    """Adds a project. Raises Stop."""
    site, draft = sites.load(flags), Draft.of(flags)
    if name in site.projects:
        text = f"{_place(draft, ('projects', name))} projects.{name}: is there already. {NOTHING}"
        raise Stop(Code.WRONG, [f"{text} Fix: edit it there; for a member: sitectl user add NAME --project {name}"])
    draft.put(("projects", name), dict(entry))
    return settle(flags, Change(site, draft, dry_run))


def remove_project(flags: Flags, name: str, *, dry_run: bool) -> Code:
    """Removes a project from the site. Raises Stop."""
    site, draft = sites.load(flags), Draft.of(flags)
    _known(site, name)
    draft.take(("projects", name))
    project = site.projects[name]
    people = [*project.members, *project.groups]
    goes = [f"the roles of {', '.join(people)}"] if people else []
    goes += [f"{project.gpus} GPUs of quota"] if project.gpus else []
    stays = [f"data on the volumes of {name}"]
    return settle(flags, Change(site, draft, dry_run, goes, stays, f"sitectl project purge {name}"))


def _known(site: Site, project: str) -> None:
    if project not in site.projects:
        there = f" There are: {', '.join(site.projects)}." if site.projects else ""
        text = f"{project}: there is no such project in the site.{there} {NOTHING}"
        raise Stop(Code.WRONG, [f"{text} Fix: sitectl project add {project}"])


def _place(draft: Draft, key: tuple[str, ...]) -> str:
    """`Pulumi.lab.yaml:13`."""
    return next(
        f"{mark.file}:{mark.line}" for file in draft.files if (mark := file.source.marks.get(key)) and mark.line
    )


def public_keys(paths: Sequence[Path]) -> list[str]:
    """The lines of public key files. Raises Stop; of a private key nothing is shown or kept."""
    found = []
    for path in paths:
        try:
            text = path.expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not a text"
            raise Stop(Code.WRONG, [f"--key {path}: cannot be read: {why}. {NOTHING}"]) from None
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if not lines or not all(map(PUBLIC.fullmatch, lines)):
            fix = f"Fix: --key {path.with_name(f'{path.name}.pub')}" if "PRIVATE KEY" in text else "Fix: a .pub file."
            kind = "is a private key" if "PRIVATE KEY" in text else "has no public key of OpenSSH's form"
            raise Stop(Code.WRONG, [f"--key {path}: {kind}. {NOTHING} {fix}"])
        found += lines
    return found
