"""Which steps a kernel's config becomes, and where. Does not prove what they do; tests/scripts/test_kernel.py does."""

from typing import Any

import pytest

from components.host import kernel_steps
from components.host.config import Host

V2 = "systemd.unified_cgroup_hierarchy=1"


def host(gpu: bool = False, **kernel: Any) -> Host:
    values = {"name": "gpu-1", "address": "192.0.2.1", "hostKey": "ssh-ed25519 AAAA", "kernel": kernel}
    return Host.model_validate(values | ({"gpu": {"model": "A100", "count": 1}} if gpu else {}))


def named(steps: list[Any]) -> dict[str, dict[str, str]]:
    return {step.id: dict(step.inputs) for step in steps}


def test_a_host_as_it_is_is_only_asked() -> None:
    assert named(kernel_steps.checks(host())) == {"cgroup": {"v2": "no"}}
    assert kernel_steps.kernel(host()) == []
    assert named(kernel_steps.reboot(host())) == {"reboot": {"policy": "never"}}
    assert kernel_steps.after_reboot(host()) == []


@pytest.mark.row("H13")
def test_package_and_arguments_come_before_their_reboot() -> None:
    given = host(
        package="linux-image-amd64=6.1.*", arguments=["iommu=pt", "quiet"], reboot="window", window="Sun 02:00-05:00"
    )
    assert named(kernel_steps.kernel(given)) == {
        "kernel_package": {"package": "linux-image-amd64=6.1.*"},
        "kernel_arguments": {"arguments": "iommu=pt quiet"},
    }
    assert named(kernel_steps.reboot(given)) == {"reboot": {"policy": "window", "window": "Sun 02:00-05:00"}}


@pytest.mark.row("H19")
def test_what_a_reboot_brings_is_not_asked_before_it() -> None:
    plain = host(atLeast="5.13")
    assert named(kernel_steps.checks(plain, cgroup_v2=True)) == {
        "cgroup": {"v2": "yes"},
        "kernel_floor": {"at_least": "5.13"},
    }
    assert kernel_steps.after_reboot(plain, cgroup_v2=True) == []
    brought = host(atLeast="5.13", package="linux-image-amd64", arguments=[V2])
    assert named(kernel_steps.checks(brought, cgroup_v2=True)) == {
        "cgroup": {"v2": "no"},
        "boot_space": {"kernel": "yes"},
    }
    assert named(kernel_steps.after_reboot(brought, cgroup_v2=True)) == {
        "cgroup": {"v2": "yes"},
        "kernel_floor": {"at_least": "5.13"},
    }


def test_a_gpu_host_rebuilds_its_initramfs() -> None:
    assert named(kernel_steps.checks(host(gpu=True)))["boot_space"] == {"kernel": "no"}


@pytest.mark.parametrize("argument", ["two words", 'quoted="x"', "$(id)", "`id`", "back\\slash", ""])
def test_an_argument_is_one_plain_word(argument: str) -> None:
    with pytest.raises(ValueError, match=r"kernel\.arguments\.0"):
        host(arguments=[argument])
