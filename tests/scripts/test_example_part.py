"""The steps of the made-up part (tests/example), tested by its own tests in a copy of the project that has it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.example_copy import make

pytestmark = pytest.mark.lab


def test_its_own_tests_of_steps_pass(tmp_path: Path) -> None:
    """On this worker's host: PYTEST_XDIST_WORKER says which, there as here."""
    copy = make(tmp_path / "copy")
    words = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "tests/parts/example/scripts"]
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "3 passed" in done.stdout
