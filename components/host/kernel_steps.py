"""The kernel that a host runs, and its reboot, as data: config in, steps out. Nothing here touches a host."""

from pathlib import Path

from components.host.config import Host
from components.hostrun.restart import STEP
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"
_CGROUP_V2 = "systemd.unified_cgroup_hierarchy=1"


def checks(host: Host, *, cgroup_v2: bool = False) -> list[Step]:
    """Preflight's checks, without those that the base layer's own kernel or arguments make true (`after_reboot`)."""
    steps = [_step("cgroup", v2=_flag(cgroup_v2 and _CGROUP_V2 not in host.kernel.arguments))]
    if host.kernel.at_least and not host.kernel.package:
        steps.append(_floor(host.kernel.at_least))
    if host.kernel.package or host.gpu:
        steps.append(_step("boot_space", kernel=_flag(bool(host.kernel.package))))
    return steps


def kernel(host: Host) -> list[Step]:
    """The kernel's package and command line; both note a reboot as due until they are in use."""
    steps = []
    if host.kernel.package:
        steps.append(_step("kernel_package", package=host.kernel.package))
    if host.kernel.arguments:
        steps.append(_step("kernel_arguments", arguments=" ".join(host.kernel.arguments)))
    return steps


def reboot(host: Host) -> list[Step]:
    """The last step of a layer: reboots the host if a reboot is due."""
    inputs = {"policy": host.kernel.reboot} | ({"window": host.kernel.window} if host.kernel.window else {})
    return [_step(STEP, **inputs)]


def after_reboot(host: Host, *, cgroup_v2: bool = False) -> list[Step]:
    """The first steps after the base layer: the checks that `checks` leaves out because the base layer passes them."""
    steps = []
    if cgroup_v2 and _CGROUP_V2 in host.kernel.arguments:
        steps.append(_step("cgroup", v2="yes"))
    if host.kernel.at_least and host.kernel.package:
        steps.append(_floor(host.kernel.at_least))
    return steps


def _floor(least: str) -> Step:
    return _step("kernel_floor", at_least=least)


def _flag(value: bool) -> str:
    return "yes" if value else "no"


def _step(script: str, /, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs)
