"""The driver on an emulated GPU host without one: it comes, is held, changes, and leaves no trace.

The GPUs, the kernel's side of them and NVIDIA's programs are stand-ins (lab/hosts/fake, lab/depot/nvidia.py); apt,
dpkg, systemd and procfs are real. Not proven here: DKMS, a real module, clocks that are locked, NVLink 5.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest

from components.gpu import steps
from lab.hosts import gpus
from tests.scripts.gpu_host import A6000, END_OF_JOB, H100, JOB, gpu_host, reboot, site_host
from tests.scripts.lab_host import LabHost, leaves_no_trace

pytestmark = pytest.mark.lab

SWITCHED = "8 dgx-h100"
PAIR = "2 workstation"
INSTALLED = "dpkg-query -W -f '${Package} ${Version}\\n' '*nvidia*' | sort"
RUNFILE = """#!/bin/sh
version={version}
echo "$*" >/run/runfile
echo stand-in >/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.$version
mkdir -p /usr/src/nvidia-$version
cat >/usr/bin/nvidia-uninstall <<END
#!/bin/sh
rm -r /usr/src/nvidia-$version /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.$version /usr/bin/nvidia-uninstall
END
chmod +x /usr/bin/nvidia-uninstall
"""


@pytest.fixture(scope="module")
def bare(spare: LabHost) -> Iterator[LabHost]:
    """With GPUs, without a driver; each test leaves it so."""
    with gpu_host(spare, SWITCHED) as host:
        yield host


@pytest.fixture
def host(bare: LabHost) -> Iterator[LabHost]:
    """The same with the library; all is undone afterwards."""
    bare.install()
    yield bare
    bare.remove()
    gpus.change(bare.machine, SWITCHED)
    reboot(bare)


def kernel(host: LabHost) -> str:
    return host.bash("uname -r").strip()


def driver(host: LabHost, of: Mapping[str, Any], model: Mapping[str, Any] = A6000, **more: Any) -> Any:
    return steps.driver(site_host(host, **model, driver=of, **more))


@pytest.mark.row("G2", "G3", "G4", "G6", "G8", "G9", "H20")
def test_a_new_gpu_host_gets_all_of_it_twice_is_mended_when_cut_and_leaves_no_trace(bare: LabHost) -> None:
    of = site_host(
        bare, **H100, driver="580", powerLimitWatts=500, clocks={"graphics": [1200, 1980]}, cuda="13.0", ecc=True
    )
    layers = {
        "base": steps.before_reboot(of),
        "gpu": steps.driver(of),
        "engine": steps.ready(of),
    }
    leaves_no_trace(bare, layers)
    assert bare.bash("cat /run/ramdisk").count(f"update-initramfs -u -k {kernel(bare)}\n") == 2
    reboot(bare)


@pytest.mark.row("G2")
def test_nouveau_is_kept_away_and_gone_after_the_restart(host: LabHost) -> None:
    gpus.change(host.machine, f"{SWITCHED} nouveau=on")
    reboot(host)
    of = site_host(host, **H100, driver="580")
    host.bash("rm -f /run/ramdisk")
    host.apply("base", steps.before_reboot(of))
    assert host.bash("cat /run/ramdisk /run/gpu-metal/reboot-due") == (
        f"update-initramfs -u -k {kernel(host)}\nnouveau is loaded, wants it gone\n"
    )
    assert host.check() == {}
    early = host.run("gpu", steps.driver(of))
    assert "nouveau is loaded, wants it gone before the NVIDIA driver comes. Fix: systemctl reboot" in early.stderr
    reboot(host)
    assert host.apply("base", steps.before_reboot(of)) == {"nouveau_off": "unchanged"}
    assert host.apply("gpu", steps.driver(of))["driver"] == "changed"
    assert host.gpu_metal("undo base").returncode == 0
    assert host.bash("cat /run/ramdisk").count("-u") == 2


@pytest.mark.row("G3", "G8", "G9")
def test_another_branch_comes_when_no_job_runs_and_is_in_use_after_the_restart(host: LabHost) -> None:
    host.apply("gpu", driver(host, {"branch": "580", "version": "580.95.05"}, H100))
    before = host.bash(INSTALLED)
    assert "nvidia-open 580.95.05-1\n" in before and "nvidia-fabricmanager 580.95.05-1\n" in before
    host.bash(JOB)
    refused = host.run("gpu", driver(host, {"branch": "595"}, H100))
    assert "has driver 580.95.05, wants 595, and its GPUs are in use: sleep (process " in refused.stderr
    assert "Nothing was changed. Fix: stop them, then run again" in refused.stderr
    assert host.bash(INSTALLED) == before
    host.bash(END_OF_JOB)
    host.apply("gpu", driver(host, {"branch": "595"}, H100))
    assert host.bash("cat /run/gpu-metal/reboot-due") == "kernel runs 580.95.05, files are 595.71.05\n"
    assert set(host.apply("gpu", driver(host, {"branch": "595"}, H100)).values()) == {"unchanged"}
    of = site_host(host, **H100, driver="595")
    mismatch = host.run("engine", steps.ready(of))
    assert "kernel runs 580.95.05, files are 595.71.05. A reboot is due. Fix: systemctl reboot" in mismatch.stderr
    reboot(host)
    assert set(host.apply("gpu", steps.driver(of)).values()) == {"unchanged"}
    assert host.apply("engine", steps.ready(of)) == {"gpu_readback": "unchanged"}
    assert "595.71.05" in host.bash("nv-fabricmanager --version")


@pytest.mark.row("G3", "G8")
def test_the_branch_is_pinned_and_held_and_upgrades_leave_it(host: LabHost) -> None:
    gpus.change(host.machine, PAIR)
    host.apply("gpu", driver(host, {"branch": "580"}))
    assert "nvidia-open 580.105.08-1\n" in host.bash(INSTALLED)
    assert "fabricmanager" not in host.bash(INSTALLED)
    assert host.bash("apt-get -s dist-upgrade | grep -c '^Inst.*nvidia' || true") == "0\n"
    shown = host.bash("apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert '"(lib)?nvidia-"' in shown and '"linux-(image|headers|modules)-"' in shown
    host.bash("apt-mark unhold nvidia-open")
    assert host.check() == {"driver": ("drift", "has nvidia-open 580.105.08-1 not held")}


@pytest.mark.row("G3")
def test_a_driver_that_runs_in_that_version_is_left_to_those_who_brought_it(host: LabHost) -> None:
    gpus.fit(host.machine, PAIR, "580.95.05")
    before = host.bash(INSTALLED)
    done = host.apply("gpu", driver(host, {"branch": "580"}, persistence=False))
    assert done["driver"] == "unchanged"
    assert host.bash(INSTALLED) == before
    host.gpu_metal("undo gpu")
    assert host.bash("nvidia-smi -L").count("RTX A6000") == 2
    host.bash("rm -r /usr/local/bin/nvidia-smi /usr/local/share/lab-nvidia /usr/src/nvidia-580.95.05")
    host.bash("rm /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05")


@pytest.mark.row("G3", "G4")
def test_a_runfile_is_compared_run_once_and_uninstalled(host: LabHost) -> None:
    gpus.change(host.machine, PAIR)
    text = RUNFILE.replace("{version}", "535.288.01")
    host.bash("cat >/root/nvidia.run", text)

    def of(checksum: str) -> Any:
        runfile = {"file": "/root/nvidia.run", "sha256": checksum}
        wanted = {"branch": "535", "version": "535.288.01", "module": "open", "runfile": runfile}
        return [step for step in driver(host, wanted, persistence=False) if step.label != "gpu-build"]

    wrong = host.run("gpu", of("0" * 64))
    right = sha256(text.encode()).hexdigest()
    assert f"The runfile has SHA-256 {right}, wants {'0' * 64}. It was not used. Fix: " in wrong.stderr
    host.apply("gpu", of(right))
    assert host.bash("cat /run/runfile").endswith("--silent --dkms --kernel-module-build-directory=kernel-open\n")
    assert set(host.apply("gpu", of(right)).values()) == {"unchanged"}
    assert host.gpu_metal("undo gpu").returncode == 0
    host.bash("rm /root/nvidia.run; test ! -e /usr/src/nvidia-535.288.01")
