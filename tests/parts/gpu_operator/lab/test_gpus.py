"""GPUs in pods of the lab's site: through the real kubelet, from a device plugin of ours under the upstream's names.

Does not prove: NVIDIA's own operator and chart; that a GPU computes.
"""

import pytest

from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, until
from tests.parts.gpu_operator.lab import gpu_pods as gpus

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]

NODE = "gpu-1"
OFFER = f"gpu-operator/{gpus.GPU}"
SMOKE = "gpu-operator/gpu-smoke"


@pytest.mark.row("O1", "O4")
def test_pods_get_the_gpus_that_they_ask_for(cluster: Stack) -> None:
    cluster.edit(lambda site: site.update(gpuOperator=gpus.of_site()))
    cluster.up().ok()
    gpus.comes_to_offer(NODE, 8)
    gpus.pod("two", 2)
    *seen, told = gpus.said_by("two")
    assert len(set(seen)) == len(seen) == 2
    chosen = told.removeprefix("told ").split(",")
    assert len(set(chosen)) == 2
    assert set(chosen) <= set(gpus.uuids(NODE))
    [answer] = [pod["spec"]["nodeName"] for pod in kubectl("get", "pods", "-n", "default")["items"]]
    assert answer == NODE
    until(lambda: gpus.verdict(cluster)[SMOKE][0] == "ok", what="the smoke pod sees its GPUs", limit=120, pause=2)
    found = gpus.verdict(cluster)
    assert {status for status, _ in found.values()} == {"ok"}
    assert found[OFFER] == ("ok", "8 for pods")
    assert "gpu-operator/nvidia-device-plugin-daemonset" in found
    cluster.up("--expect-no-changes").ok()


@pytest.mark.row("O4", "M3")
def test_a_gpu_that_is_unplugged_is_missed(cluster: Stack) -> None:
    gpus.unplug(NODE, 3)
    gpus.comes_to_offer(NODE, 7)
    assert gpus.verdict(cluster)[OFFER] == ("failed", "the node has 7 for pods")
    gpus.plug(NODE, 3)
    gpus.comes_to_offer(NODE, 8)
    assert gpus.verdict(cluster)[OFFER] == ("ok", "8 for pods")


@pytest.mark.row("O1")
def test_without_its_lines_it_is_gone(cluster: Stack) -> None:
    cluster.edit(lambda site: site.pop("gpuOperator"))
    cluster.up().ok()
    names = {each["metadata"]["name"] for each in kubectl("get", "namespaces")["items"]}
    assert "gpu-operator" not in names
    gpus.comes_to_offer(NODE, 0)
