"""The signed apt repository: flat, suite `./`, signed by the lab's own key."""

import gzip
import hashlib
import shutil
import tempfile
import time
from pathlib import Path

from lab.depot import debs
from lab.hosts.command import run
from lab.hosts.keys import private
from lab.paths import LAB

FOLDER = LAB / "apt"
KEY = FOLDER / "key.asc"
"""The public key, for the site's configuration."""

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


def publish(site: Path) -> bool:
    """Makes site/apt the repository of the present packages, signed; False when it is that already. Raises LabError."""
    make_key()
    target = site / "apt"
    stamp = target / ".of"
    of = debs.key() + hashlib.sha256(KEY.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == of:
        return False
    packages = debs.repository()
    new = site / ".apt"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for file in packages.iterdir():
        (new / file.name).symlink_to(file)
    (new / "Packages.gz").write_bytes(gzip.compress((new / "Packages").read_bytes(), mtime=0))
    (new / "key.asc").symlink_to(KEY)
    _sign(new)
    (new / ".of").write_text(of)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    return True


def make_key() -> None:
    """The signing key, made once; its private part never leaves the lab's folder."""
    if KEY.exists():
        return
    _HOME.mkdir(parents=True, exist_ok=True)
    _HOME.chmod(0o700)
    with private(), _Gpg() as gpg:
        gpg("--generate-key", stdin=_NEW_KEY)
        new = KEY.with_suffix(".new")
        new.write_text(gpg("--armor", "--export"))
        new.replace(KEY)


def _sign(folder: Path) -> None:
    arch = run("dpkg", "--print-architecture").strip()
    lines = ["Origin: gpu-metal lab", "Label: gpu-metal lab", "Suite: ./", f"Architectures: {arch}"]
    lines += [time.strftime("Date: %a, %d %b %Y %H:%M:%S UTC", time.gmtime()), "SHA256:"]
    for name in ("Packages", "Packages.gz"):
        content = (folder / name).read_bytes()
        lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}")
    release = "\n".join(lines) + "\n"
    (folder / "Release").write_text(release)
    with _Gpg() as gpg:
        (folder / "InRelease").write_text(gpg("--clearsign", stdin=release))
        (folder / "Release.gpg").write_text(gpg("--armor", "--detach-sign", stdin=release))


class _Gpg:
    """GnuPG on the lab's keys, with an agent that it starts by itself and that goes at the end.

    The agent's socket lies in the home and its path has at most 107 characters, so the home gets a short name.
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
