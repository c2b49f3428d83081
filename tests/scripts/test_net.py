"""A host's way out and the names it finds, on an emulated host; and what preflight says of its network.

Real: apt's and sudo's proxies, services' variables, redsocks through a SOCKS5 server, resolv.conf, systemd-resolved,
a path that loses large packets. Not proven: DHCP clients, IPv6.
"""

from typing import Any

import pytest

from components.host import net_steps
from components.host.repositories import AptRepository
from components.hostrun.step import Step
from lab.hosts.command import run
from lab.hosts.inventory import GATEWAY as BRIDGE
from ops.rows import ROOT
from tests.lab.names import name_server
from tests.scripts import gpu_container
from tests.scripts.lab_host import HOST, LabHost, site_host
from tests.scripts.net_peers import (
    PEER,
    free_port,
    holds,
    pod,
    reaches,
    socks_server,
    tcp,
    undone,
    web_server,
)

pytestmark = pytest.mark.lab

PEERS = [("cp-1", PEER), (HOST.name, HOST.address)]
NO_PROXY = net_steps.no_proxy(PEERS, domain="lab.example.org", cluster_domain="cluster.local")
KNOWN = "depot.lab.example.org"
FOUND = {KNOWN: "192.0.2.7"}.get


@pytest.fixture(scope="module", autouse=True)
def _library(spare: LabHost) -> None:
    """Each test leaves the host as it found it."""
    spare.install()


def proxied(port: int, **more: Any) -> list[Step]:
    host = site_host(proxy={"http": f"http://{BRIDGE}:{port}", **more})
    return net_steps.proxy(host, NO_PROXY, services=["containerd", "kubelet"])


@pytest.mark.row("H14")
def test_proxies_reach_every_consumer_and_leave_with_the_site(spare: LabHost) -> None:
    spare.bash("echo 'LC_TIME=C' >/etc/environment")
    before, port, asked = spare.snapshot(), free_port(), list[str]()
    with web_server(port, {"http://mirror.example.org/InRelease": 200}, asked):
        holds(spare, proxied(port))
        fetch = "/usr/lib/apt/apt-helper download-file http://{}/InRelease /tmp/answer"
        spare.bash(fetch.format("mirror.example.org"))
        spare.bash(f"! {fetch.format(HOST.address)}")  # direct: nobody listens there
    assert asked == ["http://mirror.example.org/InRelease"]
    login = "su - deploy -c 'sudo -n env' | grep -i _proxy= | sort"
    wanted = {"http_proxy": f"http://{BRIDGE}:{port}", "https_proxy": f"http://{BRIDGE}:{port}", "no_proxy": NO_PROXY}
    both = {**wanted, **{name.upper(): value for name, value in wanted.items()}}
    assert dict(line.split("=", 1) for line in spare.bash(login).splitlines()) == both
    spare.bash("echo 'TZ=UTC' >>/etc/environment")
    holds(spare, proxied(port + 1))
    spare.bash("sed -i '/^TZ=/d' /etc/environment")
    undone(spare, before)
    assert spare.bash(f"{login} || true") == ""


@pytest.mark.row("H14")
def test_a_service_takes_a_new_proxy_but_not_under_containers_that_would_lose_their_gpus(spare: LabHost) -> None:
    unit = "[Service]\nExecStart=sleep inf\n"
    spare.bash("cat >/etc/systemd/system/containerd.service; systemctl start containerd", unit)
    before = spare.snapshot()
    seen = "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID containerd)/environ | sed -n 's/^http_proxy=//p'"
    holds(spare, proxied(3128))
    assert spare.bash(seen) == f"http://{BRIDGE}:3128\n"
    # The first has all devices of the host, as a privileged pod; systemd knows of no GPU that the second has.
    for name, policy, port in (("privileged", "DevicePolicy=auto", 3129), ("container", gpu_container.STRICT, 3130)):
        gpu_container.start(spare, name, policy)
        holds(spare, proxied(port))
        assert spare.bash(seen) == f"http://{BRIDGE}:3129\n"
    spare.bash("systemctl stop container.scope privileged.scope")
    assert spare.check()["proxy"] == ("drift", "containerd runs with other proxies than the site's")
    holds(spare, proxied(3130))
    assert spare.bash(seen) == f"http://{BRIDGE}:3130\n"
    undone(spare, before)
    assert spare.bash(seen) == ""
    spare.bash("systemctl stop containerd; rm /etc/systemd/system/containerd.service; systemctl daemon-reload")


