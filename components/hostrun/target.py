"""How SSH reaches a host, and the errors when it does not. Nothing here connects to a host."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from components.hostrun.step import RUNNER

CheckId = Literal["address", "connection", "host-key", "login", "sudo", "timeout", "time", "reboot", "runner"]


@dataclass(frozen=True)
class Target:
    """How SSH reaches a host. Without a key and a password, the keys of the ssh-agent are used.

    `host_key` is one `type base64` line: the only key that is accepted.
    """

    name: str
    address: str
    port: int
    user: str
    host_key: str
    private_key: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sudo: bool = True
    bastion: "Target | None" = None

    @property
    def where(self) -> str:
        """`address:port`, and the bastion if there is one."""
        return f"{self.address}:{self.port}" + (f" (through {self.bastion.address})" if self.bastion else "")

    @property
    def way(self) -> "Target":
        """The target without the hosts' names, so that two hosts behind one bastion share the line to it."""
        return replace(self, name="", bastion=self.bastion and self.bastion.way)


def of_state(name: str, connection: Mapping[str, Any], *, sudo: bool) -> Target:
    """A host by the connection that the state has of it: the plugin's inputs, in clear."""
    proxy = connection.get("proxy")
    return Target(
        name=name,
        address=str(connection["host"]),
        port=int(connection.get("port") or 22),
        user=str(connection.get("user") or "root"),
        host_key=str(connection.get("hostKey") or ""),
        private_key=connection.get("privateKey"),
        password=connection.get("password"),
        sudo=sudo,
        bastion=of_state(f"{name}'s bastion", proxy, sudo=False) if proxy else None,
    )


class SshError(Exception):
    """A host could not be asked. str() is `host [check-id] what is untrue. Fix: …`, without any secret."""

    def __init__(self, host: str, check_id: CheckId, message: str) -> None:
        super().__init__(host, check_id, message)
        self.host = host
        self.check_id: CheckId = check_id
        self.message = message

    def __str__(self) -> str:
        return f"{self.host} [{self.check_id}] {self.message}"


def no_answer(target: Target, limit: float) -> SshError:
    """No TCP connection in time."""
    return unreachable(target, f"no answer within {round(limit, 1):g} s")


def no_greeting(target: Target, limit: float) -> SshError:
    """TCP connects, but the host sends nothing: a frozen host does this."""
    text = f"{target.where} takes the connection but sent no SSH greeting within {round(limit, 1):g} s: it hangs."
    return SshError(target.name, "connection", f"{text} Fix: {_gone(target)}.")


def slow_login(target: Target, limit: float) -> SshError:
    """The other side speaks SSH, but the login did not end in time."""
    text = f"{target.where} greeted, but the login of {target.user} did not end within {round(limit, 1):g} s."
    return SshError(target.name, "timeout", f"{text} Fix: {_gone(target)}.")


def _gone(target: Target) -> str:
    return f"look at its console; a host that is gone for good: hosts.{target.name}.state: gone"


def refused(target: Target) -> SshError:
    """TCP reset: nothing listens on the port."""
    fix = f"start sshd there, or correct hosts.{target.name}.ssh.port"
    return SshError(target.name, "address", f"{target.where} refuses connections. Fix: {fix}.")


def unreachable(target: Target, reason: str) -> SshError:
    """No TCP connection: switched off, no route, no such name. One wording, whichever of them the network reports."""
    fix = f"power, cable or hosts.{target.name}.address; then {_gone(target)}"
    return SshError(target.name, "address", f"{target.where} cannot be reached: {reason}. Fix: {fix}.")


def closed(target: Target, reason: str, *, greeted: bool) -> SshError:
    """The other side ended the connection before a login."""
    when = "after its greeting" if greeted else "before any SSH greeting"
    fix = f"check hosts.{target.name}.ssh.port, that sshd listens there, its MaxStartups and its log"
    return SshError(target.name, "connection", f"{target.where} closed {when}: {reason}. Fix: {fix}.")


def wrong_key(target: Target, shown: str, known: str) -> SshError:
    """Another host key than the pinned one; both as `type SHA256:…`."""
    fix = f"a new disk? Compare at its console, then: sitectl scan {target.name} --replace"
    return SshError(target.name, "host-key", f"shows {shown}, known is {known}. Nothing was sent. Fix: {fix}.")


