"""CopyToRemote over SFTP: truncate and write in place, server's default mode, nothing deleted, nothing unpacked."""

import posixpath
from pathlib import Path

from components.hostrun.sshlib import asyncssh
from lab.plugins.serve import PluginError
from lab.plugins.values import Asset


async def copy(connection: asyncssh.SSHClientConnection, source: Asset, remote: str) -> None:
    """Put a file, a text or a folder at `remote`; its parents are made. Raises PluginError."""
    try:
        async with connection.start_sftp_client() as sftp:
            await sftp.makedirs(posixpath.dirname(remote) or ".", exist_ok=True)
            if "text" in source.fields:
                await _text(sftp, source.fields["text"], remote)
            else:
                await _path(sftp, source.fields["path"], remote)
    except asyncssh.Error as error:
        raise PluginError(f"failed to copy to remote path {remote}: {error.reason}") from None
    except OSError as error:
        raise PluginError(f"failed to copy to remote path {remote}: {error}") from None


async def _text(sftp: asyncssh.SFTPClient, text: str, remote: str) -> None:
    if await sftp.isdir(remote):
        raise PluginError(
            f"remote path {remote} is a directory; when using a text asset, remotePath must be a file path"
        )
    async with sftp.open(remote, "wb") as file:
        await file.write(text.encode())


async def _path(sftp: asyncssh.SFTPClient, source: str, remote: str) -> None:
    """A file goes into an existing folder under its own name. A folder too, unless its path ends with a slash."""
    local = Path(source)
    if local.is_dir():
        await _folder(sftp, local, remote if source.endswith("/") else posixpath.join(remote, local.name))
    else:
        await _file(sftp, local, posixpath.join(remote, local.name) if await sftp.isdir(remote) else remote)


async def _folder(sftp: asyncssh.SFTPClient, local: Path, remote: str) -> None:
    if await sftp.exists(remote) and not await sftp.isdir(remote):
        raise PluginError(f"remote path {remote} exists but is not a directory")
    await sftp.makedirs(remote, exist_ok=True)
    for entry in sorted(local.iterdir()):
        target = posixpath.join(remote, entry.name)
        await (_folder if entry.is_dir() else _file)(sftp, entry, target)


async def _file(sftp: asyncssh.SFTPClient, local: Path, remote: str) -> None:
    with local.open("rb") as source:
        async with sftp.open(remote, "wb") as target:
            while block := source.read(1 << 18):
                await target.write(block)