@pytest.mark.row("H14")
def test_redsocks_takes_tcp_to_a_socks_server_and_leaves_the_site_alone(spare: LabHost) -> None:
    before, port, asked = spare.snapshot(), free_port(), list[str]()
    ask = "exec 3<>/dev/tcp/{}; timeout 5 head -n 1 <&3"
    with socks_server(port, asked), tcp(port + 1000, lambda client: client.sendall(b"direct\n")):
        steps = net_steps.socks(site_host(socks={"address": BRIDGE, "port": port, "interfaces": ["cni0"]}))
        holds(spare, steps)
        assert spare.bash(ask.format("203.0.113.7/443")) == "203.0.113.7:443\n"
        assert spare.bash(ask.format(f"{BRIDGE}/{port + 1000}")) == "direct\n"
        with pod(spare, 9):
            assert spare.bash(f"ip netns exec pod bash -c '{ask.format('203.0.113.8/80')}'") == "203.0.113.8:80\n"
        assert asked == ["203.0.113.7:443", "203.0.113.8:80"]
        assert not reaches(HOST.address, 12345)
        spare.bash("nft flush chain ip gpu_metal_socks redirected")
        assert spare.check()["socks"] == ("drift", "the table ip gpu_metal_socks is not as it was loaded")
        direct = {"address": BRIDGE, "port": port, "direct": ["203.0.113.0/24"]}
        holds(spare, net_steps.socks(site_host(socks=direct)))
        spare.bash(f"! timeout 1 bash -c '{ask.format('203.0.113.7/443')}'")
        assert spare.bash(ask.format("198.51.100.9/80")) == "198.51.100.9:80\n"
        assert asked[2:] == ["198.51.100.9:80"]
    undone(spare, before)
    assert "gpu_metal_socks" not in spare.bash("ip -br address; nft list tables 2>&1 || true")


@pytest.mark.row("H15")
def test_names_are_asked_of_the_sites_servers(spare: LabHost) -> None:
    spare.bash("mkdir -p /etc/dhcp/dhclient-enter-hooks.d; ln -s /bin/true /usr/sbin/dhclient")
    before, file = spare.snapshot(), spare.bash("cat /etc/resolv.conf")
    host = site_host(dns={"servers": [BRIDGE]})
    with name_server(BRIDGE, FOUND):
        holds(spare, net_steps.dns(host, "lab.example.org"))
        assert spare.bash("getent ahostsv4 depot | head -n 1 | cut -d' ' -f1") == "192.0.2.7\n"
    assert spare.bash("cat /etc/resolv.conf") == f"# gpu-metal\nnameserver {BRIDGE}\nsearch lab.example.org\n"
    hook = ". /etc/dhcp/dhclient-enter-hooks.d/gpu-metal-dns; make_resolv_conf; cat /etc/resolv.conf"
    assert BRIDGE in spare.bash(f"make_resolv_conf() {{ >/etc/resolv.conf; }}; {hook}")
    spare.bash("echo 'nameserver 192.0.2.1' >/etc/resolv.conf")
    assert spare.check()["dns"][0] == "drift"
    holds(spare, net_steps.dns(host, None))
    undone(spare, before)
    assert spare.bash("cat /etc/resolv.conf") == file
    spare.bash("rm -r /etc/dhcp /usr/sbin/dhclient")
    holds(spare, net_steps.dns(host, None))
    spare.bash("mkdir -p /etc/dhcp/dhclient-enter-hooks.d")
    assert spare.check() == {}, "the folder alone, as samba-common brings it, is no dhclient"
    undone(spare, before)
    spare.bash("rm -r /etc/dhcp")


@pytest.mark.row("N8")
def test_a_silent_name_server_is_seen_from_the_host_and_from_the_network_of_coredns(spare: LabHost) -> None:
    before = spare.snapshot()
    spare.bash("cp -a /etc/resolv.conf /root; cp /bin/sleep /run/coredns")
    spare.bash(
        f"printf 'nameserver {BRIDGE}\nnameserver {PEER}\n' >/etc/resolv.conf; cp /etc/resolv.conf /run/pod.conf"
    )
    asked = (ROOT / "ops/name_servers.sh").read_text()
    with pod(spare), name_server(BRIDGE, FOUND):
        spare.bash(
            "systemd-run -q --service-type=exec --unit=coredns --property=NetworkNamespacePath=/run/netns/pod "
            "--property=BindReadOnlyPaths=/run/pod.conf:/etc/resolv.conf /run/coredns infinity"
        )
        found = spare.bash("bash -s", asked).splitlines()
        spare.bash("systemctl stop coredns")
    assert sorted(found) == [
        f"host {BRIDGE} answers",
        f"host {PEER} silent",
        f"pods {BRIDGE} answers",
        f"pods {PEER} silent",
    ]
    spare.bash("mv /root/resolv.conf /etc/resolv.conf; rm /run/coredns /run/pod.conf")
    undone(spare, before)


@pytest.mark.row("H15")
def test_systemd_resolved_is_told_the_name_servers(spare: LabHost) -> None:
    spare.bash(
        "cp -a /etc/resolv.conf /root; apt-get update -qq; apt-get install -y -qq systemd-resolved >/dev/null 2>&1"
    )
    before, seen = spare.snapshot(), "sed -n '/^nameserver/p' /run/systemd/resolve/resolv.conf"
    with name_server(BRIDGE, FOUND):
        holds(spare, net_steps.dns(site_host(dns={"servers": [BRIDGE]}), "lab.example.org"))
        assert spare.bash("getent ahostsv4 depot | head -n 1 | cut -d' ' -f1") == "192.0.2.7\n"
    assert spare.bash(seen) == f"nameserver {BRIDGE}\n"
    undone(spare, before)
    assert spare.bash(seen) == ""
    spare.bash("apt-get purge -y -qq systemd-resolved >/dev/null 2>&1; mv /root/resolv.conf /etc/resolv.conf")


