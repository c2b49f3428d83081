"""Builds a Debian package from files and texts."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lab.hosts.command import run

Source = Path | str
"""A file, or the text of one."""


@dataclass(frozen=True)
class Deb:
    """A package to build: path → (file or text, mode)."""

    name: str
    version: str
    summary: str
    files: dict[str, tuple[Source, int]]
    depends: str = ""
    conflicts: str = ""
    scripts: dict[str, Path] = field(default_factory=dict)
    """postinst, prerm, postrm → file."""
    configuration: tuple[str, ...] = ()
    folders: tuple[str, ...] = field(default=())
    homepage: str = ""


def build(deb: Deb, folder: Path) -> Path:
    """The package's file in the folder. Raises LabError."""
    arch = run("dpkg", "--print-architecture").strip()
    tree = folder / f".{deb.name}"
    for path, (source, mode) in deb.files.items():
        _place(source, tree / path, mode)
    for path in deb.folders:
        (tree / path).mkdir(parents=True)
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    _place(_control(deb, arch), control / "control", 0o644)
    if deb.configuration:
        _place("".join(f"{path}\n" for path in deb.configuration), control / "conffiles", 0o644)
    for name, script in deb.scripts.items():
        _place(script, control / name, 0o755)
    for inner in (tree, *tree.rglob("*")):
        if inner.is_dir():
            inner.chmod(0o755)  # whatever the umask is: these are the modes on the host
    # As dpkg names it: without the epoch.
    file = folder / f"{deb.name}_{deb.version.rpartition(':')[2]}_{arch}.deb"
    # The same content gives the same package; light compression, because it is unpacked more often than sent.
    env = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), str(file), env=env)
    shutil.rmtree(tree)
    return file


def _control(deb: Deb, arch: str) -> str:
    fields = {
        "Package": deb.name,
        "Version": deb.version,
        "Architecture": arch,
        "Maintainer": "gpu-metal lab <lab@gpu-metal.invalid>",
        "Depends": deb.depends,
        "Conflicts": deb.conflicts,
        "Section": "net",
        "Priority": "optional",
        "Homepage": deb.homepage,
        "Description": f"{deb.summary}\n Built by the gpu-metal lab.",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def _place(source: Source, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, Path):
        shutil.copyfile(source, target)
    else:
        target.write_text(source)
    target.chmod(mode)
