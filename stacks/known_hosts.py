"""Host keys from an OpenSSH known_hosts file (format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

import base64
import hmac
import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from components.model import expanded
from components.problem import Problem

_PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


def is_key(line: str) -> bool:
    """Whether the line is `type base64`, of a type that is accepted as a host key."""
    kind, _, text = line.partition(" ")
    try:
        blob = base64.b64decode(text.split(" ")[0], validate=True)
    except ValueError:
        return False
    return kind in _PREFERRED and blob[4 : 4 + len(kind)] == kind.encode() and len(blob) > 4 + len(kind) + 4


class KnownHosts:
    """The keys of a known_hosts file. Certificate authorities are ignored; a revoked key is never returned."""

    def __init__(self, text: str) -> None:
        self._plain: dict[str, list[str]] = {}
        self._others: list[tuple[str, str]] = []
        self._revoked: set[str] = set()
        self.shared: set[str] = set()
        """Keys that a line gives to every host of a pattern, such as 10.0.*: there, hosts share one on purpose."""
        for line in text.splitlines():
            self._read(line.split())

    def _read(self, words: list[str]) -> None:
        if not words or words[0].startswith("#") or words[0] == "@cert-authority":
            return
        if words[0] == "@revoked":
            self._revoked.add(" ".join(words[2:4]))
            return
        hosts, key = words[0], " ".join(words[1:3])
        if hosts.startswith("|1|") or any(sign in hosts for sign in "*?!"):
            self._others.append((hosts, key))
            if not hosts.startswith("|1|"):
                self.shared.add(key)
        else:
            for host in hosts.split(","):
                self._plain.setdefault(host.lower(), []).append(key)

    def find(self, *known_as: str) -> str | None:
        """The best key (ed25519, ecdsa, rsa) under the first of the names that has one."""
        for name in known_as:
            keys = [*self._plain.get(name.lower(), ()), *(key for hosts, key in self._others if _matches(hosts, name))]
            usable = [key for key in keys if is_key(key) and key not in self._revoked]
            if usable:
                best: str = min(usable, key=lambda key: _PREFERRED.index(key.split(" ")[0]))
                return best
        return None


def _matches(hosts: str, name: str) -> bool:
    if hosts.startswith("|1|"):
        try:
            salt, digest = (base64.b64decode(part) for part in hosts.split("|")[2:])
        except ValueError:  # a broken line, which ssh ignores too
            return False
        return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)
    patterns = hosts.lower().replace("[", "[[]").split(",")  # a bracket matches only itself here
    if any(fnmatchcase(name.lower(), pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)


def pin(hosts: dict[str, Any], file: str, folder: Path, *, wanted: bool) -> Iterator[Problem]:
    """Set the host key of each host and each bastion from the file, unless the site itself has one.

    A missing key is a problem only if keys are `wanted`, and only for hosts that are not gone.
    """
    text = ""
    try:
        path = expanded(Path(file), folder)
        text = path.read_text(errors="replace") if path.is_file() else ""
    except ValueError:  # a variable is not set: the model reports it
        wanted = False
    except OSError as error:
        wanted = False
        yield Problem(("knownHosts",), f"{file} cannot be read: {error.strerror}.")
    known = KnownHosts(text)
    missing = []
    for name, host in hosts.items():
        if not isinstance(host, dict):
            continue
        needed = wanted and host.get("state") != "gone"
        ssh = host["ssh"] if isinstance(host.get("ssh"), dict) else {}
        if not host.get("hostKey"):
            host["hostKey"] = known.find(*_names(host.get("address"), name, ssh.get("port"))) or ""
            if needed and not host["hostKey"] and isinstance(host.get("address"), str):
                missing.append(name)
        bastion = ssh.get("bastion")
        if isinstance(bastion, dict) and not bastion.get("hostKey"):
            address = bastion.get("address")
            key = known.find(*_names(address, None, bastion.get("port")))
            host["ssh"] = {**ssh, "bastion": {**bastion, "hostKey": key}}
            if needed and key is None and isinstance(address, str):
                text = f"no host key for {address} in {file}. Fix: sitectl scan {address}"
                yield Problem(("hosts", name, "ssh", "bastion"), text)
    yield from _doubles(hosts, known.shared) if wanted else ()
    if missing:
        nodes = str(NodeSet.fromlist(missing, resolver=RESOLVER_NOGROUP))
        yield Problem(("hosts",), f"no host key for {nodes} in {file}. Fix: sitectl scan {shlex.quote(nodes)}")


def _doubles(hosts: dict[str, Any], shared: set[str]) -> Iterator[Problem]:
    """Two machines with one host key: one could pose as the other. A machine may have two ports, and two names then."""
    first: dict[str, tuple[str, object]] = {}
    for name, host in hosts.items():
        key = " ".join(str(host.get("hostKey") or "").split()[:2]) if isinstance(host, dict) else ""
        if not key or key in shared or host.get("state") == "gone":
            continue
        other, address = first.setdefault(key, (name, host.get("address")))
        if other != name and address != host.get("address"):
            text = f"has the host key of {other}: a copied disk, or one machine twice. Make keys of its own there"
            fix = f"rm /etc/ssh/ssh_host_* && ssh-keygen -A, restart sshd. Then: sitectl scan --replace {name}"
            yield Problem(("hosts", name), f"{text}: {fix}")


def _names(address: object, name: str | None, port: object) -> Iterator[str]:
    """The names under which the file can list a host, the address first."""
    for known in (address, name):
        if isinstance(known, str):
            yield f"[{known}]:{port}" if isinstance(port, int) and port != 22 else known
