"""Sends a vendor's archive from the operator's machine to its host, piece by piece: a transfer that was cut goes on.

Rows: R2.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from components.delivery.config import Delivery
from components.hostrun.target import Target

SCRIPT = Path(__file__).with_name("send.sh")
PIECE = 32 << 20
"""Bytes of one command."""
DEADLINE = 900.0
"""Seconds for one piece."""
_RECORDS = "/var/lib/gpu-metal/deliveries"
_APPEND = 'bash -c \'cat >>"$0" && stat -c %s -- "$0"\''


class SendError(Exception):
    """The archive did not get there. str() is `host [package] …`, with what to do."""


async def send(delivery: Delivery, name: str, targets: Mapping[str, Target]) -> None:
    """Before the layer that unpacks it: brings what the host lacks of the archive. `name` is the part's.

    Raises SendError, or SshError when the host does not answer.
    """
    local = delivery.local
    assert local is not None  # noqa: S101 - only such deliveries have this hook
    target = targets[delivery.host]
    words = (delivery.archive, delivery.place(name), f"{_RECORDS}/{name}/unpacked", delivery.sha256)
    seen = await _run(target, f"bash -s -- {' '.join(map(quote, words))}", SCRIPT.read_bytes())
    if seen == "all":
        return
    size, digest = await asyncio.to_thread(_measured, local, target.name)
    if digest != delivery.sha256:
        text = f"{local} has SHA-256 {digest}, wants {delivery.sha256}. Nothing was sent. Fix: get the vendor's file"
        raise SendError(f"{target.name} [package] {text} again, or correct package.sha256")
    part, sent = f"{delivery.archive}.part", int(seen)
    with local.open("rb") as file:
        while sent < size:
            file.seek(sent)
            piece = await asyncio.to_thread(file.read, PIECE)
            there = await _run(target, f"{_APPEND} {quote(part)}", piece)
            if int(there) != (sent := sent + len(piece)):
                await _run(target, f"rm -f -- {quote(part)}")
                text = f"has {there} bytes of {local} instead of {sent}: another run sends it, too"
                raise SendError(f"{target.name} [package] {text}. Fix: pulumi up again, which begins anew")
    await _run(target, f"mv -f -- {quote(part)} {quote(delivery.archive)}")


def _measured(path: Path, host: str) -> tuple[int, str]:
    """Its bytes and SHA-256."""
    try:
        with path.open("rb") as file:
            return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}. Nothing was sent. Fix: correct package.local"
        raise SendError(f"{host} [package] {text}") from None


async def _run(target: Target, command: str, stdin: bytes = b"") -> str:
    # asyncssh takes half a second, and a plan sends nothing.
    from components.hostrun import ssh  # noqa: PLC0415

    done = await ssh.run(target, command, stdin=stdin, deadline=DEADLINE)
    if done.status:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.status}"])[-1]
        text = f"the vendor's archive cannot be put there: {last[:300]}. Fix: make room there, or choose another"
        raise SendError(f"{target.name} [package] {text} package.folder; then pulumi up, which goes on")
    return done.stdout.strip()
