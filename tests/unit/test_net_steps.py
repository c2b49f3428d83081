"""What a host's network gets from its config, as text. That it does what it says is proven in tests/scripts only."""

from ipaddress import ip_network
from typing import Any

import pytest

from components.host import firewalls, net_steps, preflight
from components.host.config import Host
from components.host.openings import Opening, site_networks
from components.host.repositories import AptRepository, DnfRepository, Repository
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.kubernetes import needed as kubernetes
from components.network import listening as network
from components.network.config import Network

PEERS = [("cp-1", "10.0.0.11"), ("gpu-1", "10.0.0.31"), ("gpu-2", "10.0.0.32"), ("gpu-3", "10.0.0.33")]


def host(**more: Any) -> Host:
    values = {"name": "gpu-1", "address": "10.0.0.31", "hostKey": "ssh-ed25519 AAAA", **more}
    return Host.model_validate(values)


def by_id(steps: list[Step]) -> dict[str, Step]:
    return {step.id: step for step in steps}


SITE = site_networks([host().address, host(address="10.0.0.30").address, host(address="fd00::1").address])


def test_a_plain_host_has_no_network_step() -> None:
    plain = host()
    made = [net_steps.dns(plain, "example.org"), net_steps.proxy(plain, "localhost"), net_steps.socks(plain)]
    made += [net_steps.firewall(plain, [Opening("api", "6443")], SITE), net_steps.selinux(plain)]
    made += [net_steps.checks(plain, PEERS)]
    assert made == [[]] * 6


@pytest.mark.row("H15")
def test_the_sites_domain_is_searched_where_nothing_else_is_named() -> None:
    of = host(dns={"servers": ["10.0.0.53", "fd00::53"]})
    assert net_steps.dns(of, "nodes.example.org")[0].inputs == {
        "servers": "10.0.0.53 fd00::53",
        "search": "nodes.example.org",
    }
    named = host(dns={"servers": ["10.0.0.53"], "search": ["a.org", "b.org"]})
    assert net_steps.dns(named, "example.org")[0].inputs["search"] == "a.org b.org"


@pytest.mark.row("H14")
def test_no_proxy_has_the_sites_own() -> None:
    text = net_steps.no_proxy(
        PEERS[:2], domain="example.org", subnets=[ip_network("10.244.0.0/16")], cluster_domain="k.local", more=["m.org"]
    )
    assert text == (
        "localhost,.example.org,.svc,.k.local,m.org,127.0.0.1,::1,cp-1,gpu-1,10.0.0.11,10.0.0.31,10.244.0.0/16"
    )
    step = net_steps.proxy(host(proxy={"http": "http://p:1"}), text, services=["docker"])[0]
    assert step.inputs == {"http": "http://p:1", "https": "http://p:1", "services": "docker"}
    assert step.bulk == {"no_proxy": text}


@pytest.mark.row("H17")
def test_a_layer_opens_its_own_ports_and_no_other() -> None:
    plane = host(name="cp-1", address="10.0.0.11", roles=["control-plane"])
    assert [(o.name, o.port, o.sources) for o in kubernetes.listening(plane, [plane]) if o.opening][:2] == [
        ("kubernetes-api", "6443", "any"),
        ("etcd", "2379-2380", (ip_network("10.0.0.11/32"),)),
    ]
    assert [o.port for o in kubernetes.listening(host(), [plane]) if o.opening] == [
        "10250",
        "10256",
        "30000-32767",
        "30000-32767",
    ]

    def flannel(**values: Any) -> list[tuple[str, str]]:
        pods = {"kind": "flannel", "values": {"flannel": values}}
        return [(o.port, o.protocol) for o in network.listening(Network.model_validate({"pods": pods}))]

    assert flannel() == [("8472", "udp")]
    assert flannel(backendPort=4789) == [("4789", "udp")]
    assert flannel(backend="host-gw") == []
    assert network.listening(Network.model_validate({"pods": {"kind": "bridge"}})) == ()


