"""A tree as a squashfs file with its metadata, put where the runtime finds it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any


def convert(tree: Path, kind: str) -> Path:
    """The image file beside the tree. Raises OSError."""
    if kind != "squashfs":
        raise NotImplementedError(f"{kind} is not a format that this version has")
    file = tree.with_suffix(".squashfs")
    argv = ["mksquashfs", str(tree), str(file), "-all-root", "-noappend", "-no-progress", "-quiet"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"mksquashfs: {(done.stderr or done.stdout).strip()[-200:]}")
    return file


def metadata(config: dict[str, Any], kind: str) -> str:
    """Text of the file ID.meta."""
    lines = [f"FORMAT: {kind}", *(f"ENV: {value}" for value in config.get("Env") or [])]
    if config.get("WorkingDir"):
        lines.append(f"WORKDIR: {config['WorkingDir']}")
    if config.get("Entrypoint"):
        lines.append(f"ENTRY: {' '.join(config['Entrypoint'])}")
    return "\n".join(lines) + "\n"


def transfer(image: Path, meta: str, folder: Path) -> None:
    """Both files in the folder of images, each whole or not there."""
    new = folder / f".{image.name}.new"
    shutil.copyfile(image, new)
    new.chmod(0o644)
    new.replace(folder / image.name)
    text = folder / f".{image.stem}.meta.new"
    text.write_text(meta)
    text.chmod(0o644)
    text.replace(folder / f"{image.stem}.meta")
