"""Time from the site's own servers on an emulated host: in sync, and seen when it is not.

Not proven here: a clock that moves; it is the machine's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.host.packages import packages
from components.hostrun.step import Step
from tests.lab.ntp import time_server
from tests.scripts.lab_host import HOST, LabHost, fresh
from tests.scripts.net_peers import PEER, peer

pytestmark = [pytest.mark.lab, pytest.mark.row("H8")]

SCRIPTS = Path("components/host/steps").resolve()


@pytest.fixture(scope="module")
def host() -> Iterator[LabHost]:
    with fresh(HOST) as host:
        host.install()
        yield host


def steps(*servers: str) -> list[Step]:
    chrony = Step(SCRIPTS / "chrony.sh", {"servers": " ".join(servers)})
    return [packages(["@chrony"], label="chrony"), chrony, Step(SCRIPTS / "time_sync.sh")]


def answers(host: LabHost, *servers: str) -> dict[str, str]:
    """What preflight says."""
    return host.questions([Step(SCRIPTS / "time_answers.sh", {"servers": " ".join(servers)})])


def test_it_follows_the_sites_servers_from_the_start_on_and_says_when_none_answers(host: LabHost) -> None:
    with peer(), time_server(PEER):
        host.apply("base", steps(PEER))
        assert set(host.apply("base", steps(PEER)).values()) == {"unchanged"}
        assert host.bash("systemctl is-enabled chrony; systemctl is-active chrony") == "enabled\nactive\n"
        assert host.check() == {}
        assert answers(host, "10.213.77.250", PEER) == {}
    assert answers(host, PEER) == {
        "time_answers": f"has no answer from {PEER}, wants one time server that answers. "
        "Fix: correct timeServers in the site, or let UDP port 123 to them through"
    }
    host.bash("systemctl restart chrony")
    status, says = host.check()["time_sync"]
    assert (status, says.partition(" Fix: ")[0]) == (
        "drift",
        "has chrony without a server that it follows (Not synchronised), wants one in sync.",
    )


def test_a_server_more_is_asked_and_one_that_left_the_site_is_not(host: LabHost) -> None:
    asked = "chronyc -c -N sources -a | cut -d , -f 3"
    with peer(), time_server(PEER):
        changed = host.apply("base", steps(PEER, "10.213.77.250"))
        assert changed["chrony"] == "changed"
        assert {PEER, "10.213.77.250"} <= set(host.bash(asked).split())
        host.apply("base", steps(PEER))
        assert "10.213.77.250" not in host.bash(asked)
    host.bash("echo 'server 192.0.2.1' >>/etc/chrony/sources.d/90-gpu-metal.sources; systemctl disable -q chrony")
    says = host.check()["chrony"][1]
    assert says == "/etc/chrony/sources.d/90-gpu-metal.sources is not what timeServers says"
    host.remove()
    assert host.bash("ls /etc/chrony /etc/chrony/sources.d 2>/dev/null || true") == ""
