"""Checks of GPUs, the container toolkit, and who uses GPUs, on an emulated GPU host that came with a driver.

The GPUs, the kernel's side of them and NVIDIA's programs are stand-ins (lab/hosts/fake, lab/depot/nvidia.py); apt,
dpkg, systemd and procfs are real. Not proven here: a container that gets a device, a real nvidia-ctk, Secure Boot, P9.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.engine.config import Containerd
from components.gpu import steps
from components.hostrun.fleet import Fleet
from components.hostrun.step import Step
from lab.hosts import gpus
from ops import top
from tests.scripts import gpu_container
from tests.scripts.gpu_host import A100, A6000, END_OF_JOB, JOB, gpu_host, site_host
from tests.scripts.lab_host import LabHost, target

pytestmark = pytest.mark.lab

PROFILE = "8 dgx-a100"
V100 = {"model": "V100-SXM2-16GB", "count": 2}
LIBRARY = "".join(Path("components", room, "lib.sh").read_text() for room in ("host", "gpu"))


DNF = """#!/bin/sh
echo "$*" >>/run/dnf
case $* in
  *'module list'*)
    [ ! -e /run/stream ] || echo "nvidia-driver $(cat /run/stream) [e] default [d], fm, ks  Nvidia driver" ;;
  *'module reset'*) rm -f /run/stream ;;
  *'module enable'*) echo "${*##*:}" >/run/stream ;;
