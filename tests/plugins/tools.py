"""The lab's built binaries, wherever this machine has them."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gpu-metal"
_FOLDERS = (_CACHE / "tools" / "bin", _CACHE / "prebuild")
_LANGUAGE_HOST_PARTS = (
    "cmd/pulumi-language-python-exec",
    "dist/pulumi-analyzer-policy-python",
    "dist/pulumi-resource-pulumi-python",
)


@cache
def tool(name: str) -> str:
    """The binary's path; the test fails where there is none."""
    folders = os.pathsep.join([*map(str, _FOLDERS), os.environ["PATH"]])
    if found := shutil.which(name, path=folders):
        return found
    pytest.fail(f"{name} is neither in {_FOLDERS[0]} nor on PATH: build it with make tools")


def pulumi_folder(folder: Path) -> Path:
    """A folder for PATH with pulumi, its language host and the host's scripts."""
    folder.mkdir()
    for name in ("pulumi", "pulumi-language-python"):
        (folder / name).symlink_to(tool(name))
    for part in _LANGUAGE_HOST_PARTS:
        name = Path(part).name
        beside = next((f / name for f in _FOLDERS if (f / name).exists()), None)
        shutil.copy(beside or _module_cache() / part, folder / name)
        (folder / name).chmod(0o755)
    return folder


@cache
def _module_cache() -> Path:
    """The Python folder of the language host's Go module."""
    answer = subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True)
    return Path(answer.stdout.strip()) / "github.com/pulumi/pulumi/sdk/v3@v3.79.0/python"
