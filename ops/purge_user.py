"""`sitectl user purge`: what a user who left the site has kept: a home folder on each host, open certificates.

Rows: S5, S6.
"""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from components.hostrun.fleet import Fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from ops import in_cluster, render
from ops import site as sites
from ops.asking import agreed, typed
from ops.certificate import LABEL, left, subject_and_end
from ops.flags import Flags, Output
from ops.in_cluster import Kubectl
from ops.purge import NOTHING, in_site
from ops.stop import Code, Stop
from stacks.model import Site

SCRIPT = Path(__file__).with_name("home.sh")
LIMIT = 60.0
"""Seconds for a look at one host; its `du` gives up after 20."""


@dataclass(frozen=True)
class Home:
    """A home folder that is left on a host."""

    host: str
    folder: str
    kibibytes: int | None
    """None where counting takes too long."""

    def __str__(self) -> str:
        size = "of unknown size" if self.kibibytes is None else f"{self.kibibytes / 2**20:.1f} GiB"
        return f"{self.folder} on {self.host}, {size}"


def user(flags: Flags, name: str, home: str | None, *, data: bool) -> Code:
    """Shows what is left of a user, asks, and deletes. Raises Stop."""
    site = sites.load(flags)
    in_site(flags, "users", name, site.users)
    folder = _folder(name, home)
    fleet, unasked = sites.reach(flags, dict(site.hosts))
    lines = [f"? {check}" for check in unasked if check.status == "unknown"]
    answers = asyncio.run(_each(fleet, "look", name, folder))
    lines += [f"? {error}" for error in answers.values() if isinstance(error, SshError)]
    homes = _homes(name, folder, answers)
    certificates = in_cluster.with_cluster(flags, site, lambda kubectl: _open(kubectl, name)) if site.kubernetes else []
    _show(flags, name, homes, certificates, data=data)
    for line in lines:
        flags.say(line)
    deleted = _delete(flags, fleet, name, folder, homes) if homes and data else []
    return _done(flags, site, name, homes, deleted, Code.NOT_ASKED if lines else Code.YES)


def _folder(name: str, home: str | None) -> str:
    path = PurePosixPath(home or f"/home/{name}")
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 3:
        raise Stop(
            Code.WRONG, [f"--home {path}: is no home folder. {NOTHING} Fix: the one that users.{name}.home named."]
        )
    return str(path)


async def _each(fleet: Fleet, action: str, name: str, folder: str) -> dict[str, Result | SshError]:
    words = shlex.join(["bash", "-s", "--", action, name, folder])
    limit = LIMIT if action == "look" else fleet.limit

    async def ask(target: Target) -> Result:
        return await fleet.ask(target, words, stdin=SCRIPT.read_bytes(), deadline=limit)

    return await fleet.each(ask)


def _homes(name: str, folder: str, answers: Mapping[str, Result | SshError]) -> list[Home]:
    """The folders that may be deleted. Raises Stop where the account is still there, or the folder is another's."""
    found, wrong = [], []
    for host, answer in answers.items():
        if isinstance(answer, SshError):
            continue
        word, _, rest = answer.stdout.strip().partition(" ")
        if answer.status:
            wrong.append(f"{host} [home] {(answer.stderr.strip().splitlines() or ['bash failed'])[-1]}")
        elif word == "account":
            wrong.append(
                f"{host} [account] {name} is still a user there. Fix: pulumi up; an account of others: userdel"
            )
        elif word == "other":
            wrong.append(f"{host} [home] {folder} belongs to {rest}. Fix: --home with the folder that {name} had")
        elif word == "home":
            found.append(Home(host, folder, int(rest) if rest.isdigit() else None))
    if wrong:
        raise Stop(Code.NO, [*wrong, NOTHING])
    return found


async def _open(kubectl: Kubectl, name: str) -> list[tuple[str, datetime]]:
    requests = await kubectl.items("certificatesigningrequests", "-l", f"{LABEL}={name}")
    return [found for request in requests if (found := subject_and_end(request))]


def _show(
    flags: Flags, name: str, homes: Sequence[Home], certificates: Sequence[tuple[str, datetime]], *, data: bool
) -> None:
    for home in homes:
        flags.say(f"{'goes ' if data else 'stays'}: {home}")
    for subject, end in certificates:
        flags.say(f"stays: a certificate of {subject}, which opens no project any more; ends in {left(end)}")
    if not homes:
        flags.say(f"No host has a home folder of {name}.")
    elif not data:
        flags.say(f"To delete the data: sitectl user purge {name} --data")


def _delete(flags: Flags, fleet: Fleet, name: str, folder: str, homes: Sequence[Home]) -> list[str]:
    """Deletes the folders, once agreed twice. Returns the hosts. Raises Stop."""
    hosts = [home.host for home in homes]
    if not typed(flags, f"Delete {folder} on {render.fold(hosts)}?", name, NOTHING) or not agreed(
        flags, "Delete the DATA? It does not come back", NOTHING
    ):
        raise Stop(Code.NO, [NOTHING])
    failed = _failed(_on(fleet, hosts), "delete", name, folder)
    # A folder that several hosts mount may go on one of them, though the others may not delete it.
    again = _failed(_on(fleet, list(failed)), "look", name, folder)
    if still := {host: text for host, text in failed.items() if again.get(host)}:
        raise Stop(Code.NOT_ASKED, [*still.values(), f"{folder} is not deleted there. Fix: repeat."])
    return hosts


def _on(fleet: Fleet, hosts: Sequence[str]) -> Fleet:
    return Fleet({host: fleet.targets[host] for host in hosts}, fleet.parallel, fleet.limit, fleet.ask)


def _failed(fleet: Fleet, action: str, name: str, folder: str) -> dict[str, str]:
    """What is untrue after the action, by host: it failed, or there is something left."""
    found = {}
    for host, answer in asyncio.run(_each(fleet, action, name, folder)).items():
        if isinstance(answer, SshError):
            found[host] = str(answer)
        elif answer.status or answer.stdout.strip():
            found[host] = f"{host} [home] {(answer.stderr.strip().splitlines() or ['it is still there.'])[-1]}"
    return found


def _done(flags: Flags, site: Site, name: str, homes: Sequence[Home], deleted: Sequence[str], code: Code) -> Code:
    kept = [str(home) for home in homes if home.host not in deleted]
    if flags.form is Output.NAME:
        return code
    if flags.form is not Output.TABLE:
        gone = [str(home) for home in homes if home.host in deleted]
        answer = {"ok": code is Code.YES, "site": site.name, "name": name, "deleted": gone, "stays": kept}
        render.data(flags, answer)
    elif deleted:
        flags.say(f"Deleted on {render.fold(deleted)}.")
    return code
