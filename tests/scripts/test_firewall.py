"""A host's firewall on an emulated host: what it lets in, whom it shuts out, and what a hand changed in it.

Real: nftables, firewalld and ufw of Debian 12, from two addresses of its network. Not proven: IPv6.
"""

from typing import Any

import pytest

from components.host import net_steps
from components.host.openings import Opening, site_networks
from components.hostrun.step import Step
from lab.hosts import faults
from lab.hosts.inventory import GATEWAY as BRIDGE
from tests.scripts.lab_host import HOST, LabHost, site_host
from tests.scripts.net_peers import PEER, POD, holds, peer, pod, reaches, undone

pytestmark = pytest.mark.lab

OPENINGS = (Opening("kubernetes-api", "6443"), Opening("etcd", "2379-2380"))


@pytest.fixture(scope="module", autouse=True)
def _library(spare: LabHost) -> None:
    """Each test leaves the host as it found it."""
    spare.install()


SITE = site_networks([site_host(name="cp-1", address=PEER).address])


def firewall(kind: str, allow: dict[str, Any], **more: Any) -> list[Step]:
    return net_steps.firewall(site_host(firewall={"kind": kind, "allow": allow}, **more), OPENINGS, SITE)


BY_HAND = {
    "nftables": (
        "nft add rule inet gpu_metal input tcp dport 9 accept",
        "table inet gpu_metal is not as it was loaded",
    ),
    "firewalld": ("firewall-cmd -q --zone=gpu-metal --add-port=9/tcp", "zone gpu-metal is not as it was loaded"),
    "ufw": ("ufw allow 9/tcp", "user.rules is not what the site needs: allow tcp 9 0.0.0.0/0"),
}


@pytest.mark.row("H17")
@pytest.mark.parametrize("kind", BY_HAND)
def test_a_firewall_lets_in_what_is_declared_forwards_and_sees_a_hand(spare: LabHost, kind: str) -> None:
    before = spare.snapshot()
    allow = {"web": {"port": "8000-8001"}, "peers": {"port": "7000", "sources": [f"{PEER}/32"]}}
    with peer(), pod(spare, 2380, 6443, 7000, 8001, 9):
        holds(spare, firewall(kind, allow))
        open_to = {
            source: {port for port in (9, 22, 2380, 6443, 7000, 8001) if reaches(HOST.address, port, source)}
            for source in (BRIDGE, PEER)
        }
        assert open_to == {BRIDGE: {22, 8001}, PEER: {22, 2380, 6443, 7000, 8001}}
        assert reaches(POD, 80)
        spare.bash(BY_HAND[kind][0])
        assert reaches(HOST.address, 9)
        assert BY_HAND[kind][1] in spare.check()[f"firewall_{kind}"][1]
        assert spare.apply("base", firewall(kind, {}))[f"firewall_{kind}"] == "changed"
        assert [port for port in (9, 8001) if reaches(HOST.address, port)] == []
        undone(spare, before)
        assert reaches(HOST.address, 9)


@pytest.mark.row("H17")
def test_a_firewall_that_would_close_ssh_closes_nothing(spare: LabHost) -> None:
    before = spare.snapshot()
    done = spare.run("base", firewall("nftables", {}, ssh={"port": 2222}))
    assert done.returncode == 1
    assert "has sshd on port 22, and the firewall would leave 2222 open. Nothing was closed. Fix: " in done.stderr
    assert "packages#firewall" not in done.stderr
    undone(spare, before)


@pytest.mark.row("H17")
def test_off_stops_a_firewall_and_undo_starts_it_again(spare: LabHost) -> None:
    unit = "[Service]\nExecStart=sleep inf\n[Install]\nWantedBy=multi-user.target\n"
    spare.bash("cat >/etc/systemd/system/firewalld.service; systemctl enable -q --now firewalld", unit)
    before = spare.snapshot()
    ask = "systemctl is-active firewalld || true; systemctl is-enabled firewalld || true"
    steps = net_steps.firewall(site_host(firewall={"kind": "off"}), OPENINGS, SITE)
    holds(spare, steps)
    assert spare.bash(ask) == "inactive\ndisabled\n"
    spare.bash("systemctl start firewalld")
    assert spare.check()["firewall_off"] == ("drift", "has firewalld active, wants no firewall")
    undone(spare, before)
    assert spare.bash(ask) == "active\nenabled\n"
    spare.bash("systemctl disable -q --now firewalld; rm /etc/systemd/system/firewalld.service")


@pytest.mark.row("H17")
def test_a_firewall_is_there_again_after_a_reboot(spare: LabHost) -> None:
    before, boot = spare.snapshot(), faults.boot_id(HOST)
    holds(spare, firewall("nftables", {}))
    spare.bash("systemctl reboot || true")
    faults.rebooted(HOST, boot)
    assert spare.check() == {}
    assert reaches(HOST.address, 22)
    undone(spare, before)
