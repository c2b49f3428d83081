"""Targets for hosts that are in no site file, as `USER@ADDRESS` names them. Host keys are pinned here, too."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.hostrun.target import SshError, Target
from ops.stop import Code, Stop
from stacks.known_hosts import KnownHosts

ADDRESS = re.compile(r"(?P<user>[^@\s]+)@(?P<address>\[[^\]@\s]+\]|[^@\s:\[\]]+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Login:
    """The private key, else the ssh-agent's keys, and the OpenSSH file with the hosts' keys."""

    key_file: Path | None
    known_hosts: Path


def targets(words: Sequence[str], login: Login) -> Iterator[tuple[str, Target | SshError]]:
    """Each address with its target, or with the error of one whose key is not known. Raises Stop for a wrong call."""
    key = _read(login.key_file, "--key-file") if login.key_file else None
    known = KnownHosts(_read(login.known_hosts, "--known-hosts") if login.known_hosts.exists() else "")
    for word in dict.fromkeys(words):
        match = ADDRESS.fullmatch(word)
        if not match or int(match["port"] or 22) not in range(1, 65536):
            text = f"{word}: not an address. Write USER@ADDRESS or USER@ADDRESS:PORT; IPv6 as USER@[ADDRESS]."
            raise Stop(Code.WRONG, [text])
        address, port = match["address"].strip("[]"), int(match["port"] or 22)
        host_key = known.find(address if port == 22 else f"[{address}]:{port}")
        if host_key is None:
            command = ["ssh", "-p", str(port), "-o", f"UserKnownHostsFile={login.known_hosts}"]
            command.append(f"{match['user']}@{address}")
            fix = f"{shlex.join(command)} true, and compare the key that it shows at the host's console"
            text = f"no host key is known for it in {login.known_hosts}. Nothing was sent. Fix: {fix}."
            yield word, SshError(word, "host-key", text)
        else:
            yield word, Target(word, address, port, match["user"], host_key, key, sudo=False)


def _read(path: Path, flag: str) -> str:
    try:
        return path.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise Stop(Code.WRONG, [f"{flag} {path}: cannot be read: {why}."]) from None


def without_site(error: SshError) -> SshError:
    """The error with a fix that needs no site file: those of the SSH client name its keys."""
    fixes = {
        "address": "check its power, cable, address and port",
        "connection": "look at its console; check that sshd listens on that port",
        "timeout": "look at its console",
        "host-key": "a new disk? Compare at its console, then put the new key into the file of --known-hosts",
        "login": "ssh-add the right key, or name it by --key-file; or correct the user",
    }
    seen, sign, _ = error.message.partition(" Fix: ")
    if not sign or error.check_id not in fixes or "UserKnownHostsFile" in error.message:
        return error
    return SshError(error.host, error.check_id, f"{seen} Fix: {fixes[error.check_id]}.")
