"""How many processes gpu-metal starts on a host: each costs about a millisecond, and a site has thousands of steps.

Does not prove: what steps start by themselves.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from components.hostrun import library
from tests.scripts.runner_host import RUNNER, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a process namespace of its own: root only")

# In a namespace of its own, processes are numbered from 1: the number of the last one says how many there were.
COUNTED = 'output=$("$@" 2>&1) || { echo "$output"; exit 1; }; sh -c "echo \\$\\$"; exit 0'


def processes(*command: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> int:
    """How many processes the command starts."""
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        done = subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", "bash", "-c", COUNTED, "_", *command],
            env={**os.environ, **(environment or {})},
            stdin=file,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout) - 3  # itself, and the shells around it


def of_a_run(host: Host, verb: str, count: int) -> int:
    """Those of one run on a layer of `count` steps, each of which has a file to write."""
    steps = [word for number in range(count) for word in ("::", *host.file(f"f{number}", "text", f"n{number}"))]
    home = {"GPU_METAL_HOME": str(host.home), "GPU_METAL_RUN": str(host.root / "run")}
    return processes("bash", str(RUNNER), verb, "base", *(steps if verb == "apply" else []), environment=home)


def test_a_step_costs_few_processes_to_apply_to_ask_and_to_undo(tmp_path: Path) -> None:
    few, many = Host(tmp_path / "few"), Host(tmp_path / "many")
    for host in (few, many):
        host.root.mkdir()
    each = [(of_a_run(many, verb, 12) - of_a_run(few, verb, 2)) / 10 for verb in ("apply", "apply", "check", "undo")]
    changed, unchanged, asked, undone = each
    assert changed <= 40  # once 71
    assert unchanged <= 5  # once 8
    assert asked <= 4  # once 5
    assert undone <= 16  # once 30


def test_a_run_that_changes_nothing_costs_few_processes(tmp_path: Path) -> None:
    host = Host(tmp_path)
    of_a_run(host, "apply", 1)
    assert of_a_run(host, "apply", 1) <= 20  # once 35


def test_an_installation_costs_few_processes_for_hundreds_of_files(tmp_path: Path) -> None:
    staged = tmp_path / "staged.tar.gz"
    staged.write_bytes(library.archive())
    (tmp_path / "run").mkdir()
    words = ["install", sha256(library.archive()).hexdigest(), str(staged), "gpu-1"]
    variables = {name: str(tmp_path / name.lower()) for name in ("HOME", "RUN", "BIN")}
    environment = {f"GPU_METAL_{name}": path for name, path in variables.items()}
    text = library.INSTALL.encode()
    assert processes("bash", "-s", "--", *words, stdin=text, environment=environment) <= 80  # once 622
    assert len(list((tmp_path / "home" / "library").iterdir())) > 100
