"""A host in a folder: the real runner, in real bash, with its data under a temporary root."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from components.hostrun.step import content

RUNNER = Path("components/hostrun/runner.sh").resolve()

FILE = """\
# The file has the text.
check() {
    input text | same_file "$(input path)" || untrue "$(input path) has not the text. Fix: write it."
}
apply() {
    keep "$(input path)"
    input text | write_file "$(input path)" 0640
}
undo() {
    restore "$(input path)"
}
"""

MARKED = """\
# The mark is there. Its apply waits until the test lets it go on.
check() { [[ -e $(input place)/mark ]] || untrue "no mark"; }
apply() {
    echo $$ >"$(input place)/begun"
    until [[ -e $(input place)/go ]]; do sleep 0.02; done
    echo once >>"$(input place)/count"
    : >"$(input place)/mark"
}
undo() { rm -f "$(input place)/mark" "$(input place)/begun"; }
"""


def until(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Waits for what `condition` gives, by looking; fails the test when it never comes."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "what the test waits for never came"
        time.sleep(0.01)
    return value


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, mode and change time of everything under `folder`."""
    found = [folder, *folder.rglob("*")]
    return {str(p): (s.st_ino, s.st_mode, s.st_mtime_ns) for p in found for s in [p.lstat()]}


def readable(path: Path) -> bytes:
    """The file's bytes; none when it is gone or not ours to read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@dataclass
class Host:
    """Runs gpu-metal with its data under `root`."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    def path(self, name: str) -> Path:
        return self.root / "etc" / name

    def step(self, name: str, text: str) -> str:
        """Puts a step into the library; gives its ref."""
        digest = sha256(text.encode()).hexdigest()[:12]
        library = self.home / "library"
        library.mkdir(parents=True, exist_ok=True)
        (library / f"{name}@{digest}.sh").write_text(text)
        return f"{name}@{digest}"

    def brought(self, script: Path) -> str:
        """Puts a step into the library, with what it uses; gives its ref."""
        return self.step(script.stem, content(script).decode())

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        variables = {"GPU_METAL_HOME": str(self.home), "GPU_METAL_RUN": str(self.root / "run")}
        return subprocess.Popen(
            ["bash", str(RUNNER), *words],
            env={**os.environ, **variables, **self.environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str, payload: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*words, stdin=subprocess.PIPE)
        out, err = process.communicate(payload.encode(), timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out.decode(), err.decode())

    def apply(
        self, layer: str, *steps: list[str], payload: str = "", status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        words = [word for step in steps for word in ("::", *step)]
        done = self.run("apply", layer, *words, payload=payload)
        assert done.returncode == status, done.stderr
        return done

    def file(self, name: str, text: str, label: str = "") -> list[str]:
        """The words of a step that writes etc/NAME."""
        ref = self.step("file", FILE)
        return [f"{ref}#{label}" if label else ref, f"path={self.path(name)}", f"text={text}"]

    def marked(self) -> list[str]:
        return [self.step("marked", MARKED), f"place={self.root}"]

    def ledger(self, layer: str = "base") -> Path:
        return self.home / "ledger" / layer


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the runner alone, as the out-of-memory killer does it."""
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=120)
