"""Gets the tools of a group and says in one line each where it came from.

Groups: `python` (the environment of requirements.lock), `uv` (for `make lock`), `up` (what any `pulumi up` needs:
environment, Pulumi, language host, helm, plugins), `lab` (what the lab runs and packs: Debian packages, Kubernetes,
etcd, CoreDNS, FerretDB, pause, wheels). Needs nothing but Python itself, for it runs before the environment exists.
Programs go to `${XDG_CACHE_HOME:-~/.cache}/gpu-metal/tools/bin`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab.paths import TOOLS_BIN
from lab.tools import debian, plugins, pyenv, wheels
from lab.tools.cache import TOOLS, ToolError, link, locked, say, took, whole
from lab.tools.catalogue import COREDNS, ETCD, FERRETDB, HELM, KUBERNETES, LANGUAGE_PYTHON, PULUMI, Tool
from lab.tools.download import NoDownloadError, download
from lab.tools.gobuild import build, module_folder
from versions import PAUSE_IMAGE


def get(tool: Tool) -> Path:
    """The folder with the tool's programs: from PATH, the cache, the official download or a build, in this order."""
    label = f"{tool.name} {tool.version}"
    if there := on_path(tool):
        say(label, f"on PATH ({there})")
        folder = there
    elif (TOOLS / tool.key).exists():
        say(label, "cached")
        folder = TOOLS / tool.key
    else:
        folder = whole(tool.key, lambda new: _fill(tool, new))
    for name in (*tool.binaries, *tool.companions, *(Path(shim).name for shim in tool.shims)):
        if (folder / name).exists():
            link(folder / name)
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


def pause() -> None:
    """The program that holds a pod's namespaces, from the source in the kubernetes module."""
    version = PAUSE_IMAGE.rpartition(":")[2]
    label = f"pause {version}"
    key = f"pause-{version}-{KUBERNETES.key.rpartition('-')[2]}"
    cached = (TOOLS / key).exists()
    since = time.monotonic()

    def fill(folder: Path) -> None:
        source = module_folder(KUBERNETES) / "build" / "pause" / "linux" / "pause.c"
        argv = ["gcc", "-Os", "-Wall", "-static", f"-DVERSION=v{version}", "-o", str(folder / "pause"), str(source)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"pause [gcc] failed:\n  {done.stderr.strip()[-500:]}")

    link(whole(key, fill) / "pause")
    say(label, "cached" if cached else f"built with gcc ({took(since)})")


def uv() -> None:
    """The resolver that writes requirements.lock."""
    program = pyenv.uv()
    link(program)
    say(f"uv {pyenv.uv_version()}", str(TOOLS_BIN / "uv"))


def up() -> None:
    """What any `pulumi up` needs."""
    pyenv.environment()
    pulumi = get(PULUMI)
    bundled = pulumi / "pulumi-language-python"
    if bundled.is_symlink() or not bundled.exists():  # official releases have it beside pulumi
        beside(pulumi, get(LANGUAGE_PYTHON))
    get(HELM)
    plugins.plugins()


def lab() -> None:
    """What the lab runs and packs."""
    debian.packages()
    for tool in (KUBERNETES, ETCD, COREDNS, FERRETDB):
        get(tool)
    pause()
    wheels.get()


def main(arguments: list[str]) -> int:
    """Exit status: 0, 1 when a tool cannot be had, 2 for a wrong call."""
    groups = {"python": pyenv.environment, "uv": uv, "up": up, "lab": lab}
    if not arguments or any(name not in groups for name in arguments):
        sys.stderr.write("usage: lab/tools/get.sh python|uv|up|lab …\n")
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
    sys.exit(main(sys.argv[1:]))
