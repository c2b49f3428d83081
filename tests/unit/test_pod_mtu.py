"""The MTU of pods, held against the hosts' links. Does not prove: that packets of that size pass the switches."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from components.host.config import Host
from components.hostrun.step import content
from components.network import steps
from components.network.config import Network
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("K4")
STEP = Path(steps.__file__).parent / "steps/pod_mtu.sh"
INPUTS = {"address": "127.0.0.1", "mtu": "1500", "key": "network.pods.mtu"}


def host_of(network: Network) -> dict[str, dict[str, str]]:
    host = Host.model_validate({"name": "a", "address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA", "roles": ["worker"]})
    assert host.address == IPv4Address("10.0.0.1")
    return {step.id: dict(step.inputs) for step in steps.pod_network(host, network)}


@pytest.mark.parametrize(
    ("link", "status", "said"),
    [
        (1500, 0, ""),
        (
            1450,
            10,
            "of 1450 bytes, and those of pods have 1500. Nothing was changed. Fix: network.pods.mtu: 1450",
        ),
        (9000, 0, "eth0 carries packets of 9000 bytes, those of pods have 1500"),
    ],
)
def test_packets_of_pods_fit_the_link(tmp_path: Path, link: int, status: int, said: str) -> None:
    host, script, net = StepHost(tmp_path), tmp_path / "pod_mtu.sh", tmp_path / "net/eth0"
    net.mkdir(parents=True)
    (net / "mtu").write_text(f"{link}\n")
    script.write_text(content(STEP).decode().replace("/sys/class/net/", f"{tmp_path}/net/"))
    host.program("ip", "echo '2: eth0    inet 127.0.0.1/24 scope global eth0'")
    seen = host.call(script, "check", INPUTS)
    assert (seen[0], said in seen[1]) == (status, True)
    assert said or not seen[1].strip("\n\2")


def test_an_address_that_no_interface_has_is_not_judged(tmp_path: Path) -> None:
    host, script = StepHost(tmp_path), tmp_path / "pod_mtu.sh"
    script.write_text(content(STEP).decode())
    host.program("ip", "true")
    assert host.call(script, "check", INPUTS) == (0, "")


def test_flannel_takes_each_links_own_unless_the_site_says_one() -> None:
    assert "pod_mtu" not in host_of(Network())
    said = Network.model_validate(
        {"pods": {"kind": "flannel", "mtu": 9000, "values": {"flannel": {"backend": "vxlan"}}}}
    )
    assert host_of(said)["pod_mtu"]["mtu"] == "9000"
    assert steps.flannel_values(said)["flannel"] == {"backend": "vxlan", "mtu": 9000}
    assert host_of(Network.model_validate({"pods": {"kind": "bridge"}}))["pod_mtu"]["mtu"] == "1500"
