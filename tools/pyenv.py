"""The Python environment: exactly requirements.lock, by hash, in .venv."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

from tools.cache import TOOLS, ToolError, say, took, whole
from tools.paths import ROOT

UV_LOCK = Path(__file__).parent / "uv.txt"


def environment(root: Path = ROOT) -> None:
    """Makes root/.venv equal to root/requirements.lock; .venv/ready then holds the lock's hash.

    Raises ToolError when that fails.
    """
    lock = root / "requirements.lock"
    stamp = root / ".venv" / "ready"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        stamp.touch()  # for make, which compares its time with the lock's
        say("python environment", "cached")
        return
    stamp.unlink(missing_ok=True)  # so that a run that is killed from here on does not pass as ready
    since = time.monotonic()
    python = root / ".venv" / "bin" / "python"
    how = _sync(root, python, lock)
    stamp.write_text(digest)
    say("python environment", f"{how} ({took(since)})")


def _sync(root: Path, python: Path, lock: Path) -> str:
    if not python.exists():
        _run("python [venv]", base_python(), "-m", "venv", "--clear", "--without-pip", str(root / ".venv"))
    # Compiled now: modules that are compiled at each import make every `pulumi up` seconds slower.
    arguments = ("--quiet", "--require-hashes", "--compile-bytecode", "--python", str(python), str(lock))
    _run("python [environment]", str(uv()), "pip", "sync", *arguments)
    return f"installed by uv {uv_version()}"


def uv() -> Path:
    """The pinned uv, in an environment of its own in the cache."""
    key = f"uv-{uv_version()}-{hashlib.sha256(UV_LOCK.read_bytes()).hexdigest()[:8]}"

    def fill(folder: Path) -> None:
        _run("uv [venv]", base_python(), "-m", "venv", str(folder))
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(UV_LOCK))
        _run("uv [install]", str(folder / "bin" / "python"), *pip)

    return whole(key, fill) / "bin" / "uv"


def base_python() -> str:
    """The interpreter itself, also when this runs inside an environment that is to be replaced."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")


def uv_version() -> str:
    """The pinned version of uv."""
    return next(line for line in UV_LOCK.read_text().splitlines() if line.startswith("uv==")).split()[0][4:]


def _run(what: str, *argv: str) -> None:
    done = subprocess.run(argv, cwd=TOOLS, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-6:]
        fix = "Fix: apt-get install python3-venv." if "ensurepip" in done.stdout + done.stderr else ""
        raise ToolError(f"{what} failed:\n  " + "\n  ".join([*said, *([fix] if fix else [])]))
