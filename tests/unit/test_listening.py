"""The one list of what listens: openings, ports that preflight wants free, and what two services want at once.

Does not prove: that a service listens where it says; tests/scripts and tests/lab do.
"""

from pathlib import Path
from typing import Any

import pytest

from components.host import listening
from components.host.config import Host
from components.host.listening import Listening
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.model import Site
from stacks.needed import listening as everything
from tests.unit.test_layers_in_a_row import GPU, SHIFTER, SQREAM

PLANE: dict[str, Any] = {"address": "10.0.0.1", "roles": ["control-plane", "worker"]}


def site_of(folder: Path, **said: Any) -> Site:
    return site_from({"hosts": {"one": {"address": "10.0.0.1"}}, **said}, stack="lab", folder=folder, keys=False)


def host(**more: Any) -> Host:
    return Host.model_validate({"name": "one", "address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA", **more})


def test_a_listening_service_knows_its_ports_or_that_it_has_none() -> None:
    assert Listening("a", "a", "80").ports == range(80, 81)
    assert Listening("a", "a", "80-82").ports == range(80, 83)
    assert [Listening("a", "a", text).ports for text in ("0", "82-80", "1-65536", "many")] == [None] * 4


@pytest.mark.row("H17")
def test_who_listens_on_loopback_has_no_opening(tmp_path: Path) -> None:
    site = site_of(tmp_path, kubernetes={}, hosts={"one": PLANE})
    found = {each.name: each for each in everything(site, site.hosts["one"])}
    assert {name for name, each in found.items() if each.opening is None} == {
        *("kubelet-health", "kube-proxy-metrics", "etcd-metrics", "controller-manager", "scheduler"),
    }
    assert found["kubernetes-api"].opening is not None


@pytest.mark.row("H17")
def test_what_the_operator_opens_is_no_service() -> None:
    of = host(firewall={"allow": {"web": {"port": "22"}}})
    assert [each.name for each in listening.listening(of)] == ["ssh"]
    assert [each.name for each in listening.openings(of)] == ["ssh", "dhcp-client", "dhcpv6-client", "web"]


@pytest.mark.row("H14", "H17")
def test_redsocks_listens_on_loopback_unless_other_hosts_use_it() -> None:
    own, others = (host(socks={"address": "10.0.0.9", "interfaces": names}) for names in ([], ["eth0"]))
    assert [each.opening is not None for each in listening.listening(own)] == [True, False]
    assert "redsocks" in {opening.name for opening in listening.openings(others)}


def test_each_name_of_an_opening_is_its_own(tmp_path: Path) -> None:
    site = site_of(
        tmp_path,
        gpu=GPU,
        hosts={"one": {"address": "10.0.0.1"}, "two": {"address": "10.0.0.2"}},
        platforms=[SQREAM, SHIFTER],
        registry={"host": "one", "passwordSecret": "registry"},
    )
    for each in site.active:
        names = [one.name for one in everything(site, each)]
        assert len(names) == len(set(names)) > 3


@pytest.mark.parametrize(
    ("said", "problems"),
    [
        ({"hosts": {"one": {"address": "10.0.0.1", "ssh": {"port": 12345}, "socks": {"address": "10.0.0.9"}}}}, 1),
        ({"hosts": {"one": {"address": "10.0.0.1", "ssh": {"port": 1080}, "socks": {"address": "10.0.0.9"}}}}, 0),
        ({"hosts": {"one": {**PLANE, "ssh": {"port": 8472}}}, "kubernetes": {}}, 0),  # flannel's is UDP
        ({"hosts": {"one": {**PLANE, "ssh": {"port": 32767}}}, "kubernetes": {}}, 1),
        ({"hosts": {"one": {**PLANE, "ssh": {"port": 32768}}}, "kubernetes": {}}, 0),
        ({"hosts": {"one": {**PLANE, "firewall": {"allow": {"api": {"port": "6443"}}}}}, "kubernetes": {}}, 0),
    ],
)
def test_only_services_of_one_protocol_meet(tmp_path: Path, said: dict[str, Any], problems: int) -> None:
    found: list[str] = []
    try:
        site_of(tmp_path, **said)
    except SiteError as error:
        found = error.lines
    assert len(found) == problems
    assert all(line.startswith("gpu-metal:site hosts.one.ssh.port: port ") for line in found)
