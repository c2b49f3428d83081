"""The lab's own key, and the apt repositories that it signs."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.hosts.command import run
from lab.hosts.keys import private
from lab.paths import SIGNING_KEY

FOLDER = SIGNING_KEY.parent
_HOME = FOLDER / "gnupg"
_NEW_KEY = """%no-protection
Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Name-Real: gpu-metal lab
Name-Email: lab@gpu-metal.invalid
Expire-Date: 0
%commit
"""


def make_key() -> None:
    """Makes the signing key, once; its private part never leaves the lab's folder."""
    if SIGNING_KEY.exists():
        return
    _HOME.mkdir(parents=True, exist_ok=True)
    _HOME.chmod(0o700)
    with private(), _Gpg() as gpg:
        gpg("--generate-key", stdin=_NEW_KEY)
        new = SIGNING_KEY.with_suffix(".new")
        new.write_text(gpg("--armor", "--export"))
        new.replace(SIGNING_KEY)


def sign(folder: Path, fields: Mapping[str, str], indexes: Sequence[str]) -> None:
    """Writes Release, Release.gpg and InRelease of a repository whose indexes are in the folder."""
    lines = [f"{name}: {value}" for name, value in {**fields, "Architectures": architecture()}.items()]
    lines += [time.strftime("Date: %a, %d %b %Y %H:%M:%S UTC", time.gmtime()), "SHA256:"]
    for name in indexes:
        content = (folder / name).read_bytes()
        lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}")
    release = "\n".join(lines) + "\n"
    (folder / "Release").write_text(release)
    with _Gpg() as gpg:
        (folder / "InRelease").write_text(gpg("--clearsign", stdin=release))
        (folder / "Release.gpg").write_text(gpg("--armor", "--detach-sign", stdin=release))


def architecture() -> str:
    """The architecture of this machine, and so of the hosts, as Debian names it."""
    return run("dpkg", "--print-architecture").strip()


class _Gpg:
    """GnuPG on the lab's keys; it starts an agent by itself, which is ended with this context.

    The agent's socket is in the home and its path may have 107 characters at most, so the home gets a short name.
    """

    def __enter__(self) -> "_Gpg":
        self._short = Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp"))
        self._home = self._short / "home"
        self._home.symlink_to(_HOME)
        return self

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        return run("gpg", "--homedir", str(self._home), "--batch", "--quiet", *arguments, stdin=stdin)

    def __exit__(self, *_: object) -> None:
        run("gpgconf", "--homedir", str(self._home), "--kill", "all")
        shutil.rmtree(self._short)