@pytest.mark.row("H16")
def test_preflight_asks_sources_and_registries_by_the_way_that_the_host_will_take(spare: LabHost) -> None:
    port, asked = free_port(), list[str]()
    depot = f"http://{BRIDGE}:{port}"
    away = "http://apt.example.org/debian/dists/bookworm/InRelease"
    statuses = {"/flat/Release": 200, away: 200, "/v2/": 401}
    sources = {
        "flat": AptRepository.model_validate({"url": f"{depot}/flat", "suite": "./"}),
        "away": AptRepository.model_validate(
            {"url": "http://apt.example.org/{os}", "suite": "{codename}", "components": ["main"]}
        ),
    }
    host = site_host(proxy={"http": depot})
    questions = net_steps.checks(host, PEERS, no_proxy=BRIDGE, repositories=sources, mirrors=[depot])
    with web_server(port, statuses, asked):
        assert spare.questions(questions) == {}
        assert asked == ["/flat/InRelease", "/flat/Release", away, "/v2/"]
        statuses.clear()
        said = spare.questions(questions)
    assert said["reachable#repositories-1"] == (
        f"has 404 from {depot}/flat/Release, wants 200 (without a proxy)."
        " Fix: correct the address in the site, or let the host through to it"
    )
    assert said["reachable#repositories-2"].startswith(
        f"has 404 from {away.replace('InRelease', 'Release')}, wants 200 (through {depot})"
    )
    assert said["reachable#registries"].startswith(f"has 404 from {depot}/v2/, wants 200 or 401 (without a proxy)")
    refused = spare.questions(questions)["reachable#registries"]
    assert refused.startswith("has ")
    assert "refused" in refused


@pytest.mark.row("H15", "H16")
def test_preflight_asks_each_name_server_for_the_names_of_the_site(spare: LabHost) -> None:
    def asked(*servers: str) -> str:
        sources = {"depot": AptRepository.model_validate({"url": f"http://{KNOWN}/apt"})}
        host = site_host(dns={"servers": servers}) if servers else site_host()
        questions = [s for s in net_steps.checks(host, PEERS, repositories=sources) if s.id == "dns_resolves"]
        return spare.questions(questions).get("dns_resolves", "")

    with name_server(BRIDGE, FOUND):
        assert asked(BRIDGE) == ""
        assert asked(BRIDGE, PEER).startswith(f"has no answer from name server {PEER}. Wants them found. Fix: ")
    with name_server(BRIDGE):
        assert asked(BRIDGE).startswith(f"has {KNOWN} refused by name server {BRIDGE} (code 3).")
    assert asked().startswith(f"has {KNOWN} unknown to the host's own name servers.")


@pytest.mark.row("H2", "H16", "H18")
def test_preflight_sees_an_interface_that_is_absent_down_or_another(spare: LabHost) -> None:
    def seen(**named: Any) -> str:
        questions = [s for s in net_steps.checks(site_host(interfaces=named), PEERS) if s.id == "interfaces"]
        return spare.questions(questions).get("interfaces", "").partition(". Fix: ")[0]

    spare.bash("ip link add ib0 type veth peer name ib1")
    assert seen(internal="host0", external="host0", mtu=1500) == ""
    assert seen(internal="eth0").startswith("has no interface eth0 (internal), but ")
    assert seen(data="ib0") == "has ib0 (data) down, wants it up"
    spare.bash("ip link set ib1 up; ip link set ib0 up")
    assert seen(internal="ib0", data="host0", mtu=9000) == (
        f"has ib0 (internal) without {HOST.address}, wants it there; MTU 1500 on ib0 (internal), wants 9000; "
        "MTU 1500 on host0 (data), wants 9000"
    )
    spare.bash("ip link delete ib0")


@pytest.mark.row("H18")
def test_preflight_measures_the_path_to_the_neighbours(spare: LabHost) -> None:
    def measured(mtu: int) -> dict[str, str]:
        host = site_host(interfaces={"internal": "host0", "mtu": mtu})
        questions = net_steps.checks(host, [(HOST.name, HOST.address), ("gate", BRIDGE)])
        return spare.questions([s for s in questions if s.id == "mtu"])

    assert measured(1500)["mtu"].startswith("has no ping, wants it to measure the path. Fix: install iputils-ping")
    spare.bash("apt-get update -qq; apt-get install -y -qq iputils-ping >/dev/null")
    assert measured(1500) == {}
    run("ip", "link", "set", HOST.link, "mtu", "1400")  # a switch port of less: what is larger vanishes there
    try:
        lost = measured(1500)["mtu"]
    finally:
        run("ip", "link", "set", HOST.link, "mtu", "1500")
    spare.bash("apt-get purge -y -qq iputils-ping >/dev/null")
    assert lost.startswith(f"has packets of 1500 bytes lost on the way to {BRIDGE}, wants them to pass. Fix: ")
