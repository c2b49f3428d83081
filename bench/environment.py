"""The environment of the peers: exactly bench/peers.txt, by hash, in the cache of tools; not in the project's own."""

import hashlib
import subprocess
from pathlib import Path

from tools import pyenv
from tools.cache import TOOLS, ToolError, locked, whole

LOCK = Path(__file__).parent / "peers.txt"


def programs() -> Path:
    """The folder of `ansible-playbook`, `pyinfra` and a Python with matplotlib. Raises ToolError."""
    folder = TOOLS / f"peers-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:8]}"  # programs name it, so it never moves
    with locked():
        whole(f"{folder.name}-ready", lambda _: _fill(folder))
    return folder / "bin"


def _fill(folder: Path) -> None:
    uv = str(pyenv.uv())
    for words in (
        (uv, "venv", "--quiet", "--clear", "--python", pyenv.base_python(), str(folder)),
        (uv, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", str(folder), str(LOCK)),
    ):
        done = subprocess.run(words, cwd=TOOLS, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise ToolError(f"peers [environment] failed:\n  {done.stderr.strip()[-500:]}")
