"""The reboot that steps ask for, on an emulated host: when it is refused, and a real one.

Not proven here: GPUs that compute, and pods. A process that holds the driver's file open, and a kubectl that answers,
stand in for them.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from components.host import kernel_steps
from components.hostrun import restart
from components.hostrun.ssh import SshError, run
from components.hostrun.step import Step
from lab.hosts import faults, lab
from tests.scripts.kernel_host import UPDATE_GRUB, installed, site_host, stand_in
from tests.scripts.lab_host import HOST, LabHost, target

pytestmark = pytest.mark.lab

# The clock is the machine's, and stays: this one only says another time.
DATE = """\
#!/bin/bash
now=$(/bin/date -d @{epoch} '+%F %T')
if [[ $1 == -d ]]; then exec /bin/date -d "$now $2" "${{@:3}}"; fi
exec /bin/date -d "$now" "$@"
"""


@pytest.fixture
def host(spare: LabHost) -> Iterator[LabHost]:
    with installed(spare) as host:
        yield host


def due(host: LabHost, reason: str = "nouveau is loaded") -> None:
    """As a step's reboot_due says it."""
    host.bash("mkdir -p /run/gpu-metal; cat >/run/gpu-metal/reboot-due", f"{reason}\n")


def refusal(host: LabHost, **kernel: Any) -> str:
    done = host.run("base", kernel_steps.reboot(site_host(**kernel)))
    assert done.returncode == 1
    assert host.bash("ls /run/gpu-metal/rebooting /etc/systemd/system/gpu-metal-reboot* 2>/dev/null || true") == ""
    return done.stderr


@pytest.mark.row("H13")
def test_never_says_what_is_due_and_nothing_due_needs_nothing(host: LabHost) -> None:
    assert host.apply("base", kernel_steps.reboot(site_host())) == {"reboot": "unchanged"}
    due(host)
    said = refusal(host)
    assert (
        "a reboot is due: nouveau is loaded, and kernel.reboot is never. Fix: reboot it in a quiet hour, or write \
kernel.reboot: when-needed; then pulumi up"
        in said
    )
    assert host.check()["reboot"] == ("drift", "a reboot is due: nouveau is loaded")


@pytest.mark.row("H13")
@pytest.mark.parametrize(
    ("window", "opens"),
    [
        ("Sun 02:00-05:00", "Sun 2026-11-29 02:00"),  # it is Sunday, 16:00
        ("Mon 15:00-17:00", "Mon 2026-11-23 15:00"),
        ("daily 22:00-04:00", "Sun 2026-11-22 22:00"),
        ("daily 15:00-16:00", "Mon 2026-11-23 15:00"),
        ("Sat 22:00-16:00", "Sat 2026-11-28 22:00"),
    ],
)
def test_outside_of_its_window_it_says_when_that_opens(host: LabHost, window: str, opens: str) -> None:
    stand_in(host, "date", DATE.format(epoch=host.bash("date -d '2026-11-22 16:00:00' +%s").strip()))
    due(host)
    said = refusal(host, reboot="window", window=window)
    assert f"(nouveau is loaded), but only in the window {window}: here it is Sun 2026-11-22 16:00" in said
    assert f"Fix: pulumi up from {opens} on" in said


@pytest.mark.row("H13", "G8")
def test_nothing_is_rebooted_under_running_jobs(host: LabHost) -> None:
    due(host)
    host.bash("touch /dev/nvidia-uvm; (exec -a train sleep 600) </dev/nvidia-uvm >/dev/null 2>&1 & echo $! >/run/train")
    said = refusal(host, reboot="when-needed")
    # In the window too: it is open all the time.
    in_window = refusal(host, reboot="window", window="daily 00:00-24:00")
    pid = host.bash("cat /run/train; kill $(cat /run/train); rm /dev/nvidia-uvm").split()[0]
    assert f"but its GPUs are in use by {pid} sleep. Fix: let them end, then pulumi up" in said
    assert f"in use by {pid} sleep" in in_window


@pytest.mark.row("H13")
def test_a_node_of_a_cluster_is_to_be_drained_first(host: LabHost) -> None:
    due(host)
    host.bash("systemd-run -q --service-type=exec --unit=kubelet sleep 600; mkdir -p /etc/kubernetes; touch /etc/kubernetes/kubelet.conf")
    stand_in(
        host, "kubectl", "#!/bin/sh\necho 'DaemonSet kube-system/proxy'\necho 'Job vision/train-1'\necho ' bare/pod'\n"
    )
    pods = refusal(host, reboot="when-needed")
    stand_in(host, "kubectl", "#!/bin/sh\necho 'The connection to the server was refused'\nexit 1\n")
    silent = refusal(host, reboot="when-needed")
    host.bash("systemctl stop kubelet; rm -r /etc/kubernetes")
    assert f"but pods run here (2, as vision/train-1). Fix: kubectl drain {HOST.name} " in pods
    assert "does not tell what runs here: The connection to the server was refused. Fix: bring its API server" in silent


@pytest.mark.row("H13")
def test_a_real_reboot_is_waited_for_and_not_repeated_in_vain(host: LabHost) -> None:
    stand_in(host, "update-grub", UPDATE_GRUB)
    host.bash("touch /etc/default/grub")
    node = site_host(arguments=["lab.one=1"], reboot="when-needed")
    steps: list[Step] = [*kernel_steps.kernel(node), *kernel_steps.reboot(node)]
    boot = faults.boot_id(HOST)
    told: list[str] = []

    async def apply_and_wait() -> str:
        await restart.ready(target(HOST), tell=told.append)
        assert told == []
        changed = await asyncio.to_thread(host.apply, "base", steps)
        assert changed == {"kernel_arguments": "changed", "reboot": "changed"}
        await restart.ready(target(HOST), patient=True, tell=told.append)
        return (await run(target(HOST), "cat /proc/sys/kernel/random/boot_id")).stdout.strip()

    assert asyncio.run(apply_and_wait()) != boot
    assert told == [f"{HOST.name} [reboot] restarts; waiting for it, at most 900 s"]
    assert host.bash("ls -A /run/gpu-metal 2>/dev/null || true") == ""
    assert host.check() == {"kernel_arguments": ("drift", "runs without lab.one=1 on the kernel's command line")}
    again = host.run("base", steps)
    assert again.returncode == 1
    assert (
        "was rebooted, and the same is due again: the kernel runs without lab.one=1. Fix: see which entry"
        in again.stderr
    )


@pytest.mark.row("H13")
def test_a_host_that_does_not_come_back_is_given_up(host: LabHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "LIMIT", 20.0)
    due(host)
    with faults.no_restart(HOST), pytest.raises(SshError) as gone:
        assert host.apply("base", kernel_steps.reboot(site_host(reboot="when-needed"))) == {"reboot": "changed"}
        asyncio.run(restart.ready(target(HOST), patient=True))
    lab.start(HOST)
    assert str(gone.value).startswith(f"{HOST.name} [reboot] did not come back within 20 s after its reboot: ")
    assert str(gone.value).endswith(" Fix: look at its console; then pulumi up goes on.")
