"""What the SSH client says when a host cannot be asked: which thing is untrue, in time, and without a secret.

Does not prove: anything about OpenSSH's own server or a real sudo; the lab's tests do.
"""

import asyncio
import re
import socket
from typing import Any

import asyncssh
import pytest

from components.hostrun import ssh
from tests.unit import sshd
from tests.unit.sshd import (
    ECDSA_KEY,
    HOST_KEY,
    OTHER_KEY,
    PASSWORD,
    USER_KEY,
    ask,
    closed_port,
    failure,
    go,
    server,
    sudo_says,
    target,
)


def test_refused() -> None:
    port = closed_port()
    error = failure(ssh.run(target(port), "true"))
    assert str(error) == (
        f"gpu-1 [address] 127.0.0.1:{port} refuses connections. Fix: start sshd there, or correct hosts.gpu-1.ssh.port."
    )


def test_a_name_that_does_not_resolve() -> None:
    error = failure(ssh.run(target(22, address="no-such-host.invalid"), "true"))
    assert error.check_id == "address"
    assert "cannot be reached" in error.message


def test_no_answer_to_tcp_at_all() -> None:
    """A full backlog drops SYNs, as a dark host does."""

    async def work() -> None:
        with (
            socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
            socket.create_connection(listener.getsockname()),
        ):
            await ssh.probe(target(listener.getsockname()[1]), deadline=3)

    error = failure(work())
    assert error.check_id == "address"
    assert "cannot be reached: no answer within " in error.message


def test_a_silent_host_is_given_up_by_the_deadline() -> None:
    """A frozen host: the kernel takes the connection, nothing is ever said."""

    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await ssh.probe(target(listener.getsockname()[1]), deadline=3)

    error = failure(work())
    assert error.check_id == "connection"
    assert "sent no SSH greeting within " in error.message
    assert "hosts.gpu-1.state: gone" in error.message


async def after_greeting(text: bytes, *, close: bool) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        if close:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        await ssh.probe(target(listener.sockets[0].getsockname()[1]), deadline=3)


@pytest.mark.parametrize(
    ("text", "close", "check", "words"),
    [
        (b"SSH-2.0-frozen\r\n", False, "timeout", "the login of deploy did not end within "),
        (b"SSH-2.0-gone\r\n", True, "connection", "closed after its greeting"),
        (b"", True, "connection", "closed before any SSH greeting"),
    ],
)
def test_a_server_that_stops_half_way(text: bytes, close: bool, check: str, words: str) -> None:
    error = failure(after_greeting(text, close=close))
    assert error.check_id == check
    assert words in error.message


class Doorman(sshd.Server):
    """Ends the connection at the login, as sshd does when PAM's account rules refuse a user whose key is right."""

    says = ""

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002
        if self.says:
            self.connection.send_auth_banner(self.says)
        self.connection.abort()
        return True


@pytest.mark.parametrize(
    ("says", "text", "fix"),
    [
        (
            "System is booting up. Unprivileged users are not permitted to log in yet.\nSee pam_nologin(8).\n",
            ': "System is booting up. Unprivileged users are not permitted to log in yet. See pam_nologin(8)." Fix: ',
            "wait until it has booted or its shutdown has ended, then again; if it stays so: at its console, as root: "
            "rm -f /run/nologin /etc/nologin.",
        ),
        ("", ": Connection lost. Fix: ", "at its console, as root: journalctl -u ssh -u sshd has the reason; "),
    ],
)
def test_a_host_that_ends_the_login_itself_does_not_blame_key_or_port(
    monkeypatch: pytest.MonkeyPatch, says: str, text: str, fix: str
) -> None:
    monkeypatch.setattr(sshd, "Server", Doorman)
    monkeypatch.setattr(Doorman, "says", says)
    error = failure(ask())
    assert error.check_id == "login"
    assert f" ended the login of deploy{text}{fix}" in error.message
    assert "authorized_keys" not in error.message
    assert "MaxStartups" not in error.message


def test_another_host_key_is_refused_with_both_fingerprints() -> None:
    reached = []

    async def handler(_: object) -> None:
        reached.append(True)

    error = failure(ask(handler, key=OTHER_KEY))
    assert str(error) == (
        f"gpu-1 [host-key] shows ssh-ed25519 {OTHER_KEY.get_fingerprint()}, "
        f"known is ssh-ed25519 {HOST_KEY.get_fingerprint()}. Nothing was sent. "
        "Fix: a new disk? Compare at its console, then: sitectl scan gpu-1 --replace."
    )
    assert not reached


def test_a_host_without_a_key_of_the_pinned_type() -> None:
    error = failure(ask(key=ECDSA_KEY))
    assert error.check_id == "host-key"
    assert "ssh-ed25519 host key" in error.message
    assert "sitectl scan gpu-1 --replace" in error.message


