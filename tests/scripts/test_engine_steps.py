"""containerd by its steps on an emulated host: settings in force, images by the mirror, restarts only when due.

Not proven here: containerd 2.x (no package of it in Debian 12; its merge of our drop-in was tried by hand with 2.1.4),
docker's containerd.io package, GPUs in containers (one of the toolkit's runtimes is only named).
"""

from collections.abc import Iterator
from typing import Any

import pytest

import versions
from components.engine import steps
from components.engine.config import Containerd
from tests.scripts import gpu_container
from tests.scripts.lab_host import LabHost, leaves_no_trace

pytestmark = [pytest.mark.lab, pytest.mark.row("C1"), pytest.mark.row("C2")]

REGISTRY = "10.213.77.1:5000"
CRI = 'plugins."io.containerd.grpc.v1.cri"'
STARTED = "systemctl show -p ActiveEnterTimestampMonotonic containerd"
TOOLKIT = "/etc/containerd/conf.d/99-nvidia.toml"
MAIN = "/etc/containerd/config.toml"


@pytest.fixture(scope="module")
def host(spare: LabHost) -> Iterator[LabHost]:
    """With containerd, which the tests change in turn."""
    spare.install()
    spare.apply("engine", engine())
    yield spare
    spare.remove()


@pytest.fixture
def installed(host: LabHost) -> LabHost:
    """The same, as engine() says."""
    host.apply("engine", engine())
    return host


def engine(**more: Any) -> list[Any]:
    values = {"package": "containerd", "version": "1.6.*", "cgroupDriver": "cgroupfs", "restrictOomScoreAdj": True}
    mirrors = {"registry.k8s.io": [f"http://{REGISTRY}"], REGISTRY: [f"http://{REGISTRY}"]}
    return steps.engine(Containerd.model_validate({**values, "mirrors": mirrors, **more}))


def test_engine_holds_twice_is_mended_when_cut_and_leaves_no_trace(spare: LabHost) -> None:
    leaves_no_trace(spare, {"engine": engine()})
    assert "containerd" not in spare.bash("ls /etc /opt /run; ls -A /var/lib/containerd; dpkg --get-selections")


@pytest.mark.row("G8")
def test_settings_are_in_force_and_restart_only_when_they_change(installed: LabHost) -> None:
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
    changed = installed.apply("engine", engine(cgroupDriver="systemd"))
    assert (changed["containerd_config"], changed["containerd"]) == ("changed", "changed")
    assert installed.bash(STARTED) != started
    assert "SystemdCgroup = true" in installed.bash("containerd config dump")


def test_a_restart_that_is_due_is_not_forgotten(installed: LabHost) -> None:
    cut = '#!/bin/bash\n[[ $1 != *restart ]] || exit 1\nexec /usr/bin/systemctl "$@"\n'
    installed.bash("cat >/usr/local/sbin/systemctl; chmod +x /usr/local/sbin/systemctl", cut)
    failed = installed.run("engine", engine(cgroupDriver="systemd"))
    installed.bash("rm /usr/local/sbin/systemctl")
    assert (failed.returncode, "[containerd]" in failed.stderr) == (1, True)
    started = installed.bash(STARTED)
    assert installed.check()["containerd"][1] == "containerd runs with older settings than its files have"
    assert installed.apply("engine", engine(cgroupDriver="systemd"))["containerd"] == "changed"
    assert installed.bash(STARTED) != started


@pytest.mark.row("G8")
def test_nothing_restarts_under_a_container_that_would_lose_its_gpu(installed: LabHost) -> None:
    gpu_container.start(installed, "job", gpu_container.STRICT, "DeviceAllow=char-pts rw")
    started = installed.bash(STARTED)
    assert set(installed.apply("engine", engine()).values()) == {"unchanged"}
    refused = installed.run("engine", engine(cgroupDriver="systemd"))
    assert refused.returncode == 1
    says = "containerd must be restarted for its changed settings, and containers with GPUs run: job.scope"
    assert says in refused.stderr
    assert "Nothing was restarted. Fix: drain or stop them, then pulumi up" in refused.stderr
    installed.bash("systemctl stop job.scope; mkdir -p /etc/systemd/system/containerd.service.d")
    installed.bash(
        "cat >/etc/systemd/system/containerd.service.d/p.conf", '[Service]\nEnvironment="HTTP_PROXY=http://p"\n'
    )
    assert installed.bash(STARTED) == started
    installed.apply("engine", engine())
    assert "HTTP_PROXY=http://p" in installed.bash("tr '\\0' '\\n' </proc/$(pidof containerd)/environ")
    installed.bash("rm -r /etc/systemd/system/containerd.service.d")
    assert installed.apply("engine", engine())["containerd"] == "changed"
    assert "HTTP_PROXY" not in installed.bash("tr '\\0' '\\n' </proc/$(pidof containerd)/environ")


