"""One login for all commands on a host: shared, tested before use, renewed when broken, closed with the loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import asyncssh
import pytest

from components.hostrun import line, ssh
from components.hostrun.fleet import Fleet
from components.hostrun.ssh import SshError
from tests.unit import sshd
from tests.unit.sshd import OTHER_KEY, Server, closed_port, echo, failure, go, server, target


def test_all_that_is_asked_one_after_the_other_and_at_once_is_one_login() -> None:
    met: list[Server] = []

    async def work() -> None:
        async with server(met=met) as port:
            asked = [ssh.run(target(port), f"echo {n}") for n in range(20)]
            answers = await asyncio.gather(*asked)
            assert [answer.stdout for answer in answers] == [f"sudo -n echo {n}|" for n in range(20)]
            assert (await ssh.run(target(port), "true", root=False)).stdout == "true|"

    go(work())
    assert len(met) == 1


def test_another_login_is_another_line() -> None:
    met: list[Server] = []

    async def work() -> None:
        async with server(met=met) as port:
            await ssh.run(target(port), "true")
            await ssh.run(target(port, private_key=None, password=sshd.PASSWORD), "true")

    go(work())
    assert len(met) == 2


def test_hosts_behind_a_bastion_share_the_way_there() -> None:
    met: list[Server] = []

    async def work() -> None:
        async with server() as one, server() as two, server(key=OTHER_KEY, met=met) as outer:
            bastion = target(outer, name="one's bastion", host_key=sshd.line(OTHER_KEY))
            await asyncio.gather(
                ssh.run(target(one, bastion=bastion), "true"),
                ssh.run(target(two, bastion=replace(bastion, name="two's bastion")), "true"),
            )

    go(work())
    assert len(met) == 1


def test_a_login_that_fails_fails_for_each_who_waits_by_its_own_name() -> None:
    async def work() -> dict[str, object]:
        bastion = target(closed_port())
        hosts = {n: target(22, name=n, bastion=replace(bastion, name=f"{n}'s bastion")) for n in ("gpu-1", "gpu-2")}
        return dict(await Fleet(hosts).each(lambda host: ssh.run(host, "true")))

    said = go(work())
    for name, error in said.items():
        assert isinstance(error, SshError)
        assert (error.host, error.check_id) == (name, "address")
        assert error.message.startswith(f"{name}'s bastion: 127.0.0.1:")
        assert "refuses connections" in error.message


def test_a_line_that_broke_is_made_anew() -> None:
    met: list[Server] = []

    async def work() -> str:
        async with server(met=met) as port:
            await ssh.run(target(port), "true")
            met[0].connection.abort()
            await met[0].connection.wait_closed()
            await asyncio.sleep(0.01)
            return (await ssh.run(target(port), "uptime")).stdout

    assert go(work()) == "sudo -n uptime|"
    assert len(met) == 2


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A cable to a server; while the event is clear nothing comes through, as from a host that is frozen."""
    flows = asyncio.Event()
    flows.set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while text := await reader.read(1 << 16):
            await flows.wait()
            writer.write(text)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(pump(reader, to), pump(there, writer))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1], flows
    listener.close()


def test_a_host_that_froze_behind_its_line_is_told_by_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "QUIET", 0.0)
    monkeypatch.setattr(line, "TRIAL", 0.2)

    async def work() -> None:
        async with server() as port, relay(port) as (cable, flows):
            await ssh.run(target(cable), "true")
            flows.clear()
            await ssh.probe(target(cable), deadline=4)

    error = failure(work())
    assert error.check_id == "connection"
    assert "sent no SSH greeting within " in error.message


def test_a_quiet_line_that_is_well_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "QUIET", 0.0)
    met: list[Server] = []
    asked: list[str | None] = []

    async def handler(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        asked.append(process.command)
        await echo(process)

    async def work() -> None:
        async with server(handler, met=met) as port:
            await ssh.run(target(port), "first", root=False)
            await ssh.run(target(port), "second", root=False)

    go(work())
    assert (len(met), asked) == (1, ["first", "true", "second"])


def narrow(monkeypatch: pytest.MonkeyPatch, sessions: int) -> None:
    """Servers with a MaxSessions, as sshd refuses what is over it."""
    opened = asyncssh.SSHServerChannel.process_open
    taken: list[asyncssh.SSHServerChannel[bytes]] = []

    def refuse(channel: "asyncssh.SSHServerChannel[bytes]", *given: Any) -> None:
        if sum(not each.is_closing() for each in taken) >= sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        taken.append(channel)
        opened(channel, *given)

    monkeypatch.setattr(asyncssh.SSHServerChannel, "process_open", refuse)


def test_what_is_over_the_servers_max_sessions_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch, 2)

    async def slow(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        await asyncio.sleep(0.05)
        await echo(process)

    async def work() -> list[str]:
        async with server(slow) as port:
            return [r.stdout for r in await asyncio.gather(*(ssh.run(target(port), "true") for _ in range(5)))]

    assert go(work()) == ["sudo -n true|"] * 5


def test_a_server_that_opens_no_session_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch, 0)
    error = failure(sshd.ask())
    assert error.check_id == "login"
    assert error.message.endswith("sshd opens no session: open failed. Fix: raise MaxSessions in its sshd_config.")


def test_a_command_that_is_given_up_leaves_the_line_to_the_others() -> None:
    met: list[Server] = []

    async def hang(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        if process.command == "hang":
            await asyncio.Event().wait()
        await echo(process)

    async def work() -> str:
        async with server(hang, met=met) as port:
            await ssh.run(target(port), "true", root=False)  # else the deadline may pass before anyone is logged in
            with pytest.raises(SshError):
                await ssh.run(target(port), "hang", root=False, deadline=0.3)
            return (await ssh.run(target(port), "true", root=False)).stdout

    assert go(work()) == "true|"
    assert len(met) == 1


def test_the_lines_end_with_the_event_loop() -> None:
    used = []

    async def work() -> None:
        async with server() as port:
            used.append(await line.line(target(port), 5))
            assert not used[0].lost

    go(work())
    assert used[0].lost