def no_common_algorithm(target: Target, reason: str) -> SshError:
    """No common algorithm; mostly, the host has no key of the pinned type."""
    kind = target.host_key.split()[0]
    fix = f"sitectl scan {target.name} --replace shows the keys that it has"
    text = f"{target.where} and this program agree on no key exchange with its {kind} host key: {reason}."
    return SshError(target.name, "host-key", f"{text} Nothing was sent. Fix: {fix}.")


def bad_known_key(target: Target) -> SshError:
    """The configured host key is malformed."""
    text = (
        f"the known host key is not a line 'type base64'. Nothing was sent. Fix: sitectl scan {target.name} --replace."
    )
    return SshError(target.name, "host-key", text)


TOO_MANY = "Too many authentication failures"
"""OpenSSH's message when MaxAuthTries ends a login: an agent's keys are tried one by one."""


_LOG = "or see journalctl -u ssh -u sshd there, which says why: modes of its home, its shell, DenyUsers"
"""What a client is never told."""


def no_login(target: Target, reason: str) -> SshError:
    """The host refused the key or password, or cut the login off after too many keys."""
    if TOO_MANY in reason:
        text = f"{target.user} was cut off: more keys in the ssh-agent than sshd's MaxAuthTries allows."
        return SshError(target.name, "login", f"{text} Fix: set ssh.keyFile, or keep only the right key in the agent.")
    if target.private_key is not None:
        what, fix = "with the given key", f"put its public half into ~{target.user}/.ssh/authorized_keys there, {_LOG}"
    elif target.password is not None:
        what, fix = "with the given password", "set the right one in passwordSecret, or allow it in sshd_config"
    else:
        what, fix = "with any key of the ssh-agent", "ssh-add the right key, or set ssh.keyFile"
    return SshError(target.name, "login", f"{target.user} may not log in {what}. Fix: {fix}; or correct ssh.user.")


def turned_away(target: Target, reason: str, said: str) -> SshError:
    """The host ended the connection at the login, for another reason than the key: PAM's account rules, mostly.

    `said` is what the host told people; empty for nothing.
    """
    text = f"{target.where} ended the login of {target.user}: " + (f'"{said[:300]}"' if said else reason)
    if any(words in said for words in _NOBODY):
        fix = "wait until it has booted or its shutdown has ended, then again; if it stays so: at its console, as root"
        return SshError(target.name, "login", f"{text} Fix: {fix}: rm -f /run/nologin /etc/nologin.")
    fix = "at its console, as root: journalctl -u ssh -u sshd has the reason; an expired account"
    rules = f"{fix} (chage -l {target.user}), /etc/nologin and /etc/security/access.conf close it so"
    return SshError(target.name, "login", f"{text}. Fix: {rules}.")


_NOBODY = ("booting up", "going down", "not permitted to log in")
"""systemd's text in /run/nologin, while a host boots or shuts down."""


HAS_RUNNER = f"test -x {RUNNER} || if test -e {RUNNER}; then echo barred; else echo bare; fi"
"""A shell's question: says nothing where the runner can be run."""


def no_runner(target: Target, answers: Collection[str]) -> SshError | None:
    """The program that applies and undoes is gone or cannot be run, though the layers of the host stand on it.

    None when HAS_RUNNER has no such answer.
    """
    if "bare" in answers:
        text = f"{RUNNER} is gone from there: somebody deleted it, or this is another disk."
        return SshError(target.name, "runner", f"{text} Fix: sitectl drift --record, then pulumi up.")
    return barred(target.name) if "barred" in answers else None


def barred(host: str) -> SshError:
    """The runner is there, and the system does not run it."""
    text = f"{RUNNER} may not be run there: findmnt -T {HOME} shows noexec, or somebody took its mode away."
    fix = f"mount -o remount,exec that file system, in /etc/fstab, too; or chmod 0700 {HOME}/runner/*/runner.sh"
    return SshError(host, "runner", f"{text} Fix: {fix}.")


HOME = "/var/lib/gpu-metal"
"""Where a host keeps what was applied, and the runner."""


def no_agent(target: Target) -> SshError:
    """No key is set, and no ssh-agent answers."""
    text = "no key is set for it and no ssh-agent answers. Fix: start one and ssh-add your key, or set ssh.keyFile."
    return SshError(target.name, "login", text)


