"""Functions of a step by themselves, on this machine: the file is sourced, and its inputs are given."""

import subprocess
from pathlib import Path

_GIVEN = 'input() { local -n given=given_$1 2>/dev/null || true; printf "%s\\n" "${given-${2-}}"; }\n'


def shell(step: Path, script: str, **inputs: str) -> str:
    """What the script prints, with the step's functions and its inputs."""
    given = "".join(f"given_{key}={value!r}\n" for key, value in inputs.items())
    text = f"set -euo pipefail\n{_GIVEN}{given}. {step.resolve()}\n{script}"
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout
