"""Ports that containers publish: open as the site's firewall says, closed otherwise, as two other hosts see it.

Not proven: IPv6, Docker's own rules in nftables (Docker 29).
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.host import net_steps
from components.host.openings import Opening, site_networks
from components.hostrun.step import Step
from lab.hosts.inventory import GATEWAY as BRIDGE
from tests.scripts.docker_host import IMAGE, adopted
from tests.scripts.lab_host import HOST, LabHost, site_host
from tests.scripts.net_peers import PEER, peer, reaches

pytestmark = [pytest.mark.lab, pytest.mark.row("H17", "C1")]

PORTS = (8000, 8001, 8002)
SITE = site_networks([site_host(name="cp-1", address=PEER).address])
TABLE = "inet gpu_metal_published"


@pytest.fixture(scope="module")
def host() -> Iterator[LabHost]:
    """Its container answers on 8000, 8001 and 8002, which Docker opens to all."""
    with adopted(firewalls=True) as host:
        publish = " ".join(f"-p {port}:80" for port in PORTS)
        host.bash(f"docker run -d --restart always --name web {publish} {IMAGE} nc -ll -p 80 -e /busybox true")
        host.bash("timeout 120 bash -c 'until (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null; do sleep 0.2; done'")
        host.install()
        yield host


def firewall(kind: str) -> list[Step]:
    """8000 is open to all, 8001 to the site, 8002 to nobody."""
    allow = {"web": {"port": "8000"}}
    of = site_host(firewall={"kind": kind, "allow": allow})
    return net_steps.firewall(of, [Opening("metadata", "8001")], SITE, published=True)


def open_to() -> dict[str, set[int]]:
    ways = [(source, port) for source in (BRIDGE, PEER) for port in PORTS]
    with ThreadPoolExecutor() as pool:
        reached = list(pool.map(lambda way: reaches(HOST.address, way[1], way[0]), ways))
    return {
        s: {port for (source, port), is_open in zip(ways, reached, strict=True) if is_open and source == s}
        for s in (BRIDGE, PEER)
    }


AGAIN = {
    "nftables": ["systemctl restart docker"],
    "ufw": ["ufw reload", "systemctl restart docker"],
    "firewalld": ["firewall-cmd -q --reload", "systemctl restart docker"],
}


def spares_rules_of_others(host: LabHost) -> None:
    """firewalld before 1.2.5 flushes iptables when it reloads: rules such as those of pods with a hostPort."""
    rule = "PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.1.0.9:443"
    flushing = (
        '#!/bin/bash\n/usr/bin/firewall-cmd "$@" || exit\n[[ $* != *--reload ]] || iptables -t nat -F PREROUTING\n'
    )
    host.bash(
        f"iptables -t nat -A {rule}; cat >/usr/local/sbin/firewall-cmd; chmod 755 /usr/local/sbin/firewall-cmd",
        flushing,
    )
    host.bash("sed -i s/8000/8009/ /etc/firewalld/zones/gpu-metal.xml")
    assert host.apply("base", firewall("firewalld"))["firewall_firewalld"] == "changed"
    host.bash("rm /usr/local/sbin/firewall-cmd")
    assert f"-A {rule}" in host.bash("iptables-save -t nat")
    host.bash(f"iptables -t nat -D {rule}")


def without_ipv6(host: LabHost) -> str:
    """What check says of ufw on a kernel that was started with ipv6.disable=1."""
    host.bash("printf '#!/bin/bash\\nexit 3\\n' >/usr/local/sbin/ip6tables; chmod 755 /usr/local/sbin/ip6tables")
    said = host.bash("unshare -m bash -c 'mount -t tmpfs net /proc/sys/net && gpu-metal check --json' || true")
    host.bash("rm /usr/local/sbin/ip6tables")
    steps = {step["step"]: step for layer in json.loads(said)["layers"] for step in layer["steps"]}
    return str(steps["firewall_ufw"]["status"])


@pytest.mark.parametrize(
    "kind", ["nftables", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("ufw", "firewalld"))]
)
def test_a_port_that_is_not_opened_is_closed_whatever_docker_publishes(host: LabHost, kind: str) -> None:
    wanted = {BRIDGE: {8000}, PEER: {8000, 8001}}
    with peer():
        assert open_to() == {BRIDGE: set(PORTS), PEER: set(PORTS)}
        host.apply("base", firewall(kind))
        assert open_to() == wanted
        for again in AGAIN[kind]:
            host.bash(again)
            assert open_to() == wanted, again
        assert host.check() == {}
        host.bash(f"nft insert rule {TABLE} published accept")
        assert "the firewall's table inet gpu_metal_published is not as it" in next(iter(host.check().values()))[1]
        assert host.apply("base", firewall(kind))["firewall_nftables#published"] == "changed"
        if kind == "firewalld":
            spares_rules_of_others(host)
        if kind == "ufw":
            assert without_ipv6(host) == "ok"
        assert host.gpu_metal("undo base").returncode == 0
        assert "gpu_metal" not in host.bash("ls /etc/systemd/system; nft list tables")
        assert open_to() == {BRIDGE: set(PORTS), PEER: set(PORTS)}