def test_a_known_key_that_is_none() -> None:
    assert failure(ask(host_key="ssh-ed25519 nonsense")).check_id == "host-key"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"private_key": OTHER_KEY.export_private_key().decode()}, "may not log in with the given key"),
        ({"private_key": None, "password": PASSWORD + "x"}, "may not log in with the given password"),
        ({"private_key": "no key at all"}, "is not a private key"),
        (
            {"private_key": USER_KEY.export_private_key("pkcs8-pem", passphrase="p").decode()},
            "is locked by a passphrase",
        ),
    ],
)
def test_login_refused(changes: dict[str, Any], words: str) -> None:
    error = failure(ask(**changes))
    assert error.check_id == "login"
    assert words in error.message


@pytest.mark.parametrize("path", [None, "/nonexistent/agent"])
def test_no_key_and_no_agent(monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    if path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
    error = failure(ask(private_key=None))
    assert (error.check_id, "no ssh-agent answers" in error.message) == ("login", True)


def test_an_agent_with_too_many_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(_: object, username: str) -> bool:
        raise asyncssh.DisconnectError(asyncssh.DISC_PROTOCOL_ERROR, f"Too many authentication failures for {username}")

    monkeypatch.setattr(sshd.Server, "begin_auth", cut, raising=False)
    error = failure(ask())
    assert (error.check_id, "Fix: set ssh.keyFile" in error.message) == ("login", True)


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (1, "sudo: a password is required", "sudo asks deploy for a password. Fix: as root there: echo 'deploy ALL="),
        (1, "sudo: unable to resolve host gpu-1: unknown\nsudo: a password is required", "asks deploy for a password"),
        (
            1,
            "sudo: sorry, you must have a tty to run sudo",
            "(requiretty). Fix: as root there: echo 'Defaults:deploy !",
        ),
        (1, "Sorry, user deploy is not allowed to execute '/bin/true'", "sudo refuses deploy: Sorry, user deploy"),
        (
            1,
            "sudo: /etc/sudoers.d/zz:1:9: syntax error\nsudo: error initializing audit plugin sudoers_audit",
            "[sudo] sudo: /etc/sudoers.d/zz:1:9: syntax error. Fix: as root there: visudo -c; ",
        ),
        (1, "sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set", "needs -rwsr-xr-x root"),
        (
            1,
            "sudo: PAM account management error: Permission denied\nsudo: a password is required",
            '[sudo] PAM refuses sudo to deploy: "PAM account management error: Permission denied". Fix: as root there: '
            "journalctl -t sudo says why: an expired account or password (chage -l deploy), ",
        ),
        # pam_deny in its account lines; and RHEL's words for a password that has expired
        (
            1,
            "sudo: account validation failure, is your account locked?\nsudo: a password is required",
            'PAM refuses sudo to deploy: "account validation failure, is your account locked?". Fix: ',
        ),
        (
            1,
            "sudo: Account or password is expired, reset your password and try again\nsudo: a password is required",
            'refuses sudo to deploy: "Account or password is expired, reset your password and try again". Fix: ',
        ),
        (127, "bash: line 1: sudo: command not found", "has no sudo. Fix: as root there: install the package sudo;"),
    ],
)
def test_sudo_that_refuses_is_no_result(status: int, text: str, words: str) -> None:
    error = failure(ask(lambda process: sudo_says(process, status, text)))
    assert error.check_id == "sudo"
    assert words in str(error)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (2, "sudo: is what this program prints"),
        (1, "sudo: /etc/sudoers.d/zz:1:9: syntax error"),
        (1, "sudo: /usr/local/sbin/gpu-metal: command not found"),
        (1, "sudo: /usr/local/sbin/gpu-metal: command not found"),
        (1, "sudo: unable to resolve host gpu-1: unknown"),
    ],
)
def test_a_command_that_fails_under_sudo_is_a_result(status: int, text: str) -> None:
    assert go(ask(lambda process: sudo_says(process, status, text))).status == status


def test_a_command_past_its_deadline() -> None:
    async def hang(_: "asyncssh.SSHServerProcess[bytes]") -> None:
        await asyncio.Event().wait()

    error = failure(ask(hang, deadline=0.5))
    assert str(error).startswith("gpu-1 [timeout] no end within 0.5 s: true. It may still run there.")


def test_a_connection_lost_in_a_command() -> None:
    async def cut(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.channel.get_connection().abort()

    error = failure(ask(cut))
    assert error.check_id == "connection"
    assert re.match(r"lost after \d+ s, in: true. It may still run there. Fix: ", error.message)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("This account is currently not available.", "ends with 1: This account is currently not available. Fix: give"),
        (
            "WARNING: Your password has expired.\nPassword change required but no TTY available.",
            "the password of deploy has expired, which ends each login. Fix: as root there: chage -d 20",
        ),
    ],
)
def test_probe_says_what_ends_a_login_that_was_let_in(said: str, words: str) -> None:
    async def work() -> None:
        async with server(lambda process: sudo_says(process, 1, said)) as port:
            await ssh.probe(target(port))

    assert words in failure(work()).message


def test_no_secret_in_the_text_of_a_target() -> None:
    shown = repr(target(22, password=PASSWORD))
    assert PASSWORD not in shown
    assert "PRIVATE" not in shown
