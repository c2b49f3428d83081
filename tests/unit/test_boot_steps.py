"""What must hold before a GPU driver loads: Secure Boot's key, and no nouveau; with stand-ins for the host's tools.

Does not prove: how a real firmware or ramdisk is.
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

GPU_STEPS = Path(__file__).parents[2] / "components/gpu/steps"
SECURE_BOOT = GPU_STEPS / "secure_boot.sh"
MOK = "/var/lib/dkms/mok.pub"


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    return StepHost(tmp_path)


def mokutil(host: StepHost, says: str, status: int, state: str = "SecureBoot enabled") -> None:
    host.program("mokutil", f'[[ $1 == --sb-state ]] && echo "{state}" || {{ echo "{says}"; exit {status}; }}')


@pytest.mark.row("H20", "G3")
@pytest.mark.parametrize("status", [0, 1])
def test_an_enrolled_key_is_known_by_what_mokutil_says(host: StepHost, status: int) -> None:
    """mokutil before 0.7 ends with 1 there, later ones with 0."""
    host.file(MOK, "key")
    mokutil(host, f"{host.path(MOK)} is already enrolled", status)
    assert host.call(SECURE_BOOT, "check") == (0, "")


@pytest.mark.row("H20", "G3")
@pytest.mark.parametrize("status", [0, 1])
def test_a_key_that_is_not_enrolled_is_refused_whatever_the_status(host: StepHost, status: int) -> None:
    host.file(MOK, "key")
    mokutil(host, f"{host.path(MOK)} is not enrolled", status)
    said = host.call(SECURE_BOOT, "check")
    assert said[0] == 10
    assert f"or mokutil --import {MOK}, restart and confirm it at the console" in said[1]


@pytest.mark.row("H20", "G3")
def test_without_a_key_the_fix_makes_one_and_without_secure_boot_none_is_needed(host: StepHost) -> None:
    mokutil(host, "", 0)
    assert "or make a key (" in host.call(SECURE_BOOT, "check")[1]
    mokutil(host, "", 0, "SecureBoot disabled")
    assert host.call(SECURE_BOOT, "check") == (0, "")
    mokutil(host, "", 255, "EFI variables are not supported on this system")
    assert host.call(SECURE_BOOT, "check") == (0, "")