def test_images_come_by_the_mirror(installed: LabHost) -> None:
    pull = "ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d"
    for image in (versions.PAUSE_IMAGE, f"{REGISTRY}/{versions.PAUSE_IMAGE.partition('/')[2]}"):
        assert "done" in installed.bash(f"{pull} {image}")
    assert installed.bash("ctr -n k8s.io images ls -q").count("pause") == 2


@pytest.mark.row("C5")
def test_what_the_gpu_toolkit_adds_is_kept(installed: LabHost) -> None:
    section = installed.bash("cat /etc/containerd/conf.d/50-gpu-metal.toml")
    nvidia = f'\n[{CRI}.containerd.runtimes.nvidia]\nruntime_type = "io.containerd.runc.v2"\n'
    installed.bash(f"cat >{TOOLKIT}; systemctl restart containerd", section + nvidia)
    started = installed.bash(STARTED)
    assert set(installed.apply("engine", engine()).values()) == {"unchanged"}
    assert installed.bash(STARTED) == started
    assert "runtimes.nvidia" in installed.bash("containerd config dump")
    installed.bash(f"sed -i 's/SystemdCgroup = false/SystemdCgroup = true/' {TOOLKIT}")
    status, says = installed.check()["containerd_config"]
    assert (status, says.startswith("has another value than SystemdCgroup = false")) == ("drift", True)
    installed.bash(f"rm {TOOLKIT}; systemctl restart containerd")


@pytest.mark.row("C2")
def test_the_gpu_rooms_runtime_stands_beside_runc(installed: LabHost) -> None:
    wanted = {"nvidia_runtime": "/usr/bin/nvidia-container-runtime", "default_runtime": "nvidia", "enable_cdi": "true"}
    layer = steps.engine(Containerd(cgroupDriver="cgroupfs"), extra=wanted)
    [config] = [step for step in layer if step.script.stem == "containerd_config"]
    installed.apply("gpu", [config])
    dump = installed.bash("containerd config dump")
    for line in ('BinaryName = "/usr/bin/nvidia-container-runtime"', 'default_runtime_name = "nvidia"'):
        assert line in dump
    assert "cdi" not in installed.bash("cat /etc/containerd/conf.d/50-gpu-metal.toml")  # 1.6 knows none
    assert installed.gpu_metal("undo gpu").returncode == 0


@pytest.mark.row("C5")
def test_an_operators_own_settings_are_not_dropped_silently(installed: LabHost) -> None:
    assert installed.gpu_metal("undo engine").returncode == 0
    installed.bash(f"mkdir -p /etc/containerd; cat >{MAIN}", f"version = 2\n[{CRI}]\nmax_concurrent_downloads = 9\n")
    refused = installed.run("engine", engine())
    assert refused.returncode == 1
    assert f'{MAIN} sets "max_concurrent_downloads = 9", which containerd 1.x would drop' in refused.stderr
    assert "conf.d" not in installed.bash("ls /etc/containerd")
    dotted = f"version = 2\n{CRI}.stream_idle_timeout = '2h'\n"
    inline = 'version = 2\n[plugins]\n"io.containerd.grpc.v1.cri" = { stream_idle_timeout = "2h" }\n'
    for text in (dotted, inline):
        installed.bash(f"cat >{MAIN}", text)
        assert (
            'sets "stream_idle_timeout = "2h"", which containerd 1.x would drop'
            in installed.run("engine", engine()).stderr
        )
        assert installed.bash(f"cat {MAIN}") == text
        assert "conf.d" not in installed.bash("ls /etc/containerd")
    installed.bash(f"cat >{MAIN}", 'version = 2\ndisabled_plugins = [\n  "io.containerd.grpc.v1.cri",\n]\n')
    assert (
        "Fix: write its imports and its disabled_plugins on one line each" in installed.run("engine", engine()).stderr
    )
    installed.bash(f"cat >{MAIN}", "version = 2\n[plugins\n")
    assert f"{MAIN} cannot be read: " in installed.run("engine", engine()).stderr
    installed.bash(f"cat >{MAIN}", 'disabled_plugins = ["cri"]\n')
    installed.apply("engine", engine())
    imports = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\ndisabled_plugins = []\n'
    assert installed.bash(f"cat {MAIN}") == imports
    assert installed.gpu_metal("undo engine").returncode == 0
    installed.bash("rm -rf /etc/containerd")
