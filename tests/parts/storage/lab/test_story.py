"""Storage in the lab's cluster: what a pod of one node writes, one of another reads; a default class; a dark server.

Does not prove: csi-driver-nfs and nfs-subdir-external-provisioner, of which the lab has stand-ins of the charts only.
"""

import json
from typing import Any

import pytest

from lab.parts.storage.depot import CHARTS
from lab.tools.catalogue import LOCAL_PATH
from tests.lab.cluster import kubectl
from tests.lab.stack import HOSTS, Stack, on, until

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]

SHARE = "/var/lib/docker/share"
"""On a folder that is no overlay: the server cannot export one."""
FOLDER = f"{SHARE}/vision/shared"
STORAGE: dict[str, Any] = {
    "nfs": {"host": "cp-1", "path": SHARE, "server": "ganesha", "versions": ["3"]},
    "mountOptions": ["vers=3"],
    "images": "registry.k8s.io",  # whose mirror the lab's registry is
    "volumes": {
        "shared": {
            "path": "vision/shared",
            "capacity": "1Gi",
            "namespace": "vision",
            "owner": "2000:2000",
            "mode": "2770",
        }
    },
    "classes": {"local": {"kind": "local-path", "default": True}},
    "charts": {"localPath": {"chart": "local-path-provisioner", "repository": CHARTS, "version": LOCAL_PATH.version}},
}
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf -n vision"


@pytest.fixture(scope="module")
def stack(cluster: Stack) -> Stack:
    cluster.edit(lambda site: site.update(storage=STORAGE))
    cluster.up().ok()
    return cluster


def run(name: str, host: str, user: int, command: str, claim: str = "shared") -> str:
    """What the command prints in a pod on that host, as that user, with the claim at /data."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": host},
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsUser": user, "runAsGroup": user},
            "containers": [
                {
                    "name": "main",
                    "image": "registry.k8s.io/busybox:1.36",
                    "command": ["sh", "-c", f"{command} 2>&1 || true"],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        },
    }
    apply(pod)
    until(lambda: phase(name) in {"Succeeded", "Failed"}, what=f"pod {name}", limit=120)
    return on("cp-1", ["bash", "-c", f"{KUBECTL} logs {name}"])


def apply(thing: dict[str, Any]) -> None:
    on("cp-1", ["bash", "-c", f"{KUBECTL} apply -f - <<'END'\n{json.dumps(thing)}\nEND"])


def phase(pod: str) -> str:
    return str(kubectl("get", "pod", pod, "-n", "vision")["status"]["phase"])


def verdict(stack: Stack) -> dict[tuple[str, str], str]:
    """(host, check) → status of the part's checks."""
    checks = json.loads(stack.sitectl("verify", "-o", "json").out)["checks"]
    return {(each["host"], each["id"]): each["status"] for each in checks if each["id"].startswith("storage/")}


@pytest.mark.row("S1")
@pytest.mark.row("S2")
def test_a_pod_on_one_node_reads_what_one_on_another_wrote(stack: Stack) -> None:  # noqa: ARG001 - it is up
    assert (
        run("writer", "cpu-1", 2000, "echo from $(hostname) >/data/file && stat -c %u:%g:%a /data")
        == "2000:2000:2770\n"
    )
    assert run("reader", "gpu-1", 2000, "cat /data/file") == "from writer\n"
    assert "Permission denied" in run("stranger", "gpu-1", 2001, "cat /data/file")
    assert on("cp-1", ["cat", f"{FOLDER}/file"]) == "from writer\n"


@pytest.mark.row("S3")
@pytest.mark.row("S7")
def test_a_claim_without_a_class_gets_a_volume_of_the_default_one(stack: Stack) -> None:  # noqa: ARG001 - it is up
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
    apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "own"}, "spec": spec})
    assert run("own", "cpu-1", 2000, "echo mine >/data/file && cat /data/file", claim="own") == "mine\n"
    claim = kubectl("get", "pvc", "own", "-n", "vision")
    assert claim["spec"]["storageClassName"] == "local"
    on("cp-1", ["bash", "-c", f"{KUBECTL} delete pod/own pvc/own"])


@pytest.mark.row("M3")
def test_verify_names_what_holds_and_the_hosts_of_a_dark_server(stack: Stack) -> None:
    stack.up("--expect-no-changes").ok()
    names = ("volumes/shared", "classes/local", "default-class", "local-path-provisioner")
    wanted = {("cp-1", f"storage/{name}"): "ok" for name in names}
    wanted |= {(host, "storage/mounts"): "ok" for host in HOSTS}
    assert verdict(stack) == wanted
    on("cp-1", ["systemctl", "stop", "nfs-ganesha"])
    dark = verdict(stack)
    assert {host for host, check in dark if dark[host, check] == "failed"} == set(HOSTS)
    stack.sitectl("drift", "--record")
    stack.up().ok()
    assert verdict(stack) == wanted


@pytest.mark.row("S1")
def test_without_its_lines_all_goes_but_data(stack: Stack) -> None:
    on("cp-1", ["bash", "-c", f"{KUBECTL} delete pod writer reader stranger"])
    stack.edit(lambda site: site.pop("storage"))
    stack.up().ok()
    assert on("cp-1", ["cat", f"{FOLDER}/file"]) == "from writer\n"
    assert kubectl("get", "pv")["items"] == []
    assert on("cp-1", ["bash", "-c", "systemctl is-active nfs-ganesha || true"]).strip() == "inactive"
    assert json.loads(stack.sitectl("verify", "-o", "json").ok().out)["failures"] == []
