"""What preflight asks of network cards. Does not prove: how real cards show in sysfs."""

from pathlib import Path
from typing import Any

import pytest

from components.parts.network_operator import nodes
from stacks.plan import preflight
from tests.parts.network_operator.unit.site import FULL, PLAIN, site
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("L3")

SCRIPT = Path(nodes.__file__).parent / "steps/network_cards.sh"
GOOD = {"interfaces": "ens1f0 ens3f0", "functions": "ens3f0=8", "shared": "yes", "container_driver": "", "kernel": ""}


def asked(folder: Path, more: dict[str, str] | None = None, **programs: str) -> tuple[int, str]:
    """The step's answer on a host with two cards of NVIDIA's and one of another vendor."""
    host = StepHost(folder)
    for name, vendor, functions in (("ens1f0", "0x15b3", "0"), ("ens3f0", "0x15b3", "16"), ("eno1", "0x8086", "0")):
        host.file(f"/sys/class/net/{name}/device/vendor", f"{vendor}\n")
        host.file(f"/sys/class/net/{name}/device/sriov_totalvfs", f"{functions}\n")
    for name, text in programs.items():
        host.program(name, text)
    moved = folder / "network_cards.sh"
    moved.write_text(SCRIPT.read_text().replace("/sys/class/net", f"{folder}/sys/class/net"))
    return host.call(moved, "check", {**GOOD, **(more or {})})


def test_cards_as_the_site_says_pass(tmp_path: Path) -> None:
    assert asked(tmp_path, rdma="echo netns shared copy-on-fork on") == (0, "")


@pytest.mark.parametrize(
    ("more", "programs", "said"),
    [
        ({"interfaces": "ens9f0"}, {}, "has no interface ens9f0, but eno1 ens1f0 ens3f0. Fix: correct interfaces"),
        ({"interfaces": "eno1"}, {}, "has eno1 of the vendor 0x8086, wants a card of 0x15b3"),
        ({"functions": "ens3f0=32"}, {}, "has ens3f0 with 16 virtual functions at most, wants 32. Fix: mlxconfig"),
        ({"kernel": "5.12"}, {"uname": "echo 4.18.0-553.el8"}, "has kernel 4.18.0-553.el8, wants 5.12 or later"),
        (
            {"container_driver": "yes"},
            {"ofed_info": "echo OFED-internal-25.10:"},
            "has DOCA-OFED installed (OFED-internal-25.10:), and network.networkOperator.driver brings it",
        ),
        ({}, {"rdma": "echo netns exclusive"}, "has its RDMA devices in exclusive mode (rdma system show)"),
    ],
)
def test_cards_that_are_not_so_are_named(
    tmp_path: Path, more: dict[str, str], programs: dict[str, str], said: str
) -> None:
    status, text = asked(tmp_path, more, **programs)
    assert status == 10
    assert text.startswith(said)
    assert "Fix: " in text


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    status, text = asked(tmp_path, {"interfaces": "eno1 ens9f0", "functions": "ens1f0=2"})
    assert (status, text.count("Fix: ")) == (10, 3)


def step_of(folder: Path, **said: Any) -> dict[str, dict[str, str]]:
    of = site(folder, **said)
    steps = {name: {step.id: step for step in preflight(of, host)} for name, host in of.hosts.items()}
    return {name: dict(found["network_cards"].inputs) for name, found in steps.items() if "network_cards" in found}


def test_hosts_with_cards_are_asked(tmp_path: Path) -> None:
    found = step_of(tmp_path, **FULL)
    assert set(found) == {"gpu-1", "gpu-2"}
    assert found["gpu-1"] == {
        "interfaces": "ibs1f0 ibs1f1 ens3f0 ens3f1 ibs4 ens2f0 ens2f1",
        "functions": "ens3f0=8 ens3f1=8 ibs4=4",
        "shared": "yes",
        "container_driver": "yes",
        "kernel": "",
    }
    direct = step_of(tmp_path, gpus={}, **PLAIN, gpuDirect="dmabuf")
    assert (direct["gpu-1"]["kernel"], direct["gpu-1"]["container_driver"]) == ("5.12", "")
