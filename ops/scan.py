"""`sitectl scan`: fetches the current host keys; once compared at the consoles, they go into known_hosts.<stack>."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from components.host.config import Bastion, Host
from components.host.targets import targets
from components.hostrun import ssh
from components.hostrun.fleet import Fleet
from components.hostrun.ssh import HostKey
from components.hostrun.target import SshError, Target
from ops import files, render
from ops.asking import agreed
from ops.flags import Flags, Output
from ops.stop import Code


@dataclass(frozen=True)
class Found:
    """The key that one host shows, and the site's key for it ("" if none)."""

    target: Target | None
    shown: HostKey | SshError
    known: str

    @property
    def state(self) -> str:
        """new, known, differs or unknown."""
        if isinstance(self.shown, SshError):
            return "unknown"
        return "known" if self.shown.line == self.known else "differs" if self.known else "new"


def addressed(hosts: Mapping[str, Host], reveal: Callable[[str], str]) -> dict[str, Target | SshError]:
    """The bastions by address, then the active hosts. Only hosts behind a bastion need a login."""
    bastions = [host.ssh.bastion for host in hosts.values() if host.ssh.bastion and host.state != "gone"]
    found: dict[str, Target | SshError] = {str(bastion.address): _bastion(bastion) for bastion in bastions}
    for name, host in hosts.items():
        if host.state == "gone":
            continue
        plain = Target(name, str(host.address), host.ssh.port, host.ssh.user, host.host_key)
        try:
            found[name] = targets({name: host}, reveal)[name] if host.ssh.bastion else plain
        except SshError as error:
            found[name] = error
    return found


def _bastion(bastion: Bastion) -> Target:
    return Target(str(bastion.address), str(bastion.address), bastion.port, bastion.user, bastion.host_key or "")


async def scan(wanted: Mapping[str, Target | SshError], parallel: int, limit: float) -> dict[str, Found]:
    """Asks all hosts for their key; one that does not answer has its error."""
    asked = {name: target for name, target in wanted.items() if isinstance(target, Target)}
    answers = await Fleet(asked, parallel, limit).each(ssh.scan)
    found = {}
    for name, target in wanted.items():
        if isinstance(target, SshError):
            found[name] = Found(None, target, "")
        else:
            found[name] = Found(target, answers[name], target.host_key)
    return found


def settle(flags: Flags, path: Path, found: Mapping[str, Found], *, replace: bool) -> Code:
    """Shows the keys; once the operator agrees, writes new ones, and with `replace` also those that differ."""
    show(flags, found)
    states = {"new", "differs"} if replace else {"new"}
    keys = [(one.target, one.shown) for one in found.values() if one.state in states]
    take = [(target, shown) for target, shown in keys if target and isinstance(shown, HostKey)]
    question = f"Compared at the consoles? Write {render.plural(len(take), 'key')} to {path}"
    if take and agreed(flags, question, "Nothing was written.", "compare the keys, then repeat with --yes."):
        write(path, take)
        flags.say(f"{path} has {render.plural(len(take), 'key')} more. Commit it.")
    elif take:
        return Code.NO
    if any(one.state == "unknown" for one in found.values()):
        return Code.NOT_ASKED
    return Code.NO if any(one.state == "differs" for one in found.values()) and not replace else Code.YES


def show(flags: Flags, found: Mapping[str, Found]) -> None:
    """Prints each host's key and its state."""
    rows = []
    for name, one in found.items():
        shown = "-" if isinstance(one.shown, SshError) else one.shown.fingerprint
        rows.append([name, one.target.where if one.target else "-", shown, one.state])
    if flags.form is Output.NAME:
        typer.echo("\n".join(found))
    elif flags.form is Output.TABLE:
        render.table(flags, ["HOST", "ADDRESS", "KEY", "STATE"], rows)
    else:
        render.data(flags, [dict(zip(("host", "address", "key", "state"), row, strict=True)) for row in rows])
    for one in found.values():
        if isinstance(one.shown, SshError):
            flags.say(f"? {one.shown}")
    if kinds := sorted(
        {one.shown.file for one in found.values() if one.state != "known" and isinstance(one.shown, HostKey)}
    ):
        flags.say(f"At a host's console, to compare: {'; '.join(f'ssh-keygen -lf {file}' for file in kinds)}")


def names(target: Target) -> list[str]:
    """The names for known_hosts: the address, and the host's name if that differs."""
    both = dict.fromkeys([target.address, target.name])
    return [name if target.port == 22 else f"[{name}]:{target.port}" for name in both]


def write(path: Path, keys: Sequence[tuple[Target, HostKey]]) -> None:
    """Puts the keys into the file, replacing those of the same names; all or nothing."""
    lines = path.read_text().splitlines() if path.is_file() else []
    for target, key in keys:
        own = names(target)
        lines = [kept for line in lines if (kept := without(line, own))]
        lines.append(f"{','.join(own)} {key.line}")
    files.write(path, "\n".join(lines) + "\n", 0o644)


def strangers(path: Path, hosts: Collection[Host]) -> list[str]:
    """Names in the file of which the site has none: hosts that have left it, and keep a key that is trusted."""
    known = [Target(host.name, str(host.address), host.ssh.port, host.ssh.user, host.host_key) for host in hosts]
    known += [_bastion(host.ssh.bastion) for host in hosts if host.ssh.bastion]
    own = {name for target in known for name in names(target)}
    lines = path.read_text().splitlines() if path.is_file() else []
    fields = [line.split()[0].split(",") for line in lines if line.strip() and line[0] not in "#@|"]
    return [each[0] for each in fields if own.isdisjoint(each)]


def without(line: str, own: Sequence[str]) -> str:
    """The line without these names; nothing when no name is left. Comments and marked lines stay."""
    hosts, _, rest = line.partition(" ")
    if hosts.startswith(("#", "@", "|")) or not rest:
        return line
    left = [host for host in hosts.split(",") if host not in own]
    return f"{','.join(left)} {rest}" if left else ""
