"""SSH servers of simulated hosts in one process: `python -m bench.sshd PID KEYS`, `NAME@ADDRESS …` as a line on stdin.

A command of a host runs as root in the namespaces of process PID, in a mount and a UTS namespace of its own, where the
records and the lock of the runner are that host's. KEYS is a folder: the servers' keys go there, by the host's name,
and `authorized`, the key that may log in, is there. Prints `ready` when all listen, and ends when its stdin is closed.
"""

import asyncio
import functools
import sys
from pathlib import Path

import asyncssh

PORT = 22
FOLDER = "/srv/simulated"
"""On the host that all commands run on: what each simulated host has of its own."""
ENTER = """\
if [ ! -d $1/etc ]; then
    mkdir -p $1/home $1/run /var/lib/gpu-metal /run/gpu-metal
    cp -a /etc $1/etc.new
    printf %s "$2" | md5sum | cut -d' ' -f1 >$1/etc.new/machine-id
    mv $1/etc.new $1/etc
fi
mount --bind $1/etc /etc
mount --bind $1/home /var/lib/gpu-metal
mount --bind $1/run /run/gpu-metal
hostname $2
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root SHELL=/bin/bash bash -c "$3"
"""


async def main() -> None:
    """Serves until stdin ends."""
    pid, keys = sys.argv[1], Path(sys.argv[2])
    lines = await asyncio.to_thread(sys.stdin.readline)
    hosts = [each.split("@") for each in lines.split()]
    for name, address in hosts:
        await asyncssh.listen(
            address,
            PORT,
            server_host_keys=[str(keys / name)],
            authorized_client_keys=str(keys / "authorized"),
            process_factory=functools.partial(command, pid, name),
            encoding=None,
            backlog=1000,
        )
    print("ready", flush=True)  # noqa: T201 - its answer
    await asyncio.to_thread(sys.stdin.read)


async def command(pid: str, name: str, process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Runs one command to its end."""
    words = ["nsenter", "-t", pid, "-a", "--", "unshare", "-m", "-u", "sh", "-euc", ENTER, "sh"]
    run = await asyncio.create_subprocess_exec(
        *words, f"{FOLDER}/{name}", name, process.command or "true",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await run.communicate(await process.stdin.read())
    process.stdout.write(out)
    process.stderr.write(error)
    process.exit(run.returncode or 0)


if __name__ == "__main__":
    asyncio.run(main())
