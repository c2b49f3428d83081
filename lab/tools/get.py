"""Gets what the lab's site needs, and prints one line for each thing: where it came from.

Groups: `plan` (to plan its site: what any site needs, with a stand-in if the official command plugin is not
available), `debian` (packages of this machine, and those that the lab takes files from), `lab` (what the lab runs and
packs, after `debian`: each of `catalogue.BUILT`, pause, wheels), `parts` (what it packs besides where a site has parts:
`catalogue.OF_PARTS`), and for one long test each: `former` (an earlier Kubernetes), `containerd` (containerd 2),
`policies` (kube-router and what it calls), `logs` (VictoriaLogs).
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from lab.paths import LAB, TOOLS_BIN
from lab.tools import debian, wheels
from lab.tools.catalogue import (
    BUILT,
    CONTAINERD,
    KUBE_ROUTER,
    KUBERNETES,
    KUBERNETES_FORMER,
    OF_PARTS,
    VICTORIA_LOGS,
)
from tools import plugins
from tools.cache import TOOLS, ToolError, link, say, took, whole
from tools.get import engine, get, main
from tools.gobuild import module_folder
from tools.paths import ROOT
from versions import PAUSE_IMAGE

IPSET = ("ipset", "libipset13")
"""What kube-router calls besides iptables, with its library."""
INSTALL = ROOT / "lab" / "plugins" / "install.sh"


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


def plan() -> None:
    """Gets what planning the lab's site needs."""
    LAB.mkdir(mode=0o700, parents=True, exist_ok=True)  # plugins are put there now, keys and state later
    engine()
    plugins.kubernetes(get)
    why = plugins.command()
    if why or plugins.is_script("command"):  # a stand-in starts the checkout that it was installed from
        _stand_in(why)


def _stand_in(why: str) -> None:
    """Installs this checkout's stand-in of the command plugin."""
    env = {**os.environ, "PATH": f"{TOOLS_BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", str(INSTALL)], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"plugin [stand-in] cannot be installed: {done.stderr.strip()}")
    if why:
        say(f"pulumi-resource-command {plugins.version('command')}", f"{why}: the lab's stand-in is used")


def lab() -> None:
    """Gets what the lab runs and packs."""
    for tool in BUILT:
        get(tool)
    pause()
    wheels.get()


def of_parts() -> None:
    """Gets what the lab packs for sites with parts."""
    for tool in OF_PARTS:
        get(tool)


def former() -> None:
    """Gets the version of Kubernetes that the story of an upgrade begins with."""
    get(KUBERNETES_FORMER, linked=False)


def containerd() -> None:
    """Gets containerd 2, to which a node of one story moves."""
    get(CONTAINERD, linked=False)


def policies() -> None:
    """Gets the agent that enforces network policies."""
    get(KUBE_ROUTER, linked=False)
    debian.beside(*IPSET)


def logs() -> None:
    """Gets VictoriaLogs and its agent."""
    get(VICTORIA_LOGS, linked=False)


GROUPS = {
    "debian": debian.packages,
    "plan": plan,
    "lab": lab,
    "parts": of_parts,
    "former": former,
    "containerd": containerd,
    "policies": policies,
    "logs": logs,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], GROUPS))
