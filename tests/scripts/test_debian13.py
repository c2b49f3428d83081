"""The base layer on a real Debian 13: names that differ there, a second run, and its removal."""

from collections.abc import Iterator

import pytest

from components.host import steps
from components.host.config import Host
from components.host.packages import packages
from lab.hosts import inventory
from tests.scripts.lab_host import LabHost, fresh, leaves_no_trace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.row("H3")]

HOST = inventory.host("deb13-1")


@pytest.fixture(scope="module")
def trixie() -> Iterator[LabHost]:
    with fresh(HOST) as host:
        host.bash("apt-get update -q >/dev/null")
        yield host


def site_host() -> Host:
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA", "os": "debian-13"}
    more = {"sysctl": {"net.ipv4.tcp_rmem": "4096 131072  6291456"}, "limits": {"nofile": 65536}, "packages": ["jq"]}
    more |= {"modules": ["overlay"], "swap": "off"}
    return Host.model_validate({**values, **more})


def test_base_holds_twice_is_mended_when_cut_and_leaves_no_trace(trixie: LabHost) -> None:
    assert "VERSION_CODENAME=trixie" in trixie.bash("cat /etc/os-release")
    around = steps.Around(peers=[(HOST.name, HOST.address)], domain="lab.example.org")
    assert trixie.questions(steps.preflight(site_host(), around)) == {}
    base = steps.base(site_host(), around)
    leaves_no_trace(trixie, {"base": [*base, packages(["@docker-cli", "@hold"], label="terms", hold=True)]})
