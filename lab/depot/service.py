"""Starts and stops the depot; what is built once stays in the cache."""

import errno
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lab.depot import apt, charts, debian, images, parts, process
from lab.depot.process import Say
from lab.hosts.inventory import GATEWAY, WEB_PORT, LabError
from lab.paths import CACHE, LAB, TOOLS_BIN
from lab.tools import wheels
from lab.tools.catalogue import BUILT
from lab.tools.debian import unpacked

REGISTRY_PORT = 5000
SITE = LAB / "depot" / "site"
DATA = CACHE / "depot" / "registry"
POOL = CACHE / "depot" / "pool"
"""Debian's packages that hosts have asked for."""
CONFIG = LAB / "depot" / "registry.yml"
PATIENCE = 10


def start(say: Say = lambda _: None, address: str = GATEWAY) -> None:
    """Serves registry, apt and charts at an address of this machine; starts only what does not run yet.

    Raises LabError when a tool or the address is missing, a port is taken, or a service does not answer.
    """
    _need_tools()
    if lacking := parts.without():
        say(f"no packages for {', '.join(lacking)}: their tools are not built (python3 -m lab.tools.get parts)")
    if apt.publish(SITE):
        say("apt repository signed")
    if debian.publish(SITE, keep=bool(process.running("web"))):
        say("index of Debian's packages made")
    if charts.publish(SITE):
        say("charts packaged")
    for supply in parts.supplies():
        if supply.publish and supply.publish(SITE):
            say(supply.published)
    web = [sys.executable, str(Path(__file__).with_name("web.py")), address, str(WEB_PORT), str(SITE), str(POOL)]
    _serve("web", address, WEB_PORT, lambda: web, "/apt/InRelease")
    _serve("registry", address, REGISTRY_PORT, lambda: _registry(address), "/v2/")
    pushed = DATA / ".pushed"
    if not pushed.exists() or pushed.read_text() != images.key():
        images.push(f"{address}:{REGISTRY_PORT}", say)
        pushed.write_text(images.key())


def stop() -> None:
    """Ends both processes, if they run."""
    for name in ("registry", "web"):
        process.stop(name)


def status() -> str:
    """One line per service."""
    lines = []
    for name, port in (("registry", REGISTRY_PORT), ("web", WEB_PORT)):
        pid = process.running(name)
        lines.append(f"{name:<8} {GATEWAY}:{port:<5} {f'on (process {pid})' if pid else 'off'}")
    return "\n".join(lines)


def _need_tools() -> None:
    wanted = [name for tool in BUILT for name in tool.binaries]
    missing = [name for name in [*wanted, "pause"] if not (TOOLS_BIN / name).exists()]
    if missing or not unpacked("docker-registry").exists() or not wheels.folder().exists():
        names = ", ".join(missing) or "Debian's packages or wheels"
        raise LabError(f"depot [tools] missing: {names}. Fix: python3 -m lab.tools.get debian lab")


def _registry(address: str) -> list[str]:
    config = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(DATA)}, "delete": {"enabled": True}},
        "http": {"addr": f"{address}:{REGISTRY_PORT}"},
    }
    DATA.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(json.dumps(config))  # JSON is YAML
    return [str(unpacked("docker-registry") / "usr" / "bin" / "docker-registry"), "serve", str(CONFIG)]


def _serve(name: str, address: str, port: int, argv: Callable[[], list[str]], path: str) -> None:
    if process.running(name):
        return
    _need_port(name, address, port)
    process.start(name, argv())
    until = time.monotonic() + PATIENCE
    while not _answers(f"http://{address}:{port}{path}"):
        if not process.running(name) or time.monotonic() > until:
            process.stop(name)
            said = process.log(name).read_text(errors="replace").strip().splitlines()[-3:]
            raise LabError(f"depot [{name}] does not answer at {address}:{port}: {' / '.join(said)}")
        time.sleep(0.05)


def _need_port(name: str, address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                why = f"{address} is not an address of this machine. Fix: python -m lab up"
            else:
                why = f"port {port} of {address} is taken by another process. Fix: end it (ss -ltnp 'sport = :{port}')"
            raise LabError(f"depot [{name}] {why}") from error


def _answers(url: str) -> bool:
    # Never through a proxy: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=1):
            return True
    except OSError:
        return False
