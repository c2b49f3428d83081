"""A TCP connection through a host, and an API that is reached only so.

Does not prove: OpenSSH's own limits on forwarding; the lab's story goes through real control planes.
"""

import asyncio
import threading
from pathlib import Path

import asyncssh
import pytest

from components.hostrun.stream import NoStreamError, stream
from components.rest.error import DarkError, UnsureError
from components.rest.http import Call
from components.rest.retry import Patience, ask
from tests.unit.https import https
from tests.unit.sshd import Server, closed_port, go, server, target

LARGE = "x" * 1_000_000


def test_an_api_is_reached_through_the_first_plane_that_answers(tmp_path: Path) -> None:
    async def work() -> None:
        with https(lambda asked: (200, {"seen": len(asked.body), "more": LARGE}), tmp_path) as api:
            async with server() as port:
                planes = (target(closed_port(), name="cp-1"), target(port, name="cp-2"))
                reached = api.access(planes=planes)
                call = Call("PUT", "/a", body=LARGE)
                replies = await asyncio.gather(*(asyncio.to_thread(ask, reached, call, Patience(0)) for _ in range(4)))
                assert [reply.data for reply in replies] == [{"seen": len(LARGE), "more": LARGE}] * 4

    go(work())


def test_without_any_each_ones_reason_is_told() -> None:
    async def work() -> None:
        async with server() as port:
            planes = (target(closed_port(), name="cp-1"), target(port, name="cp-2"))
            dark = closed_port()
            with pytest.raises(NoStreamError) as caught:
                await asyncio.to_thread(stream, planes, "127.0.0.1", dark, 5)
            first, _, second = str(caught.value).partition("; ")
            assert first.startswith("cp-1 [address] 127.0.0.1:")
            assert second.startswith("cp-2: ")
            assert second.endswith(f"(127.0.0.1:{dark})")

    go(work())


def test_a_host_that_is_lost_in_the_middle_of_a_call_is_told(tmp_path: Path) -> None:
    met: list[Server] = []
    begun = threading.Event()

    async def work() -> None:
        def hold(_: object) -> tuple[int, None]:
            begun.set()
            threading.Event().wait(3)
            return 200, None

        with https(hold, tmp_path) as api:
            async with server(met=met) as port:
                reached = api.access(planes=(target(port, name="cp-1"),))
                asked = asyncio.create_task(asyncio.to_thread(ask, reached, Call("POST", "/a"), Patience(0)))
                await asyncio.to_thread(begun.wait, 5)
                met[0].connection.abort()
                with pytest.raises(UnsureError, match="POST /a: the connection ended"):
                    await asked

    go(work())


def test_the_name_is_resolved_on_the_host(tmp_path: Path) -> None:
    """No DNS is needed here: the SSH server is asked for the name as it is."""
    wanted: list[str] = []

    class Asked(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - the interface's
            return False

        def connection_requested(self, dest_host: str, *_: object) -> bool:
            wanted.append(dest_host)
            return False

    async def work() -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        line = " ".join(key.export_public_key().decode().split()[:2])
        async with await asyncssh.create_server(Asked, "127.0.0.1", 0, server_host_keys=[key]) as ssh:
            with https(lambda _: (200, None), tmp_path) as api:
                reached = api.access(planes=(target(ssh.get_port(), host_key=line),), server=None)
                with pytest.raises(
                    DarkError, match=r"api\.site\.example:443 cannot be reached: gpu-1: Connection refused"
                ):
                    await asyncio.to_thread(ask, reached, Call("GET", "/a"), Patience(0))

    go(work())
    assert wanted == ["api.site.example"]
