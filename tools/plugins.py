"""The official resource plugins, in PULUMI_HOME, in the versions of the Python SDK."""

import os
import pwd
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tools.cache import ToolError, say, took
from tools.catalogue import KUBERNETES_PLUGIN
from tools.download import architecture, unreachable
from tools.paths import ROOT, TOOLS_BIN
from tools.tool import Tool

PATIENCE = 300


def command() -> str:
    """Gets the command plugin; returns why it cannot, else nothing. It is not built: its module is not available."""
    return "" if _cached("command") else _download("command")


def kubernetes(get: Callable[[Tool], Path]) -> None:
    """Gets the kubernetes plugin: Pulumi's release, else built (by `get`). Raises ToolError."""
    if version("kubernetes") != KUBERNETES_PLUGIN.version:
        raise ToolError(
            f"plugin [kubernetes] requirements.lock has the SDK {version('kubernetes')}, {KUBERNETES_PLUGIN.folder}"
            f"/go.mod the plugin {KUBERNETES_PLUGIN.version}. Fix: require the commit of the SDK's release there."
        )
    if _cached("kubernetes") or not (why := _download("kubernetes")):
        return
    say(_label("kubernetes"), f"{why}: building it")
    since = time.monotonic()
    built = get(KUBERNETES_PLUGIN) / KUBERNETES_PLUGIN.binaries[0]
    if why := install("kubernetes", "--file", str(built), "--reinstall"):
        raise ToolError(f"plugin [kubernetes] cannot be put into {home()}: {why}")
    say(_label("kubernetes"), f"installed ({took(since)})")


def home() -> Path:
    """Where Pulumi looks for its plugins: without PULUMI_HOME, below the home of the user database, not HOME."""
    return Path(os.environ.get("PULUMI_HOME") or Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pulumi")


def program(name: str) -> Path:
    """Where the plugin's program is, or would be."""
    return home() / "plugins" / f"resource-{name}-v{version(name)}" / f"pulumi-resource-{name}"


def version(name: str) -> str:
    """The version of the plugin's SDK in requirements.lock."""
    found = re.search(rf"^pulumi-{name}==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    if not found:
        raise ToolError(f"plugin [{name}] requirements.lock has no pulumi-{name}")
    return found[1]


def install(name: str, *how: str) -> str:
    """Runs `pulumi plugin install`; returns why it failed, else nothing."""
    argv = [str(TOOLS_BIN / "pulumi"), "plugin", "install", "resource", name, version(name), *how]
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"`pulumi plugin install` did not end within {PATIENCE} s"
    return " / ".join(done.stderr.strip().splitlines()[-2:]) if done.returncode else ""


def by_hand(name: str) -> str:
    """How to install a plugin whose release this machine cannot reach; in a shell that may not have `pulumi` yet."""
    release = f"pulumi-resource-{name}-v{version(name)}-{sys.platform}-{architecture()}.tar.gz"
    return (
        f"bring https://get.pulumi.com/releases/plugins/{release} here, then: . tools/activate && "
        f"pulumi plugin install resource {name} {version(name)} --file {release}"
    )


def is_script(name: str) -> bool:
    """Whether the installed plugin is a launcher script, as the lab's stand-in is, and not a program."""
    with program(name).open("rb") as start:
        return start.read(2) == b"#!"


def _cached(name: str) -> bool:
    """Whether the plugin is installed. A script for kubernetes, older checkouts' stand-in, does not count.

    Nor does what Pulumi itself takes for half-installed: it leaves NAME.partial beside the folder when it is killed.
    """
    folder = program(name).parent
    half = folder.with_name(f"{folder.name}.partial").exists()
    if half or not program(name).exists() or (name == "kubernetes" and is_script(name)):
        return False
    say(_label(name), "cached (the lab's stand-in)" if is_script(name) else "cached")
    return True


def _download(name: str) -> str:
    if why := unreachable("https://get.pulumi.com/"):
        return why
    since = time.monotonic()
    why = install(name)
    if not why:
        say(_label(name), f"downloaded ({took(since)})")
    return why


def _label(name: str) -> str:
    return f"pulumi-resource-{name} {version(name)}"


def missing() -> list[str]:
    """A line for each plugin that Pulumi would not find in this environment."""
    return [
        f"✗ plugin [{name}] {version(name)} is not in {home()}/plugins, where this shell's pulumi looks. "
        "Fix: make tools in this shell; or set PULUMI_HOME as it was then."
        for name in ("kubernetes", "command")
        if not program(name).exists()
    ]


if __name__ == "__main__":
    sys.stderr.writelines(f"{line}\n" for line in missing())
