"""Official downloads: a short timeout, always a checksum, and one clear line when there is no download."""

import hashlib
import platform
import re
import shutil
import socket
import sys
import tarfile
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tools.tool import Tool

PATIENCE = 5
"""Seconds until a site that does not answer counts as unreachable."""

_ARCH = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class NoDownloadError(Exception):
    """There is no official download; the text says why."""


@cache
def unreachable(site: str) -> str:
    """Why `https://host` does not answer; empty when it does. Tried once in a run."""
    try:
        urllib.request.urlopen(urllib.request.Request(site, method="HEAD"), timeout=PATIENCE).close()  # noqa: S310
    except urllib.error.HTTPError:
        return ""
    except OSError as error:
        return f"{urlsplit(site).hostname} cannot be reached ({_reason(error)})"
    return ""


def download(tool: Tool, into: Path) -> None:
    """Puts the official programs into a folder.

    Raises NoDownloadError when the site is not reachable, has no such release, or sends a file with another checksum.
    """
    official = tool.official
    if official is None:
        raise NoDownloadError("there is no official download of this version")
    archive = official.url.endswith((".tgz", ".tar.gz"))
    for binary in ("",) if archive else tool.binaries:
        names = _names(tool, binary)
        url = official.url.format(**names)
        site = "{0.scheme}://{0.netloc}/".format(urlsplit(url))
        if why := unreachable(site):
            raise NoDownloadError(why)
        file = into / (binary or "archive")
        _fetch(url, file)
        _verify(url, file, official.checksums.format(**names))
        if archive:
            _unpack(file, into, tool.binaries + tool.companions)
            file.unlink()
    if missing := [name for name in tool.binaries if not (into / name).exists()]:
        raise NoDownloadError(f"{official.url.format(**_names(tool, ''))} does not hold {', '.join(missing)}")
    for program in into.iterdir():
        program.chmod(0o755)


def architecture() -> str:
    """This machine's, as releases name it: `amd64`, `arm64`."""
    return _ARCH.get(platform.machine(), platform.machine())


def _names(tool: Tool, binary: str) -> dict[str, str]:
    arch = architecture()
    cpu = "x64" if arch == "amd64" else arch
    return {"version": tool.version, "os": sys.platform, "arch": arch, "cpu": cpu, "binary": binary}


def _fetch(url: str, file: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer, file.open("wb") as out:  # noqa: S310
            shutil.copyfileobj(answer, out)
    except OSError as error:
        raise NoDownloadError(f"{url}: {_reason(error)}") from error


def _verify(url: str, file: Path, checksums: str) -> None:
    listed = file.with_name("checksums")
    _fetch(checksums, listed)
    text = listed.read_text()
    listed.unlink()
    lines = [line for line in text.splitlines() if url.rpartition("/")[2] in line] or text.splitlines()[:1]
    wanted = re.search(r"\b[0-9a-f]{64}\b", " ".join(lines))
    with file.open("rb") as content:
        seen = hashlib.file_digest(content, "sha256").hexdigest()
    if not wanted or wanted[0] != seen:
        raise NoDownloadError(f"{url} has SHA-256 {seen}, wanted {wanted[0] if wanted else f'one in {checksums}'}")


def _unpack(archive: Path, into: Path, names: tuple[str, ...]) -> None:
    """Only the programs asked for, by base name: nothing in an archive decides where a file goes."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                content = tar.extractfile(member) if member.isfile() and name in names else None
                if content:
                    with content, (into / name).open("wb") as out:
                        shutil.copyfileobj(content, out)
    except tarfile.TarError as error:
        raise NoDownloadError(f"the archive is broken ({error})") from error


def _reason(error: OSError) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer in {PATIENCE} s"
    if isinstance(cause, socket.gaierror):
        return "its name is not known here"
    return str(cause)
