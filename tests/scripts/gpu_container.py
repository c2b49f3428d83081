"""A stand-in of a container with a GPU: a process in a scope of systemd that has a device of NVIDIA in its own /dev."""

import shlex

from tests.scripts.lab_host import LabHost

STRICT = "DevicePolicy=strict"
"""systemd's own rule is in force for the scope: a reload costs it each device that `DeviceAllow` does not name."""


def start(host: LabHost, unit: str, *properties: str) -> None:
    """Starts it as UNIT.scope, with these properties (systemd.resource-control), and returns when it has its device."""
    given = " ".join(f"-p {shlex.quote(each)}" for each in properties)
    inside = f"mount -t tmpfs dev /dev; touch /dev/nvidia0; exec -a {unit} sleep 600"
    ready = f"until pid=$(pgrep -fx '{unit} 600') && [ -e /proc/$pid/root/dev/nvidia0 ]; do sleep 0.1; done"
    host.bash(
        f"setsid systemd-run -q --scope --unit {unit} {given} unshare -m bash -c {shlex.quote(inside)} "
        f">/dev/null 2>&1 </dev/null &\ntimeout 60 bash -c {shlex.quote(ready)}"
    )
