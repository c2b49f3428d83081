"""The library's way to a host whose disk does not take it: the reason is the host's, and the fix is for that reason."""

import asyncssh
import pytest

from components.hostrun import bring
from tests.unit.sshd import failure, server, target


@pytest.mark.parametrize(
    ("why", "fix"),
    [
        ("No space left on device", "make room there (df -h and df -i of /run, /tmp and / say where)."),
        ("Read-only file system", "mount it writable there (dmesg may say why it is not)."),
        (
            "Input/output error",
            "its disk fails (dmesg and smartctl -a say more): replace it, then set the host up anew.",
        ),
        ("Operation not permitted", "see that root may write there."),
    ],
)
def test_a_host_that_cannot_take_the_library_says_why(why: str, fix: str) -> None:
    async def refuse(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        await process.stdin.read()
        process.stderr.write(f"sh: 1: cannot create /run/gpu-metal/library.tar.gz.new: {why}\n".encode())
        process.exit(2)

    async def work() -> None:
        async with server(refuse) as port:
            await bring.bring(target(port))

    error = failure(work())
    assert error.check_id == "connection"
    assert f"{bring.STAGED} cannot be written: sh: 1: " in error.message
    assert error.message.endswith(f"{why}. Fix: {fix}")
