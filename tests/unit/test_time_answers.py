"""Preflight's question to the time servers: a name that only the site's own dns knows refuses no host.

Does not prove: how a time server answers; tests/scripts/test_time.py asks a real one.
"""

from pathlib import Path

import pytest

from components.host import net_steps
from tests.unit.step_host import StepHost
from tests.unit.test_net_steps import PEERS, by_id
from tests.unit.test_net_steps import host as site_host

ANSWERS = Path(__file__).parents[2] / "components/host/steps/time_answers.sh"


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    """It knows the name lost.example.org, where nobody answers."""
    host = StepHost(tmp_path)
    host.program("getent", "[[ $2 == lost.example.org || $2 == 192.* ]]")
    host.program("timeout", 'shift; [[ $1 != bash ]] && exec "$@"')
    return host


@pytest.mark.row("H8", "H16")
def test_a_name_that_the_host_does_not_know_yet_is_left_open(host: StepHost) -> None:
    status, said = host.call(ANSWERS, "check", {"servers": "lost.example.org ntp.site.example"})
    assert (status, said.strip("\2")) == (
        0,
        "cannot ask ntp.site.example for the time yet: this host does not know the name before the site's dns is set",
    )
    status, said = host.call(ANSWERS, "check", {"servers": "lost.example.org 192.0.2.1"})
    assert status == 10
    assert said.startswith("has no answer from lost.example.org; no answer from 192.0.2.1, wants one time server")


@pytest.mark.row("H16")
def test_the_sites_name_servers_are_asked_for_the_names_of_time_servers() -> None:
    name, _ = PEERS[1]
    of = site_host(timeServers=["ntp.site.example", "192.0.2.1", name, f"{name}.example.org"])
    assert by_id(net_steps.checks(of, PEERS))["dns_resolves"].inputs["names"] == "ntp.site.example"