def empty_agent(target: Target) -> SshError:
    """No key is set, and the ssh-agent has none."""
    return SshError(target.name, "login", "the ssh-agent holds no key. Fix: ssh-add FILE, or set ssh.keyFile.")


def bad_private_key(target: Target, *, locked: bool) -> SshError:
    """The given key cannot be used."""
    if locked:
        why, fix = "is locked by a passphrase", "add it to your ssh-agent and leave keyFile and keySecret out"
    else:
        why, fix = "is not a private key in OpenSSH or PEM form", "check ssh.keyFile or ssh.keySecret"
    return SshError(target.name, "login", f"the given key {why}. Nothing was sent. Fix: {fix}.")


def bad_shell(target: Target, command: str, status: int, said: str) -> SshError:
    """The login succeeds, but even a simple command fails."""
    if "assword has expired" in said or "assword change required" in said:
        fix = f"as root there: chage -d {date.today():%F} -M -1 {target.user}"
        return SshError(
            target.name, "login", f"the password of {target.user} has expired, which ends each login. Fix: {fix}."
        )
    text = (
        f"{target.user} logs in, but '{_short(command)}' ends with {status}: {said[:200].rstrip('.') or 'no output'}."
    )
    return SshError(target.name, "login", f"{text} Fix: give {target.user} an ordinary shell there.")


def noisy_shell(host: str, said: str) -> SshError:
    """The login's shell prints something before each command, which spoils the answers of programs."""
    text = f'the shell of the user that logs in prints "{said.strip()[:200]}" before the answer of each command.'
    fix = "there, put `[ -t 1 ] &&` before it in that user's ~/.bashrc; or it is ForceCommand in sshd_config"
    return SshError(host, "login", f"{text} Fix: {fix}.")


def too_long(target: Target, command: str, deadline: float) -> SshError:
    """The command did not end in time."""
    text = f"no end within {deadline:.3g} s: {_short(command)}. It may still run there."
    return SshError(target.name, "timeout", f"{text} Fix: look at the host's load, or allow more time.")


def lost(target: Target, command: str, seconds: float) -> SshError:
    """The connection ended before the command."""
    text = f"lost after {seconds:.0f} s, in: {_short(command)}. It may still run there."
    return SshError(target.name, "connection", f"{text} Fix: look at the host, then repeat.")


def no_session(target: Target, reason: str) -> SshError:
    """Logged in, but no command may be run."""
    text = f"{target.user} logs in, but sshd opens no session: {reason}. Fix: raise MaxSessions in its sshd_config."
    return SshError(target.name, "login", text)


def not_back(target: Target, limit: float, seen: str) -> SshError:
    """A restart of ours that did not end."""
    text = f"did not come back within {limit:.0f} s after its reboot: {seen.partition(' Fix: ')[0].rstrip('.')}."
    return SshError(target.name, "reboot", f"{text} Fix: look at its console; then pulumi up goes on.")


def not_gone(target: Target, limit: float) -> SshError:
    """A restart of ours that did not begin."""
    text = f"was told to reboot and still runs after {limit:.0f} s."
    return SshError(
        target.name, "reboot", f"{text} Fix: there: systemctl list-jobs; reboot it; then pulumi up goes on."
    )


def cannot_leave(error: SshError, name: str) -> SshError:
    """An error before something is undone on a host, with the way to forget a host that is gone for good."""
    seen, _, fix = error.message.rstrip(".").partition(" Fix: ")
    if error.check_id in {"address", "connection", "timeout"}:
        fix = "bring it back, then repeat this run"
    way = f"give it the row hosts.{name} with state: gone, run pulumi up, then delete the row"
    text = f"{seen} Nothing was undone there. Fix: {fix}; a host that is gone for good: {way}."
    return SshError(name, error.check_id, text)


def on_the_way(target: Target, error: SshError) -> SshError:
    """An error of the host's bastion, reported as the host's own."""
    return SshError(target.name, error.check_id, f"{error.host}: {error.message}")


def _short(command: str) -> str:
    """The first line, cut: enough to know it by."""
    first = command.partition("\n")[0].rstrip(" \\")
    return first if len(first) <= 80 else first[:79] + "…"
