"""One host, no Kubernetes: what preparing it costs in SSH connections, and a reboot in the middle of a run.

Does not prove: a boot loader. A stand-in of update-grub and a mount at boot make the command line what was set.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.hosts import faults
from lab.hosts import lab as hosts
from lab.paths import LAB
from tests.lab.stack import Stack, on
from tests.scripts.lab_host import HOST as MACHINE

pytestmark = pytest.mark.lab

HOST = MACHINE.name


GRUB = """\
cat >/usr/local/sbin/update-grub <<'END'
#!/bin/sh
for file in /etc/default/grub.d/*.cfg; do if [ -e "$file" ]; then . "$file"; fi; done
mkdir -p /boot/grub
echo "linux /vmlinuz ro $GRUB_CMDLINE_LINUX" | tee /boot/grub/grub.cfg >/boot/cmdline
END
chmod +x /usr/local/sbin/update-grub
cat >/etc/systemd/system/lab-cmdline.service <<'END'
[Service]
Type=oneshot
ExecStart=sh -c 'test ! -e /boot/cmdline || mount --bind /boot/cmdline /proc/cmdline'
[Install]
WantedBy=basic.target
END
systemctl enable -q lab-cmdline
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    hosts.serve(lambda _: None)
    hosts.reset(MACHINE)
    stack = Stack("reboot", tmp_path_factory.mktemp("reboot"))
    stack.create(
        {
            "knownHosts": str(LAB / "known_hosts"),
            "ssh": {"user": "deploy", "keyFile": str(LAB / "id_ed25519")},
            "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 1},
            "engine": {"package": "containerd", "cgroupDriver": "cgroupfs"},
            "hosts": {HOST: {"address": MACHINE.address}},
        }
    )
    yield stack
    hosts.stop(MACHINE, grace=0)


def logins() -> int:
    """How often somebody logged in since the host has started."""
    return on(HOST, ["journalctl", "--boot", "--quiet", "--unit", "ssh"]).count("Accepted publickey")


def commands(stack: Stack) -> list[str]:
    """The resources that reach the host by SSH."""
    resources = stack.export()["deployment"]["resources"]
    return [r["urn"].rpartition("::")[2] for r in resources if r["type"].startswith("command:remote:")]


def test_preparing_a_host_costs_a_connection_a_resource_and_one_for_all_our_questions(stack: Stack) -> None:
    stack.up().ok()
    # A host with GPUs has one more, for their driver: 4 in all.
    assert commands(stack) == [f"{HOST}-{name}" for name in ("runner", "base", "engine")]
    # One more where a stalled line was dialled anew.
    assert len(commands(stack)) + 1 <= logins() <= len(commands(stack)) + 2


@pytest.mark.row("H13")
def test_a_reboot_that_is_due_is_refused_where_the_site_says_never(stack: Stack) -> None:
    on(HOST, ["sh", "-c", GRUB])
    boot = faults.boot_id(MACHINE)
    stack.edit(lambda site: site.update({"kernel": {"arguments": ["lab.one=1"]}}))
    ran = stack.up()
    assert ran.status != 0
    assert "a reboot is due: the kernel runs without lab.one=1, and kernel.reboot is never. Fix: reboot it" in ran.text
    assert faults.boot_id(MACHINE) == boot


@pytest.mark.row("H13")
def test_a_run_reboots_waits_and_goes_on(stack: Stack) -> None:
    def change(site: dict[str, Any]) -> None:
        site["kernel"]["reboot"] = "when-needed"
        site["engine"]["restrictOomScoreAdj"] = True

    boot = faults.boot_id(MACHINE)
    stack.edit(change)
    ran = stack.up().ok()
    assert f"{HOST} [reboot] restarts; waiting for it, at most 900 s" in ran.text
    assert faults.boot_id(MACHINE) != boot
    assert "lab.one=1" in on(HOST, ["cat", "/proc/cmdline"])
    # On the new boot: our own connection again, and the engine's layer.
    assert 2 <= logins() <= 3
    drift = stack.sitectl("drift", "--json").ok()
    assert json.loads(drift.out)["failures"] == []
    assert json.loads(stack.preview("--json").ok().out)["changeSummary"].keys() == {"same"}


@pytest.mark.row("H13")
def test_a_host_that_is_up_again_is_not_rebooted_twice(stack: Stack) -> None:
    boot = faults.boot_id(MACHINE)
    stack.edit(lambda site: site.update({"sysctl": {"net.core.somaxconn": "4112"}}))
    ran = stack.up().ok()
    assert "[reboot] restarts" not in ran.text
    assert faults.boot_id(MACHINE) == boot
    stack.destroy().ok()
    assert (
        on(HOST, ["sh", "-c", "ls -d /etc/default/grub.d/gpu-metal.cfg /var/lib/gpu-metal 2>/dev/null || true"]) == ""
    )
