"""Wheels for the Python of the lab's hosts, by hash: what its package index holds."""

import hashlib
import platform
import subprocess
import time
from pathlib import Path

from tools import pyenv
from tools.cache import TOOLS, ToolError, say, took, whole

LOCK = Path(__file__).parent / "wheels.txt"
PYTHON = "3.11"
"""Version of Python in Debian 12."""

_SYSTEMS = ("manylinux2014", "manylinux_2_28", "manylinux_2_34")
"""Platforms of wheels that run with Debian 12's libc."""


def folder() -> Path:
    """The folder of the wheels, which exists once they are fetched."""
    machine = platform.machine()
    return TOOLS / f"wheels-{hashlib.sha256(LOCK.read_bytes() + machine.encode()).hexdigest()[:8]}"


def get() -> None:
    """Fetches the wheels. Raises ToolError."""
    since = time.monotonic()
    cached = folder().exists()
    made = whole(folder().name, _fill)
    count = sum(1 for _ in made.iterdir())
    say("wheels", "cached" if cached else f"fetched {count} ({took(since)})")


def _fill(into: Path) -> None:
    platforms = [f"--platform={system}_{platform.machine()}" for system in _SYSTEMS]
    argv = [
        *(str(pyenv.uv().with_name("python")), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--no-deps", "--only-binary=:all:", f"--python-version={PYTHON}", *platforms),
        *("--dest", str(into), "--requirement", str(LOCK)),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-4:]
        raise ToolError("wheels [download] failed:\n  " + "\n  ".join(said))