esac
"""
ROCKY = 'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\n'
AUTOMATIC = "[commands]\nupgrade_type = default\n[base]\ndebuglevel = 1\n[email]\nemail_to = root\n"


@pytest.fixture(scope="module")
def ready(spare: LabHost) -> Iterator[LabHost]:
    """With GPUs and a driver of others, and the library."""
    with gpu_host(spare, PROFILE, gpus.DRIVER) as host:
        host.install()
        yield host
        host.remove()


def said(host: LabHost, profile: str, of: list[Step]) -> dict[str, str]:
    """What preflight or the readback says of other GPUs than there were."""
    gpus.change(host.machine, profile)
    found = host.questions(of)
    gpus.change(host.machine, PROFILE)
    return found


@pytest.mark.row("G1", "G3", "G9", "H16")
def test_preflight_tells_other_gpus_than_declared_and_a_driver_that_does_not_fit(ready: LabHost) -> None:
    declared = steps.checks(site_host(ready, **A100, driver="580"))
    assert said(ready, PROFILE, declared) == {}
    assert said(ready, "7 dgx-a100", declared)["gpus"].startswith(
        "has 7 NVIDIA GPUs on the PCI bus, wants 8. Fix: reseat or replace the missing one"
    )
    other = said(ready, "8 dgx-h100", declared)["gpus"]
    assert other == (
        "has NVIDIA Corporation GH100 [H100 SXM5 80GB] (10de:2330) on the PCI bus, wants A100-SXM4-80GB. "
        "Fix: write the true model in gpu.model"
    )
    by_name = {"model": "GV100GL", "count": 2}
    assert said(ready, "2 volta", steps.checks(site_host(ready, **by_name))) == {}
    misfit = said(ready, "2 volta", steps.checks(site_host(ready, **by_name, driver="595")))["gpus"]
    assert misfit.endswith(
        "(10de:1db1): driver 595 does not fit Volta: the first driver for Volta is 384, the last one 580 "
        "(NVIDIA's README of the driver, appendix A). Use 384 to 580. Nothing was changed. Fix: gpu.driver in the site"
    )
    unfit = said(ready, "2 volta", steps.checks(site_host(ready, **by_name, driver="580")))["gpus"]
    assert "the open kernel module does not fit Volta: the open kernel module needs Turing or later" in unfit


@pytest.mark.row("G6", "G1")
def test_the_readback_tells_what_nvidia_smi_shows_otherwise(ready: LabHost) -> None:
    def asked(**more: object) -> list[Step]:
        return steps.ready(site_host(ready, **{**A100, **more}))

    assert said(ready, PROFILE, asked(cuda="13.0", ecc=True, mig=False)) == {}
    assert said(ready, "2 workstation", steps.ready(site_host(ready, **A6000, mig=False, ecc=False))) == {}
    for profile, more, text in (
        (f"{PROFILE} ecc=off", {"ecc": True}, "GPU 0 has ECC Disabled, wants Enabled. Fix: nvidia-smi -i 0 -e 1, then"),
        (
            f"{PROFILE} mig=on",
            {"mig": False},
            "GPU 0 has MIG mode Enabled, wants Disabled. Fix: nvidia-smi -i 0 -mig 0",
        ),
        ("7 dgx-a100", {}, "nvidia-smi shows 7 GPUs, wants 8. Fix: dmesg"),
        ("8 dgx-h100", {}, "GPU 0 is NVIDIA H100 80GB HBM3 (10de:2330), wants A100-SXM4-80GB. Fix: "),
        (PROFILE, {"cuda": "13.2"}, "driver 580.95.05 offers CUDA 13.0, wants 13.2 or later. Fix: a later gpu.driver"),
        (PROFILE, {"driver": "595"}, "kernel runs driver 580.95.05, wants 595. Fix: systemctl reboot, if 595 is"),
    ):
        assert said(ready, profile, asked(**more))["gpu_readback"].startswith(text)
    ready.bash("lab-gpu unload")
    none = ready.questions(asked())["gpu_readback"]
    ready.bash("lab-gpu load; mv /usr/local/bin/nvidia-smi /root")
    absent = ready.questions(asked(driver="580"))["gpu_readback"]
    left_to_others = ready.questions(asked())
    ready.bash("mv /root/nvidia-smi /usr/local/bin")
    assert none.startswith("nvidia-smi ended with status 9: NVIDIA-SMI has failed because it couldn't communicate")
    assert absent == "has no nvidia-smi, wants a driver. Fix: gpu.driver in the site, or install it"
    assert left_to_others == {}


@pytest.mark.row("G8")
def test_who_uses_gpus_is_seen_and_systemd_is_not_reloaded_under_those_who_would_lose_them(ready: LabHost) -> None:
    assert ready.bash(f"{LIBRARY}\ngpu_busy || gpu_containers || gpu_jobs") == ""
    ready.bash(JOB)
    assert ready.bash(f"{LIBRARY}\ngpu_jobs").startswith("sleep (process ")
    ready.bash(END_OF_JOB)
    one, two = "1" * 64, "2" * 64
    gpu_container.start(ready, f"cri-containerd-{one}", gpu_container.STRICT)
    gpu_container.start(ready, f"cri-containerd-{two}", gpu_container.STRICT, "DeviceAllow=/dev/char/195:0 rw")
    assert ready.bash(f"{LIBRARY}\ngpu_containers | wc -l") == "2\n"
    assert ready.bash(f"{LIBRARY}\ngpu_containers losing").startswith("111111111111 (")
    before = ready.bash("systemctl show -p UserspaceTimestampMonotonic -p UnitsLoadFinishTimestampMonotonic")
    refused = ready.bash(f"{LIBRARY}\nsystemd_reload 2>&1 || true")
    assert refused.startswith("systemd was not reloaded: a reload would cost running containers their GPUs (1111")
    settings = [s for s in steps.driver(site_host(ready, **A100, driver="580", powerLimitWatts=300)) if "sett" in s.id]
    ready.apply("gpu", settings)
    assert ready.bash("systemctl show -p UserspaceTimestampMonotonic -p UnitsLoadFinishTimestampMonotonic") == before
    assert ready.bash("nvidia-smi --query-gpu=power.limit --format=csv,noheader | sort -u") == "300.00 W\n"
    ready.bash(f"systemctl stop cri-containerd-{one}.scope cri-containerd-{two}.scope\n{LIBRARY}\nsystemd_reload")
    assert ready.gpu_metal("undo gpu").returncode == 0
    assert ready.bash("nvidia-smi --query-gpu=power.limit --format=csv,noheader | sort -u") == "400.00 W\n"


@pytest.mark.row("G9")
def test_a_fabric_manager_of_another_version_is_seen_and_replaced(ready: LabHost) -> None:
    of = [step for step in steps.driver(site_host(ready, **A100, driver="580")) if step.id == "fabric_manager"]
    ready.bash("apt-get install -yq nvidia-fabricmanager=580.105.08-1 >/dev/null 2>&1")
    assert ready.questions(of)["fabric_manager"].startswith(
        "has fabric manager 580.105.08, wants 580.95.05 as the driver"
    )
    assert ready.apply("gpu", of) == {"fabric_manager": "changed"}
    assert ready.bash("nv-fabricmanager --version; systemctl is-active nvidia-fabricmanager") == (
        "Fabric Manager version is : 580.95.05\nactive\n"
    )
    assert ready.apply("gpu", of) == {"fabric_manager": "unchanged"}
    assert ready.gpu_metal("undo gpu").returncode == 0
    ready.bash("apt-get purge -yq nvidia-fabricmanager >/dev/null 2>&1")


@pytest.mark.row("G5")
def test_on_power_the_gpus_memory_is_left_to_the_driver(ready: LabHost) -> None:
    step = Step(steps._SCRIPTS / "memory_hotplug.sh")  # as the RHEL family has it
    rule = 'SUBSYSTEM!="memory", ACTION!="add", GOTO="memory_hotplug_end"\nLABEL="memory_hotplug_end"\n'
    ready.bash("cat >/lib/udev/rules.d/40-redhat.rules", rule)
    ready.bash("printf '#!/bin/sh\\ntrue\\n' >/usr/local/bin/udevadm; chmod +x /usr/local/bin/udevadm")
    assert ready.apply("base", [step]) == {"memory_hotplug": "unchanged"}
    ready.bash("printf '#!/bin/sh\\necho ppc64le\\n' >/usr/local/bin/uname; chmod +x /usr/local/bin/uname")
    assert ready.apply("base", [step]) == {"memory_hotplug": "changed"}
    written = ready.bash("cat /etc/udev/rules.d/40-redhat.rules")
    assert written == rule.replace('SUBSYSTEM!="memory", ACTION!="add",', 'SUBSYSTEM=="*",')
    assert ready.check() == {}
    assert ready.gpu_metal("undo base").returncode == 0
    ready.bash("rm /usr/local/bin/uname /usr/local/bin/udevadm /lib/udev/rules.d/40-redhat.rules")
    ready.bash("test ! -e /etc/udev/rules.d/40-redhat.rules; rm -f /run/gpu-metal/reboot-due")


@pytest.mark.row("G7", "G8")
def test_the_toolkit_is_held_gives_gpus_by_cdi_and_a_container_shows_them(ready: LabHost) -> None:
    toolkit = {"version": "1.20.1-1", "smokeImage": "nvidia/cuda:13.0.0-base-ubuntu24.04"}
    of = site_host(ready, **A100, toolkit=toolkit)
    layer = [*steps.toolkit(of), *steps.smoke(of, Containerd())]
    tool = '#!/bin/sh\necho "$*" >>/run/ctr\ncase $* in *run*) nvidia-smi -L ;; esac\n'
    ready.bash("cat >/usr/local/bin/ctr; chmod +x /usr/local/bin/ctr; rm -f /run/ctr", tool)
    assert set(ready.apply("engine", layer).values()) == {"changed"}
    assert set(ready.apply("engine", layer).values()) == {"unchanged"}
    assert "--runc-binary /usr/bin/nvidia-container-runtime --env NVIDIA_VISIBLE_DEVICES=all" in ready.bash(
        "cat /run/ctr"
    )
    assert ready.bash("apt-mark showhold | wc -l; nvidia-ctk cdi list 2>/dev/null | wc -l") == "4\n9\n"
    assert 'mode = "cdi"' in ready.bash("cat /etc/nvidia-container-runtime/config.toml")
    ready.bash("sed -i s/580.95.05/580.82.07/ /var/run/cdi/nvidia.yaml")
    assert ready.check()["cdi"][1].startswith("/var/run/cdi/nvidia.yaml is of another driver than 580.95.05. Fix: ")
    ready.apply("engine", layer)
    ready.bash(
        "rm /var/lib/gpu-metal/gpu-smoke; sed -i 's/nvidia-smi -L/nvidia-smi -L | head -n 7/' /usr/local/bin/ctr"
    )
    fewer = ready.run("engine", layer).stderr
    assert (
        "a container of nvidia/cuda:13.0.0-base-ubuntu24.04 showed 7 GPUs and ended with status 0, wants 8 and 0."
        in fewer
    )
    assert ready.gpu_metal("undo engine").returncode == 0
    ready.bash("rm /usr/local/bin/ctr; ! command -v nvidia-ctk; test ! -e /etc/nvidia-container-runtime")


@pytest.mark.row("G3", "G8")
def test_on_rhel_the_modules_stream_is_the_branch_and_automatic_upgrades_leave_it(ready: LabHost) -> None:
    ready.bash("mkdir -p /etc/dnf; cat >/etc/dnf/automatic.conf", AUTOMATIC)
    ready.bash("cat >/usr/local/bin/dnf; chmod +x /usr/local/bin/dnf", DNF)
    ready.bash("mv /etc/os-release /root/os-release; cat >/etc/os-release", ROCKY)
    of = site_host(ready, **A100, driver="580")
    pin = [step for step in steps.driver(of) if step.id == "driver_pin"]
    assert ready.apply("gpu", pin) == {"driver_pin": "changed"}
    assert ready.apply("gpu", pin) == {"driver_pin": "unchanged"}
    assert "-y -q module enable nvidia-driver:580-open" in ready.bash("cat /run/dnf")
    excluded = "excludepkgs = kernel* *nvidia* cuda-drivers\n[email]"
    assert ready.bash("cat /etc/dnf/automatic.conf") == AUTOMATIC.replace("[email]", excluded)
    ready.bash("echo 570-open >/run/stream")
    assert ready.check()["driver_pin"][1] == "has stream 570-open of the module nvidia-driver, wants 580-open"
    assert ready.gpu_metal("undo gpu").returncode == 0
    assert ready.bash("ls /run/stream 2>&1 || true; cat /etc/dnf/automatic.conf").endswith(AUTOMATIC)
    ready.bash("mv /root/os-release /etc/os-release; rm -r /etc/dnf /usr/local/bin/dnf /run/dnf")


@pytest.mark.row("R13")
def test_top_shows_the_gpus_and_who_computes_on_them(ready: LabHost) -> None:
    to = target(ready.machine)
    asked = top.Asked(Fleet({to.name: to}), {}, [to.name], frozenset(), 10)
    ready.bash(JOB)
    seen = asyncio.run(top.once(asked))[to.name]
    ready.bash(END_OF_JOB)
    assert seen.check.status == "ok", seen.check
    assert (seen.answer.driver, len(seen.answer.gpus)) == (gpus.DRIVER, 8)
    first = seen.answer.gpus[0]
    assert (first.model, first.memory_total_mib, first.power_w) == ("NVIDIA A100-SXM4-80GB", 81920, 62.1)
    assert [Path(one.name).name for one in first.processes] == ["sleep"]
    assert seen.users == {first.processes[0].pid: top.User("root")}
