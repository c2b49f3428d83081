"""Preflight's look at the host's own network. Does not prove: how `ip` answers; the lab's hosts do."""

from pathlib import Path

import pytest

from components.hostrun.step import content
from stacks.plan import preflight
from tests.parts.load_balancer.unit.test_plan import site_of
from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[4] / "components/parts/load_balancer/steps/pool_segment.sh"
POOL = {"pool": "10.0.0.200-10.0.0.209 10.0.1.7-10.0.1.7", "segment": "10.0.0.0/23"}


@pytest.mark.row("L1", "H16")
@pytest.mark.parametrize(
    ("addresses", "holds"),
    [
        (["192.0.2.1/24", "10.0.0.1/23"], True),
        (["10.0.0.1/24"], False),
        (["10.0.1.1/24", "10.0.0.1/32"], False),
        ([], False),
    ],
)
def test_the_pool_is_in_a_network_of_the_host(tmp_path: Path, addresses: list[str], holds: bool) -> None:
    host = StepHost(tmp_path)
    lines = "".join(f"{n}: eth{n}    inet {each} scope global eth{n}\\n" for n, each in enumerate(addresses))
    host.program("ip", f"printf '{lines}'")
    status, said = host.call(step_of(tmp_path, STEP), "check", POOL)
    assert status == (0 if holds else 10)
    if not holds:
        assert said.startswith("no interface is in a network that has the pool 10.0.0.200-10.0.0.209")
        assert ("there are 10.0.0.1/24" in said) == (addresses == ["10.0.0.1/24"])


@pytest.mark.row("L1")
def test_hosts_that_are_to_answer_are_asked(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    asked = {name: {step.id for step in preflight(site, host)} for name, host in site.hosts.items()}
    assert [name for name, found in asked.items() if "pool_segment" in found] == ["one", "two"]
    routed = site_of(tmp_path, pool="192.0.2.0/28", bgp={"asn": 1, "peers": {"a": {"address": "10.0.0.254", "asn": 2}}})
    assert not any("pool_segment" in {step.id for step in preflight(routed, host)} for host in routed.hosts.values())
    assert [name for name, found in asked.items() if "pool_free" in found] == ["one"]


@pytest.mark.row("L1", "H16")
def test_another_machine_in_the_pool_is_a_remark(tmp_path: Path) -> None:
    host = StepHost(tmp_path)
    host.program("sleep", "true")
    known = "[[ $5 == 127.0.0.9 || $5 == 127.0.0.201 ]]"
    host.program("ip", f"if {known}; then echo $5 dev eth0 lladdr 02:00:00:00:00:09 REACHABLE; fi")
    inputs, peers = {"pool": "127.0.0.200-127.0.0.202"}, {"peers": "127.0.0.9\n"}
    script = step_of(tmp_path, STEP.with_name("pool_free.sh"))
    assert host.call(script, "check", inputs, bulk=peers) == (0, "")
    host.program("ip", f"if {known}; then echo $5 dev eth0 lladdr 02:00:00:00:00:$5 REACHABLE; fi")
    status, said = host.call(script, "check", inputs, bulk=peers)
    assert status == 0
    assert said.strip("\n\2").startswith(
        "a machine that is no host of this site answers for 127.0.0.201 (02:00:00:00:00:127.0.0.201): leave"
    )


def step_of(folder: Path, script: Path) -> Path:
    """The step with its library in front, as a host gets it."""
    whole = folder / script.name
    whole.write_text(content(script).decode())
    return whole
