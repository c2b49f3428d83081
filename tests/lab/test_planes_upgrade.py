"""Three control planes behind an address that moves, and two workers, go to the next minor version by one edit.

Meanwhile, clients ask the API server five times a second and no request fails, nor is a Deployment of two pods ever
without one. Secrets are encrypted, and the backup's timer runs. `up` is killed in the middle and resumed. Does not
prove: a load balancer of one's own, a vendor's own packages, more workers at a time.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.depot import former
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from lab.tools.catalogue import KUBERNETES
from tests.lab import planes
from tests.lab.planes import PLANES, Asker, all_ready, kubectl
from tests.lab.stack import Stack, kill_session, on, until
from tests.lab.test_upgrade import to

WORKERS = ("rack-3", "rack-5")
NODES = (*PLANES, *WORKERS)
WORK = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: work}
spec:
  replicas: 2
  selector: {matchLabels: {app: work}}
  template:
    metadata: {labels: {app: work}}
    spec:
      terminationGracePeriodSeconds: 1
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - {labelSelector: {matchLabels: {app: work}}, topologyKey: kubernetes.io/hostname}
      containers: [{name: c, image: "registry.k8s.io/busybox:1.36", command: [sleep, "99999"]}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: work}
spec: {minAvailable: 1, selector: {matchLabels: {app: work}}}
"""

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts(*NODES), pytest.mark.row("K9", "X20", "K13")]


@pytest.fixture(scope="module")
def stack(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:  # noqa: ARG001 - the lab runs
    """All of them with the earlier version, at work."""
    former.publish()
    for name in PLANES:
        planes.fresh(name)
    for name in WORKERS:
        hosts.reset(lab_host(name))
    made = planes.created(tmp_path_factory.mktemp("planes"), WORKERS)
    made.edit(to(former.VERSION, former.URL))
    made.up().ok()
    on(PLANES[0], ["bash", "-c", f"kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - <<'END'\n{WORK}\nEND"])
    until(lambda: len(working()) == 2, what="two pods work")
    kubectl(PLANES[0], "create", "secret", "generic", "before", "--from-literal=p=hunter2")
    yield made
    for name in NODES:
        hosts.stop(lab_host(name), grace=0)


def nodes() -> dict[str, Any]:
    listed = json.loads(kubectl(PLANES[0], "get", "nodes", "-o", "json"))["items"]
    return {node["metadata"]["name"]: node for node in listed}


def working() -> set[str]:
    """The nodes on which a pod of the Deployment is ready."""
    listed = json.loads(kubectl(PLANES[0], "get", "pods", "-l", "app=work", "-o", "json"))["items"]
    return {
        pod["spec"]["nodeName"]
        for pod in listed
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    }


def begun(stack: Stack, node: str) -> None:
    """`up` until that node is being upgraded; then it is killed."""
    process = stack.start(*stack.command("up", "--yes", "--skip-preview"))
    marked = "[ -s /etc/kubernetes/gpu-metal/upgrading ] && echo yes || true"
    until(lambda: "yes" in on(node, ["sh", "-c", marked]) or process.poll() is not None, what=node, limit=3000)
    assert process.poll() is None, stack.folder.joinpath("killed.log").read_text()[-6000:]
    kill_session(process)


def test_killed_at_the_second_control_plane_and_resumed_nobody_notices(stack: Stack, tmp_path: Path) -> None:
    until(all_ready, what="every API server ready", limit=600)
    stack.edit(to(KUBERNETES.version, "http://10.213.77.1:8080/apt"))
    work = tmp_path / "work"
    work.mkdir()
    with Asker(tmp_path, PLANES[0]) as asker, Asker(work, PLANES[0], "work") as worked:
        begun(stack, PLANES[1])
        stack.sitectl("recover").ok()
        stack.up().ok()
        until(lambda: len(working()) == 2, what="two pods work")
    seen = {
        name: (n["status"]["nodeInfo"]["kubeletVersion"], n["spec"].get("unschedulable")) for name, n in nodes().items()
    }
    assert seen == dict.fromkeys(NODES, (f"v{KUBERNETES.version}", None))
    assert not [key for node in nodes().values() for key in node["metadata"]["annotations"] if "gpu-metal" in key]
    assert (asker.asked > 100, asker.failed) == (True, [])
    assert (worked.asked > 100, worked.failed) == (True, [])


def test_afterwards_there_is_nothing_to_do(stack: Stack) -> None:
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()
    for name in PLANES:
        assert planes.read(name, "before") == "hunter2"
        assert on(name, ["systemctl", "is-active", "gpu-metal-backup.timer"]).strip() == "active"
    assert kubectl(PLANES[0], "-n", "kube-system", "get", "lease", "gpu-metal-turn", "--ignore-not-found") == ""
    assert "nothing to upgrade" in stack.sitectl("upgrade", "plan").ok().text


def test_a_turn_that_was_cut_off_ends_by_drift_and_up(stack: Stack) -> None:
    """As of the last node, where no later one's turn ends it first."""
    last = WORKERS[1]
    kubectl(PLANES[0], "cordon", last)
    kubectl(PLANES[0], "annotate", "node", last, f"gpu-metal/upgrade={KUBERNETES.version}")
    said = stack.sitectl("drift", "--record")
    assert (said.status, "did not end, so it may take no new work" in said.text) == (1, True)
    stack.up().ok()
    assert "unschedulable" not in nodes()[last]["spec"]
    assert not [key for key in nodes()[last]["metadata"]["annotations"] if "gpu-metal" in key]
    stack.up("--expect-no-changes").ok()
