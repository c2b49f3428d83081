"""A bridge of the host that has a name like Docker's, seen by the step of the ports that containers publish.

Does not prove: what the rules do; tests/scripts/test_published.py asks them from other hosts.
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/host/steps/firewall_nftables.sh"
RULES = {"rules": "table inet x {}"}


@pytest.mark.row("H17", "C1")
@pytest.mark.parametrize(
    ("table", "named"), [("gpu_metal_published", "by br-mgmt br-data passes for"), ("gpu_metal", "")]
)
def test_a_bridge_that_is_not_dockers_is_named(tmp_path: Path, table: str, named: str) -> None:
    host = StepHost(tmp_path)
    for name in ("nft", "unshare", "systemctl"):
        host.program(name, "cat >/dev/null")  # all of stdin: else who writes to it may be ended by SIGPIPE
    inputs = {"table": table}
    assert host.call(STEP, "apply", inputs, bulk=RULES) == (0, "")
    host.program("ip", "printf '%s: <UP> mtu 1500\\n' '3: docker0' '4: br-0a1b2c3d4e5f' '5: br0'")
    assert host.call(STEP, "check", inputs, bulk=RULES) == (0, "")
    host.program("ip", "printf '%s: <UP> mtu 1500\\n' '3: br-mgmt' '4: br-0a1b2c3d4e5f' '5: br-data'")
    status, said = host.call(STEP, "check", inputs, bulk=RULES)
    assert status == 0
    assert named in said
    assert bool(said) == bool(named)
