"""What stands around an emulated host in the tests of its network: listeners, a pod, servers on the bridge."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from components.hostrun.step import Step
from lab.hosts.inventory import BRIDGE as DEVICE
from lab.hosts.inventory import GATEWAY as BRIDGE
from tests.lab.datagrams import serving
from tests.scripts.lab_host import WORKER, LabHost

PEER = f"10.213.77.{98 - WORKER}"
"""Another host of the site, for as long as `peer` lasts."""
_PODS = f"10.244.{9 + WORKER}"
POD = f"{_PODS}.2"
_LISTEN = """
use IO::Socket::INET; my @s = map { IO::Socket::INET->new(LocalPort => $_, Listen => 9, ReuseAddr => 1) or die } @ARGV;
sleep;
"""


USERS = {"/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/xml"}
"""What scripts of firewalld's and redsocks' packages leave: system users, which Debian does not delete."""


def holds(host: LabHost, steps: Sequence[Step]) -> None:
    """Applied, and nothing left to do."""
    host.apply("base", steps)
    assert set(host.apply("base", steps).values()) == {"unchanged"}
    assert host.check() == {}


def undone(host: LabHost, before: Any) -> None:
    """All is as it was."""
    done = host.gpu_metal("undo base")
    assert done.returncode == 0, done.stderr
    after = host.snapshot()
    left = {
        name
        for part in ("files", "packages", "units")
        for name in {*before[part], *after[part]}
        if before[part].get(name) != after[part].get(name)
        and not name.startswith(("/var/lib/gpu-metal", "/var/lib/ucf"))
    }
    assert left - USERS == set()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def peer() -> Iterator[None]:
    """The machine has PEER too."""
    _ip("address", "add", f"{PEER}/32", "dev", DEVICE)
    try:
        yield
    finally:
        _ip("address", "delete", f"{PEER}/32", "dev", DEVICE)


@contextlib.contextmanager
def pod(host: LabHost, *ports: int) -> Iterator[None]:
    """The host forwards to a pod at POD that listens on port 80, and itself listens on `ports`."""
    host.bash(f"""
        echo 1 >/proc/sys/net/ipv4/ip_forward
        ip netns add pod; ip link add cni0 type veth peer name eth0 netns pod; ip link set cni0 up
        ip address add {_PODS}.1/24 dev cni0
        ip -n pod address add {POD}/24 dev eth0; ip -n pod link set eth0 up; ip -n pod route add default via {_PODS}.1
        cat >/run/listen.pl
        systemd-run -q --service-type=exec --unit=listen perl /run/listen.pl {" ".join(map(str, ports))}
        systemd-run -q --service-type=exec --unit=listen-pod --property=NetworkNamespacePath=/run/netns/pod \\
            perl /run/listen.pl 80
        """, _LISTEN)  # fmt: skip
    _ip("route", "replace", f"{_PODS}.0/24", "via", host.machine.address)
    try:
        yield
    finally:
        _ip("route", "delete", f"{_PODS}.0/24")
        host.bash("systemctl stop listen listen-pod; rm /run/listen.pl; ip link delete cni0; ip netns delete pod")


def reaches(address: str, port: int, source: str = BRIDGE) -> bool:
    """Does a connection come about?"""
    try:
        socket.create_connection((address, port), timeout=1.5, source_address=(source, 0)).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def tcp(port: int, talk: Callable[[socket.socket], None]) -> Iterator[None]:
    """A TCP server on the bridge."""

    def answer(server: socket.socket) -> None:
        client, _ = server.accept()
        client.settimeout(5)
        with client:
            talk(client)

    with socket.create_server((BRIDGE, port)) as server, serving(server, answer):
        yield


@contextlib.contextmanager
def socks_server(port: int, asked: list[str]) -> Iterator[None]:
    """A SOCKS5 proxy (RFC 1928) that notes what it was asked for, and answers for it: `ADDRESS:PORT`."""

    def talk(client: socket.socket) -> None:
        client.recv(257)
        client.sendall(b"\5\0")
        request = client.recv(10)
        target = f"{socket.inet_ntoa(request[4:8])}:{int.from_bytes(request[8:10])}"
        asked.append(target)
        client.sendall(b"\5\0\0\1" + bytes(6) + target.encode() + b"\n")

    with tcp(port, talk):
        yield


@contextlib.contextmanager
def web_server(port: int, statuses: dict[str, int], seen: list[str]) -> Iterator[None]:
    """An HTTP server and proxy on the bridge: a status by path (or by address, as proxies are asked), else 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(statuses.get(self.path, 404))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer((BRIDGE, port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


_ports = count(18_080 + 100 * WORKER)


def free_port() -> int:
    """Another one each time."""
    return next(_ports)
