"""The SSH client against real servers on 127.0.0.1: what is untrue is named, in time, and without a secret.

Does not prove: anything about OpenSSH's own server or a real sudo; the lab's tests do.
"""

from typing import Any

import asyncssh
import pytest

from components.hostrun import session, ssh
from components.hostrun.ssh import Result
from tests.unit.sshd import OTHER_KEY, PASSWORD, ask, closed_port, failure, go, line, server, target


def test_result_has_status_streams_and_stdin() -> None:
    async def work() -> Result:
        async with server() as port:
            return await ssh.run(target(port), "cat", stdin=b"payload", root=False)

    assert go(work()) == Result(3, "cat|payload", "said\n")


@pytest.mark.parametrize(
    ("changes", "command"),
    [({}, "sudo -n true|"), ({"sudo": False}, "true|"), ({"user": "root"}, "true|")],
)
def test_sudo_only_where_it_is_needed(changes: dict[str, Any], command: str) -> None:
    assert go(ask(**changes)).stdout == command


def test_password_logs_in() -> None:
    assert go(ask(private_key=None, password=PASSWORD)).status == 3


def test_a_signal_is_a_status() -> None:
    async def killed(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.exit_with_signal("KILL")

    assert go(ask(killed)).status == 137


def test_output_is_capped_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def flood(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.stdout.write(b"x" * 5000)
        process.exit(0)

    monkeypatch.setattr(session, "OUTPUT_LIMIT", 1000)
    assert go(ask(flood)).stdout == "x" * 1000 + "\n… 4000 more bytes were dropped\n"


def test_a_command_that_reads_no_stdin_still_has_its_status() -> None:
    async def deaf(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.exit(7)

    async def work() -> Result:
        async with server(deaf) as port:
            return await ssh.run(target(port), "true", stdin=b"x" * (4 << 20))

    assert go(work()).status == 7


def test_through_a_bastion() -> None:
    async def work() -> Result:
        async with server() as inner, server(key=OTHER_KEY) as outer:
            bastion = target(outer, name="jump", host_key=line(OTHER_KEY))
            return await ssh.run(target(inner, bastion=bastion), "true")

    assert go(work()).stdout == "sudo -n true|"


def test_an_error_of_the_bastion_names_the_bastion() -> None:
    async def work() -> Result:
        async with server() as inner, server(key=OTHER_KEY) as outer:
            return await ssh.run(target(inner, bastion=target(outer, name="jump")), "true")

    error = failure(work())
    assert (error.host, error.check_id) == ("jump", "host-key")


def test_a_host_that_the_bastion_cannot_reach() -> None:
    async def work() -> Result:
        async with server() as outer:
            return await ssh.run(target(closed_port(), bastion=target(outer, name="jump")), "true")

    error = failure(work())
    assert (error.host, error.check_id) == ("gpu-1", "address")
    assert "through 127.0.0.1" in error.message
