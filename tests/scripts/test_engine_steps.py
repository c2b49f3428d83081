"""containerd by its steps on an emulated host: settings in force, images by the mirror, restarts only when due.

Not proven here: containerd 2.x (no package of it in Debian 12; its merge of our drop-in was tried by hand with 2.1.4),
docker's containerd.io package, GPUs in containers.
"""

from collections.abc import Iterator
from typing import Any

import pytest

import versions
from components.engine import steps
from components.engine.config import Containerd
from lab.hosts import inventory
from tests.scripts.lab_host import LabHost, fresh, leaves_no_trace

pytestmark = pytest.mark.lab

REGISTRY = "10.213.77.1:5000"
CRI = 'plugins."io.containerd.grpc.v1.cri"'
SPARE = inventory.host("spare-1")
STARTED = "systemctl show -p ActiveEnterTimestampMonotonic containerd"
TOOLKIT = "/etc/containerd/conf.d/99-nvidia.toml"
MAIN = "/etc/containerd/config.toml"


@pytest.fixture(scope="module")
def spare() -> Iterator[LabHost]:
    """The spare host with a new disk: each test leaves it as it found it."""
    with fresh(SPARE) as host:
        yield host


@pytest.fixture
def installed(spare: LabHost) -> Iterator[LabHost]:
    """The same with the library; all is undone afterwards."""
    spare.install()
    yield spare
    spare.remove()


def engine(**more: Any) -> list[Any]:
    values = {"package": "containerd", "version": "1.6.*", "cgroupDriver": "cgroupfs", "restrictOomScoreAdj": True}
    mirrors = {"registry.k8s.io": [f"http://{REGISTRY}"], REGISTRY: [f"http://{REGISTRY}"]}
    return steps.engine(Containerd.model_validate({**values, "mirrors": mirrors, **more}))


def test_engine_holds_twice_is_mended_when_cut_and_leaves_no_trace(spare: LabHost) -> None:
    leaves_no_trace(spare, {"engine": engine()})
    assert "containerd" not in spare.bash("ls /etc /opt /run; ls -A /var/lib/containerd; dpkg --get-selections")


def test_settings_are_in_force_and_restart_only_when_they_change(installed: LabHost) -> None:
    installed.apply("engine", engine())
    dump = installed.bash("containerd config dump")
    for line in (
        f'sandbox_image = "{versions.PAUSE_IMAGE}"',
        "restrict_oom_score_adj = true",
        "SystemdCgroup = false",
        'bin_dir = "/opt/cni/bin"',
        'path = "/var/lib/containerd/opt"',
    ):
        assert line in dump
    assert installed.bash("apt-mark showhold") == "containerd\n"
    started = installed.bash(STARTED)
    installed.apply("engine", engine())
    installed.apply("engine", engine(mirrors={"registry.k8s.io": [f"http://{REGISTRY}"]}))
    assert installed.bash(STARTED) == started
    assert installed.bash("ls /etc/containerd/certs.d") == "registry.k8s.io\n"
    assert installed.apply("engine", engine(cgroupDriver="systemd"))["containerd_config"] == "changed"
    assert installed.bash(STARTED) != started
    assert "SystemdCgroup = true" in installed.bash("containerd config dump")


def test_a_restart_that_is_due_is_not_forgotten(installed: LabHost) -> None:
    installed.apply("engine", engine())
    installed.bash("ln -s /bin/false /usr/local/sbin/systemctl")  # cut off between change and restart
    cut = installed.run("engine", engine(cgroupDriver="systemd"))
    installed.bash("rm /usr/local/sbin/systemctl")
    assert (cut.returncode, "[containerd_config]" in cut.stderr) == (1, True)
    started = installed.bash(STARTED)
    assert installed.apply("engine", engine(cgroupDriver="systemd"))["containerd_config"] == "changed"
    assert installed.bash(STARTED) != started


def test_images_come_by_the_mirror(installed: LabHost) -> None:
    installed.apply("engine", engine())
    pull = "ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d"
    for image in (versions.PAUSE_IMAGE, f"{REGISTRY}/{versions.PAUSE_IMAGE.partition('/')[2]}"):
        assert "done" in installed.bash(f"{pull} {image}")
    assert installed.bash("ctr -n k8s.io images ls -q").count("pause") == 2


def test_what_the_gpu_toolkit_adds_is_kept(installed: LabHost) -> None:
    installed.apply("engine", engine())
    section = installed.bash("cat /etc/containerd/conf.d/50-gpu-metal.toml")
    nvidia = f'\n[{CRI}.containerd.runtimes.nvidia]\nruntime_type = "io.containerd.runc.v2"\n'
    installed.bash(f"cat >{TOOLKIT}; systemctl restart containerd", section + nvidia)
    started = installed.bash(STARTED)
    assert set(installed.apply("engine", engine()).values()) == {"unchanged"}
    assert installed.bash(STARTED) == started
    installed.bash(f"sed -i 's/SystemdCgroup = false/SystemdCgroup = true/' {TOOLKIT}")
    status, says = installed.check()["containerd_config"]
    assert (status, says.startswith("has another value than SystemdCgroup = false")) == ("drift", True)
    installed.bash(f"rm {TOOLKIT}; systemctl restart containerd")


def test_an_operators_own_settings_are_not_dropped_silently(installed: LabHost) -> None:
    installed.apply("engine", engine())
    assert installed.gpu_metal("undo engine").returncode == 0
    installed.bash(f"mkdir -p /etc/containerd; cat >{MAIN}", f"version = 2\n[{CRI}]\nmax_concurrent_downloads = 9\n")
    refused = installed.run("engine", engine())
    assert refused.returncode == 1
    assert f'{MAIN} sets "max_concurrent_downloads = 9", which containerd 1.x would drop' in refused.stderr
    assert "conf.d" not in installed.bash("ls /etc/containerd")
    installed.bash(f"cat >{MAIN}", 'disabled_plugins = ["cri"]\n')
    installed.apply("engine", engine())
    imports = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\ndisabled_plugins = []\n'
    assert installed.bash(f"cat {MAIN}") == imports
    assert installed.gpu_metal("undo engine").returncode == 0
    installed.bash("rm -rf /etc/containerd")
