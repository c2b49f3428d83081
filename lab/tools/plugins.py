"""The resource plugins: the official ones, else the lab's stand-ins, in the lab's own PULUMI_HOME."""

import os
import re
import subprocess
import time
from pathlib import Path

from lab.paths import LAB, TOOLS_BIN
from lab.tools.cache import ToolError, say, took
from lab.tools.download import unreachable

ROOT = Path(__file__).resolve().parents[2]
HOME = LAB / "pulumi"
STAND_IN = b"# Stand-in plugin of the gpu-metal lab"
"""What the launchers written by lab/plugins/install.sh say in their first lines."""

PATIENCE = 300


def plugins() -> None:
    """Gets the command and kubernetes plugins in the versions of the Python SDK. Raises ToolError."""
    since = time.monotonic()
    LAB.mkdir(mode=0o700, parents=True, exist_ok=True)  # keys and state come to lie there
    wanted = {f"pulumi-resource-{name} {_version(name)}": name for name in ("command", "kubernetes")}
    before = {label: _kind(name) for label, name in wanted.items()}
    for label, name in wanted.items():
        if not before[label] and (why := unreachable("https://get.pulumi.com/") or _download(name)):
            say(label, f"{why}: the lab's stand-in is used")
    if why := _run("bash", str(ROOT / "lab" / "plugins" / "install.sh")):  # leaves official ones alone
        raise ToolError(f"plugin [stand-in] cannot be installed: {why}")
    for label, name in wanted.items():
        source = _kind(name)
        if not source:
            raise ToolError(f"plugin [{name}] is not in {HOME} after its installation")
        say(label, f"cached ({source})" if before[label] == source else f"{source} installed ({took(since)})")


def _version(name: str) -> str:
    found = re.search(rf"^pulumi-{name}==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    if not found:
        raise ToolError(f"plugin [{name}] requirements.lock has no pulumi-{name}")
    return found[1]


def _kind(name: str) -> str:
    """What is in place: `official`, `the lab's stand-in`, or nothing."""
    program = HOME / "plugins" / f"resource-{name}-v{_version(name)}" / f"pulumi-resource-{name}"
    if not program.exists():
        return ""
    with program.open("rb") as start:
        return "the lab's stand-in" if STAND_IN in start.read(200) else "official"


def _download(name: str) -> str:
    return _run(str(TOOLS_BIN / "pulumi"), "plugin", "install", "resource", name, _version(name))


def _run(*argv: str) -> str:
    """Empty when it went well, else why not."""
    path = f"{TOOLS_BIN}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PULUMI_HOME": str(HOME), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"`{argv[0]}` did not end within {PATIENCE} s"
    return " / ".join(done.stderr.strip().splitlines()[-2:]) if done.returncode else ""
