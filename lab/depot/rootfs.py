"""Files of Debian's packages, as an image has them under /."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.tools.debian import unpacked

_MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders that are links into /usr: files of a package go there, whichever of both names it uses."""


def of(packages: Iterable[str], root: Callable[[str], Path] = unpacked) -> dict[str, Path | str]:
    """The files of packages that are unpacked in `root` of each, without documentation."""
    files: dict[str, Path | str] = {name: f"usr/{name}" for name in _MERGED}
    for folder in map(root, packages):
        for file in folder.rglob("*"):
            path = file.relative_to(folder)
            if (file.is_dir() and not file.is_symlink()) or path.parts[:2] == ("usr", "share"):
                continue
            merged = Path("usr") / path if path.parts[0] in _MERGED else path
            files[str(merged)] = str(file.readlink()) if file.is_symlink() else file
    return files


def busybox() -> dict[str, Path | str]:
    """Debian's static busybox, with a link for each of its programs."""
    program = unpacked("busybox-static") / "bin" / "busybox"
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links: dict[str, Path | str] = {f"bin/{applet}": "busybox" for applet in applets}
    return {**links, "bin/busybox": program}
