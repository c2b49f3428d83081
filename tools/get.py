"""Gets the tools of a group and prints one line for each: where it came from.

Groups: `python` (the environment of requirements.lock), `uv` (for `make lock`), `site` (what any `pulumi up` needs:
environment, Pulumi, language host, plugins). Needs nothing but Python itself, for it runs before the environment
exists. Programs go to `${XDG_CACHE_HOME:-~/.cache}/gpu-metal/tools/bin`; plugins into PULUMI_HOME.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import plugins, pyenv
from tools.cache import TOOLS, ToolError, link, locked, say, took, whole
from tools.catalogue import LANGUAGE_PYTHON, PULUMI
from tools.download import NoDownloadError, download
from tools.gobuild import build
from tools.paths import TOOLS_BIN
from tools.tool import Tool


def get(tool: Tool, *, linked: bool = True) -> Path:
    """The folder with the tool's programs: from PATH, the cache, the official download or a build, in this order.

    Without `linked`, `bin` does not point to them: they are a second version.
    """
    label = f"{tool.name} {tool.version}"
    if there := on_path(tool):
        say(label, f"on PATH ({there})")
        folder = there
    elif (TOOLS / tool.key).exists():
        say(label, "cached")
        folder = TOOLS / tool.key
    else:
        folder = whole(tool.key, lambda new: _fill(tool, new))
    for name in () if not linked else (*tool.binaries, *tool.companions, *(Path(shim).name for shim in tool.shims)):
        if (folder / name).exists():
            link(folder / name, tool.folder / tool.wrapper if tool.wrapper and name in tool.binaries else None)
    return folder


def _fill(tool: Tool, folder: Path) -> None:
    label = f"{tool.name} {tool.version}"
    since = time.monotonic()
    try:
        download(tool, folder)
    except NoDownloadError as why:
        for half in folder.iterdir():
            half.unlink()
        say(label, f"{why}: building from Go modules (about {tool.minutes} min)")
        since = time.monotonic()
        build(tool, folder)
        say(label, f"built from Go modules ({took(since)})")
    else:
        say(label, f"downloaded ({took(since)})")


def on_path(tool: Tool) -> Path | None:
    """The folder on PATH that holds the tool in exactly this version, with its companions beside it."""
    if not tool.version_argument:
        return None
    path = os.pathsep.join(part for part in os.get_exec_path() if Path(part) != TOOLS_BIN)
    found = shutil.which(tool.binaries[0], path=path)
    if not found:
        return None
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    said = subprocess.run([found, tool.version_argument], env=env, capture_output=True, text=True, check=False).stdout
    version = re.search(r"v(\d+\.\d+\.\d+)", said)
    folder = Path(found).resolve().parent
    complete = all((folder / name).exists() for name in tool.companions)
    return folder if version and version[1] == tool.version and complete else None


def beside(pulumi: Path, host: Path) -> None:
    """Links the language host's programs where pulumi looks first; from PATH it takes them with a warning."""
    for program in host.glob("pulumi-*"):
        place = pulumi / program.name
        if pulumi.is_relative_to(TOOLS) and place.resolve() != program.resolve():
            place.unlink(missing_ok=True)
            place.symlink_to(program)


def uv() -> None:
    """Gets uv, the resolver that writes requirements.lock."""
    program = pyenv.uv()
    link(program)
    say(f"uv {pyenv.uv_version()}", str(TOOLS_BIN / "uv"))


def engine() -> None:
    """Gets the Python environment, Pulumi and its language host."""
    pyenv.environment()
    pulumi = get(PULUMI)
    bundled = pulumi / "pulumi-language-python"
    if bundled.is_symlink() or not bundled.exists():  # official releases have it beside pulumi
        beside(pulumi, get(LANGUAGE_PYTHON))


def site() -> None:
    """Gets what any `pulumi up` needs."""
    engine()
    plugins.kubernetes(get)
    if why := plugins.command():
        raise ToolError(f"plugin [command] {why}. Fix: {plugins.by_hand('command')}")


def main(arguments: list[str], groups: Mapping[str, Callable[[], None]]) -> int:
    """Exit status: 0, 1 when a tool is not available, 2 for a wrong call."""
    if not arguments or any(name not in groups for name in arguments):
        sys.stderr.write(f"usage: get.sh {'|'.join(groups)} …\n")
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036 this runs on whatever `python3` is
        sys.stderr.write(f"✗ python [version] is {sys.version.split()[0]}, wanted 3.11 or newer. Fix: install it.\n")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a build under way is ended too
    try:
        with locked():
            for name in arguments:
                groups[name]()
    except ToolError as error:
        sys.stderr.write(f"✗ {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: what was complete is kept, nothing half-made is left\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], {"python": pyenv.environment, "uv": uv, "site": site}))
