"""Copies the library to a host over our own SSH connection, so that copying needs no Pulumi resource of its own."""

from components.hostrun import library, ssh
from components.hostrun.said import disk_fix
from components.hostrun.target import SshError, Target

STAGED = "/run/gpu-metal/library.tar.gz"
"""The archive on the host, readable by root only, until install.sh has hashed and unpacked it."""
DEADLINE = 120.0
"""Seconds for one host."""

_COMMAND = f"sh -c 'umask 077 && mkdir -p ${{0%/*}} && cat >$0.new && mv -f $0.new $0' {STAGED}"


async def bring(target: Target) -> None:
    """Copies the archive to the host. Raises SshError."""
    done = await ssh.run(target, _COMMAND, stdin=library.archive(), deadline=DEADLINE)
    if done.status:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.status}"])[-1]
        fix = disk_fix(last) or "see that root may write there"
        raise SshError(target.name, "connection", f"{STAGED} cannot be written: {last[:300]}. Fix: {fix}.")
