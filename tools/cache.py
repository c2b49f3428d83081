"""The cache of tools: a folder that exists is complete, and `bin` points to the programs in use."""

import fcntl
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.paths import CACHE, TOOLS_BIN

TOOLS = CACHE / "tools"


class ToolError(Exception):
    """A tool is not available; the message says why and what to do."""


def say(name: str, text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{name:<36} {text}\n")
    sys.stdout.flush()


def took(since: float) -> str:
    """`41 s` or `2 min 41 s`."""
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@contextmanager
def locked() -> Iterator[None]:
    """One run at a time, so that two do not build the same."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("tools", "another run is getting them: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def whole(key: str, fill: Callable[[Path], None], store: Path = TOOLS) -> Path:
    """The folder of this key, filled before it gets its name: a killed run leaves nothing that looks complete.

    Removes what such a run has left, so callers must hold a lock.
    """
    folder = store / key
    if not folder.exists():
        store.mkdir(parents=True, exist_ok=True)
        for left in store.glob(".new-*"):
            shutil.rmtree(left)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=store))
        try:
            new.chmod(0o755)
            fill(new)
            new.rename(folder)
        finally:
            if new.exists():
                shutil.rmtree(new)
    return folder


def link(program: Path, wrapper: Path | None = None) -> None:
    """Puts a program into `bin`, replacing the one of another version; or a script that runs it."""
    TOOLS_BIN.mkdir(parents=True, exist_ok=True)
    target = TOOLS_BIN / program.name
    text = wrapper.read_text().replace("@PROGRAM@", shlex.quote(str(program))) if wrapper else ""
    if wrapper and target.is_file() and not target.is_symlink() and target.read_text() == text:
        return
    if not wrapper and target.is_symlink() and target.readlink() == program:
        return
    new = target.with_name(f".{program.name}.new")
    new.unlink(missing_ok=True)
    if wrapper:
        new.write_text(text)
        new.chmod(0o755)
    else:
        new.symlink_to(program)
    new.replace(target)
