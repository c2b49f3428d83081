"""CoreDNS' pods after the name servers of a node have changed; with stand-ins for the cluster.

Does not prove: that the ReplicaSet starts another pod, and that the kubelet gives it the node's name servers.
"""

import os
from pathlib import Path

import pytest

from tests.unit.step_host import StepHost
from tests.unit.test_kubernetes_steps import CPU_1, host, node

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/coredns_servers.sh"
INPUTS = {"node": "cp-1", "servers": "192.0.2.53"}


@pytest.fixture
def running(tmp_path: Path) -> StepHost:
    """This test's process is CoreDNS: its pod's files are this machine's, whose host name is the pod's."""
    made = StepHost(tmp_path)
    made.program("pgrep", f"echo {os.getpid()}")
    made.program("kubectl", f"""
        echo "$*" >>{tmp_path}/asked
        case $* in *" get pods "*) echo coredns-other; cat /etc/hostname ;; esac""")  # fmt: skip
    made.file("/var/lib/kubelet/config.yaml", f"kind: X\nresolvConf: {tmp_path}/run/copied.conf\n")
    made.file("/run/copied.conf", Path("/etc/resolv.conf").read_text())
    return made


@pytest.mark.row("H15")
def test_pods_with_the_nodes_name_servers_stay(running: StepHost) -> None:
    assert running.call(STEP, "check", INPUTS) == (0, "")
    # The kubelet reads the first word after nameserver.
    text = "".join(f"{line} # ours\n" for line in Path("/etc/resolv.conf").read_text().splitlines())
    running.file("/run/copied.conf", text)
    assert running.call(STEP, "check", INPUTS) == (0, "")


@pytest.mark.row("H15")
def test_a_pod_with_former_name_servers_is_replaced_by_its_own_node(running: StepHost) -> None:
    pod = Path("/etc/hostname").read_text().strip()
    running.file("/run/copied.conf", "search x\nnameserver 192.0.2.53\n")
    assert running.call(STEP, "check", INPUTS) == (
        10,
        f"{pod} asks the name servers of the time when it began, not 192.0.2.53",
    )
    assert running.call(STEP, "apply", INPUTS) == (0, "")
    asked = running.path("/asked").read_text()
    assert f"--namespace kube-system delete pod {pod} --wait" in asked
    assert "--field-selector spec.nodeName=cp-1" in asked
    assert "coredns-other" not in asked


@pytest.mark.row("H15")
def test_a_coredns_that_is_not_the_clusters_is_left_alone(running: StepHost) -> None:
    running.file("/run/copied.conf", "nameserver 192.0.2.53\n")
    running.program("kubectl", "echo coredns-other")
    assert running.call(STEP, "check", INPUTS) == (0, "")


def test_only_hosts_with_name_servers_of_the_site_have_the_step() -> None:
    asks = host("cpu-1", "10.213.77.21", dns={"servers": ["192.0.2.53"]})
    assert node(asks)["coredns_servers"].inputs == {"node": "cpu-1", "servers": "192.0.2.53"}
    assert list(node(asks)).index("cluster_member") < list(node(asks)).index("coredns_servers")
    assert "coredns_servers" not in node(CPU_1)
