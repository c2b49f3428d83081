"""A copy of the project with the part of tests/example: its folder in four places, and its line in registry.py.

`python -m tests.example_copy FOLDER` makes one. Its git knows the project as it is without the part, so that
`git status` there says what the part is.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "tests" / "example"
LINE = '    "parts/example",\n'


def make(folder: Path) -> Path:
    """Makes the copy in a new or empty folder, with the environment of the project."""
    for path in listed(ROOT):
        if not path.is_relative_to(EXAMPLE):
            _copy(path, folder / path.relative_to(ROOT))
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=copy", "-c", "user.email=copy@localhost", "commit", "-qm", "The project")
    for path in listed(EXAMPLE):
        _copy(path, folder / path.relative_to(EXAMPLE))
    registry = folder / "components/registry.py"
    before, head, after = registry.read_text().partition("_FOLDERS = (\n")
    registry.write_text(before + head + LINE + after)
    return folder


def listed(folder: Path) -> list[Path]:
    """The files below a folder that git has, or would take."""
    words = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    paths = {folder / name for name in git(folder, *words).split("\0") if name}
    return sorted(path for path in paths if path.is_file() or path.is_symlink())


def git(folder: Path, *words: str) -> str:
    """What git says there."""
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, to, follow_symlinks=False)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