@pytest.mark.row("H17")
def test_each_kind_of_firewall_says_the_same_openings() -> None:
    assert list(map(str, SITE)) == ["10.0.0.30/31", "fd00::1/128"]
    openings = [
        Opening("ssh", "22", sources="any"),
        Opening("api", "6443"),
        Opening("web", "80-81", "udp", (ip_network("10.9.0.0/16"), ip_network("fd09::/64"))),
    ]
    rules = [line.strip() for line in firewalls.nftables(openings, SITE).splitlines() if "comment" in line]
    assert rules[1:] == [
        'tcp dport 22 accept comment "ssh"',
        'ip saddr @site4 tcp dport 6443 accept comment "api"',
        'ip6 saddr @site6 tcp dport 6443 accept comment "api"',
        'ip saddr { 10.9.0.0/16 } udp dport 80-81 accept comment "web"',
        'ip6 saddr { fd09::/64 } udp dport 80-81 accept comment "web"',
    ]
    zone = firewalls.firewalld_zone(openings).splitlines()
    assert '  <port port="22" protocol="tcp"/>' in zone
    from_network = '<source address="fd09::/64"/><port port="80-81" protocol="udp"/><accept/>'
    assert f'  <rule family="ipv6">{from_network}</rule>' in zone
    assert "<entry>10.0.0.30/31</entry>" in firewalls.firewalld_ipset(SITE, family="ipv4")
    added = [line for line in firewalls.ufw_rules(openings, SITE, family="ipv6").splitlines() if line.startswith("-A")]
    assert added == [
        "-A ufw6-user-input -p tcp --dport 22 -j ACCEPT",
        "-A ufw6-user-input -p tcp --dport 6443 -s fd00::1 -j ACCEPT",
        "-A ufw6-user-input -p udp -m multiport --dports 80:81 -s fd09::/64 -j ACCEPT",
    ]


@pytest.mark.row("H17")
@pytest.mark.parametrize("kind", ["nftables", "firewalld", "ufw"])
def test_a_firewall_comes_after_ssh_is_sure_and_before_others_go(kind: str) -> None:
    of = host(ssh={"port": 2222}, firewall={"kind": kind, "allow": {"web": {"port": "80"}}})
    made = by_id(net_steps.firewall(of, [Opening("api", "6443")], SITE))
    first, last = next(iter(made)), list(made)[-2:]
    assert (first, last) == ("ssh_stays_open", [f"firewall_{kind}", "firewall_off"])
    assert made["ssh_stays_open"].inputs == {"ports": "2222 80"}
    assert net_steps.checks(of, PEERS) == [made["ssh_stays_open"]]
    assert made["packages#firewall"].inputs["names"] == f"@{kind}"
    with pytest.raises(ValueError, match=r"gpu-1: more than one opening of the firewall is called \['web'\]"):
        net_steps.firewall(of, [Opening("web", "81")], SITE)


@pytest.mark.row("H17")
@pytest.mark.parametrize("kind", ["nftables", "firewalld", "ufw"])
def test_ports_that_containers_publish_have_the_same_openings_in_a_table_of_their_own(kind: str) -> None:
    of = host(firewall={"kind": kind, "allow": {"web": {"port": "80-81", "sources": ["10.0.0.0/8"]}}})
    made = by_id(net_steps.firewall(of, [Opening("api", "6443")], SITE, published=True))
    assert list(made)[-3:] == [f"firewall_{kind}", "firewall_nftables#published", "firewall_off"]
    assert "@nftables" in made["packages#firewall"].inputs["names"].split()
    step = made["firewall_nftables#published"]
    assert step.inputs == {"table": "gpu_metal_published"}
    for line in (
        "ct status dnat jump published",
        'meta l4proto tcp ct original proto-dst 22 accept comment "ssh"',
        'ip saddr @site4 meta l4proto tcp ct original proto-dst 6443 accept comment "api"',
        'ip saddr { 10.0.0.0/8 } meta l4proto tcp ct original proto-dst 80-81 accept comment "web"',
    ):
        assert line in step.bulk["rules"]
    off = host(firewall={"kind": "off"})
    assert list(by_id(net_steps.firewall(off, [], SITE, published=True))) == ["firewall_off"]


