"""containerd 1.6 to 2 under a container that runs, on an emulated host: the package, our settings in its version 3.

Not proven here: pods and the kubelet (tests/lab/test_containerd.py), a vendor's own package.
"""

from collections.abc import Iterator
from typing import Any

import pytest

import versions
from components.engine import steps
from components.engine.config import Containerd
from lab.depot import containerd
from lab.depot.service import REGISTRY_PORT
from lab.hosts.inventory import GATEWAY
from tests.scripts.lab_host import LabHost

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.row("C1", "C2")]

OLD, NEW = "1.6.*", containerd.VERSION
MAIN, OURS = "/etc/containerd/config.toml", "/etc/containerd/conf.d/50-gpu-metal.toml"
CRI = "ctr plugins ls | awk '$2 == \"cri\" || $1 ~ /cri/ { print $NF }' | sort -u"
NODE = "#!/bin/bash\nif [[ $* == *'get node'* ]]; then cat /run/node; else echo 'ReplicaSet default/work'; fi\n"
PID = "ctr -n k8s.io tasks ls | awk '$1 == \"work\" { print $2 }'"


def engine(version: str) -> list[Any]:
    values = {"package": "containerd", "version": version, "cgroupDriver": "cgroupfs", "restrictOomScoreAdj": True}
    mirrors = {"registry.k8s.io": [f"http://{GATEWAY}:{REGISTRY_PORT}"]}
    extra = {"nvidia_runtime": "/usr/bin/nvidia-container-runtime", "enable_cdi": "true"}
    return steps.engine(Containerd.model_validate({**values, "mirrors": mirrors}), extra=extra)


@pytest.fixture(scope="module")
def host(spare: LabHost) -> Iterator[LabHost]:
    """With containerd 1.6 and a container that runs; apt knows containerd 2, too."""
    containerd.publish()
    spare.install()
    spare.apply("engine", engine(OLD))
    pull = "ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d registry.k8s.io/busybox:1.36 >/dev/null"
    spare.bash(f"{pull}; ctr -n k8s.io run -d registry.k8s.io/busybox:1.36 work sleep 9999")
    spare.bash(f"echo 'deb [trusted=yes] {containerd.URL} ./' >/etc/apt/sources.list.d/new.list; apt-get -qq update")
    yield spare
    spare.remove()
    spare.bash("rm -f /etc/apt/sources.list.d/new.list; apt-get -qq update")


def settings(host: LabHost) -> str:
    """As containerd reads them."""
    return host.bash("containerd config dump")


def in_force(host: LabHost) -> None:
    dump = settings(host)
    for word in (
        "SystemdCgroup = false",
        "restrict_oom_score_adj = true",
        "/etc/containerd/certs.d",
        versions.PAUSE_IMAGE,
    ):
        assert word in dump
    assert "/usr/bin/nvidia-container-runtime" in dump
    assert host.bash(CRI) == "ok\n"
    assert host.check() == {}


@pytest.mark.row("K16")
def test_under_a_nodes_pods_it_is_refused_without_the_nodes_turn(host: LabHost) -> None:
    """The container is as a pod's is; kubectl is a stand-in."""
    host.bash("mkdir -p /etc/kubernetes; echo x >/etc/kubernetes/kubelet.conf; cat >/usr/local/bin/kubectl", NODE)
    host.bash("chmod +x /usr/local/bin/kubectl; echo open >/run/node")
    done = host.run("engine", engine(NEW))
    assert done.returncode == 1
    assert f"to {NEW} under running pods, and node {host.machine.name} has no turn and takes work" in done.stderr
    assert " 1.6." in host.bash("containerd --version")
    host.bash(f"echo 'cordoned containerd={NEW}' >/run/node")
    assert host.apply("engine", engine(OLD))["engine_at_rest"] == "unchanged"
    host.bash("rm -r /etc/kubernetes /usr/local/bin/kubectl /run/node")


def test_a_container_runs_on_while_containerd_becomes_2(host: LabHost) -> None:
    in_force(host)
    assert "cdi" not in host.bash(f"cat {OURS}"), "1.6 knows none"
    before = host.bash(PID)
    assert before.strip()
    host.apply("engine", engine(NEW))
    assert "v2." in host.bash("containerd --version").replace(" 2.", " v2.")
    assert host.bash(PID) == before
    in_force(host)
    assert "/var/run/cdi" in settings(host), "2.4 has no key to turn it on or off"
    assert set(host.apply("engine", engine(NEW)).values()) == {"unchanged"}
    assert host.bash("apt-mark showhold") == "containerd\n"


def test_settings_of_ours_alone_are_in_the_version_that_containerd_writes(host: LabHost) -> None:
    alone = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
    host.bash(f"cat >{MAIN}", alone)
    host.apply("engine", engine(NEW))
    for file in (MAIN, OURS):
        assert "version = 3\n" in host.bash(f"cat {file}")
    in_force(host)


def test_containerd_1_gets_them_in_its_own_again(host: LabHost) -> None:
    """Of a host whose containers have gone: on a member `pulumi up` refuses the way back."""
    host.bash("ctr -n k8s.io tasks kill -s 9 work; sleep 2; ctr -n k8s.io tasks rm -f work; ctr -n k8s.io c rm work")
    host.apply("engine", engine(OLD))
    for file in (MAIN, OURS):
        assert "version = 2\n" in host.bash(f"cat {file}")
    in_force(host)
