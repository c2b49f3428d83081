"""How a run of Pulumi ends that nobody else can explain: at its time limit, or by SIGKILL."""

import os
import re
import subprocess
from pathlib import Path

import pytest

IN_TIME = Path(__file__).parents[2] / "ops/in_time.sh"


def run(script: str, limit: str) -> tuple[int, str]:
    """Status and message of a run of bash."""
    env = {"PATH": os.environ["PATH"], "GPU_METAL_LIMIT": limit}
    words = [str(IN_TIME), "bash", "-c", script]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("limit", ["2h", "0", "90m", "1.5d"])
def test_a_run_that_was_killed_before_its_limit_is_called_that(limit: str) -> None:
    status, says = run("kill -KILL $$", limit)
    assert status == 137
    assert re.match(r"✗ bash was killed after \d+ s: by hand, or because this machine ran out of memory", says), says
    assert "no end within" not in says


def test_a_run_that_reached_its_limit_names_it() -> None:
    status, says = run("exec sleep 60", "0.2s")
    assert status == 124
    assert says.startswith("✗ no end within 0.2s (GPU_METAL_LIMIT): bash was stopped after ")


@pytest.mark.parametrize("status", [0, 3, 130])
def test_a_run_that_ends_by_itself_needs_no_word(status: int) -> None:
    assert run(f"exit {status}", "2h") == (status, "")