@pytest.mark.row("H16")
def test_sources_are_asked_by_the_way_that_the_host_takes() -> None:
    sources: dict[str, Repository] = {
        "flat": AptRepository.model_validate({"url": "http://10.0.0.9/apt/", "suite": "./"}),
        "deb": AptRepository.model_validate({"url": "https://deb.org/debian", "suite": "{codename}"}),
        "slash": AptRepository.model_validate({"url": "http://m.example.org/k", "suite": "/"}),
        "rpm": DnfRepository.model_validate({"kind": "dnf", "url": "https://rpm.org/9"}),
    }
    of = host(proxy={"http": "http://p:1", "https": "http://p:2"})
    made = by_id(net_steps.checks(of, PEERS, no_proxy=".example.org,10.0.0.0/24", repositories=sources))
    assert list(made) == ["dns_resolves", "reachable#repositories-1", "reachable#repositories-2"]
    assert made["dns_resolves"].inputs["names"] == "m.example.org"
    assert made["reachable#repositories-1"].inputs == {
        "urls": "http://10.0.0.9/apt/InRelease|http://10.0.0.9/apt/Release "
        "http://m.example.org/k/InRelease|http://m.example.org/k/Release",
        "accept": "200",
    }
    through = made["reachable#repositories-2"].inputs
    assert through["proxy"] == "http://p:2"
    assert through["urls"].startswith("https://deb.org/debian/dists/{codename}/InRelease|")
    rocky = by_id(net_steps.checks(host(os="rocky-9.4"), PEERS, repositories=sources))
    assert rocky["reachable#repositories"].inputs["urls"] == "https://rpm.org/9/repodata/repomd.xml"
    socks = host(socks={"address": "10.0.0.9"})
    assert [step.id for step in net_steps.checks(socks, PEERS, repositories=sources)] == ["dns_resolves"]


@pytest.mark.row("H18")
def test_each_host_measures_the_path_to_the_next_two() -> None:
    def next_of(name: str) -> str:
        of = host(name=name, interfaces={"internal": "eth0", "mtu": 9000})
        return by_id(net_steps.checks(of, PEERS))["mtu"].inputs["peers"]

    assert next_of("gpu-1") == "10.0.0.32 10.0.0.33"
    assert next_of("gpu-3") == "10.0.0.11 10.0.0.31"
    interfaces = by_id(net_steps.checks(host(interfaces={"data": "ib0", "mtu": 9000}), PEERS))["interfaces"]
    assert interfaces.inputs == {"address": "10.0.0.31", "data": "ib0", "mtu": "9000"}


@pytest.mark.row("H18")
def test_an_mtu_unlike_the_others_is_named() -> None:
    def seen(address: str, mtu: int) -> preflight.Seen:
        facts = {"addresses": [{"interface": "eth0", "address": f"{address}/24", "mtu": mtu}]}
        return preflight.Seen(facts, offset=0, doubt=0)

    targets = {name: Target(name, address, 22, "root", "ssh-ed25519 AAAA") for name, address in PEERS}
    answers = {name: seen(address, 1500 if name == "gpu-2" else 9000) for name, address in PEERS[:3]}
    answers["gpu-3"] = seen("192.0.2.1", 1400)  # behind NAT: none of its interfaces has the site's address
    found = preflight._across(answers, targets)["mtu-equal"]
    assert [(check.host, check.status) for check in found if check.status != "ok"] == [("gpu-2", "failed")]
    assert str(found[2]).startswith("gpu-2 [mtu-equal] MTU 1500 on eth0, where others have 9000. Fix: ip link set eth0")
