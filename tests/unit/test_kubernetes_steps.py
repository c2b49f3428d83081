"""Which Kubernetes steps a host gets, and tickets. That a step does what it says is proven in tests/scripts only."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from components.engine.config import Containerd
from components.host.config import Host
from components.hostrun import ssh
from components.hostrun.step import Step, command_line
from components.hostrun.target import SshError, Target
from components.kubernetes import steps, ticket
from components.kubernetes.config import Kubernetes
from components.network import steps as network_steps
from components.network.config import Network

BRIDGE = Network.model_validate({"pods": {"kind": "bridge", "mtu": 1400}})


def host(name: str, address: str, *roles: str, **more: Any) -> Host:
    values = {"name": name, "address": address, "hostKey": "ssh-ed25519 AAAA", "roles": roles or ("worker",), **more}
    return Host.model_validate(values)


CP_1 = host("cp-1", "10.213.77.11", "control-plane")
CP_2 = host("cp-2", "10.213.77.12", "control-plane")
CPU_1 = host("cpu-1", "10.213.77.21")


def node(of: Host, planes: tuple[Host, ...] = (CP_1, CP_2), network: Network = BRIDGE) -> dict[str, Step]:
    made = steps.node(
        of,
        planes,
        cluster="dev",
        kubernetes=Kubernetes.model_validate({"kubeProxy": {"mode": "iptables"}}),
        network=network,
        engine=Containerd(),
        pod_network=network_steps.pod_network(of, network),
    )
    return {step.id: step for step in made}


def member(**more: Any) -> Step:
    [step] = steps.members([host("gpu-1", "10.213.77.31", **more)])
    return step


@pytest.mark.row("K1")
def test_packages_are_exact_and_held() -> None:
    inputs = node(CPU_1)["packages#kubernetes"].inputs
    assert inputs["names"] == "kubeadm=1.34.2-* kubelet=1.34.2-* kubectl=1.34.2-*"
    assert inputs["hold"] == "yes"


@pytest.mark.row("K12")
def test_certificates_are_looked_at_before_the_api_server_is_asked() -> None:
    ids = list(node(CP_2))
    assert ids.index("certificates") < ids.index("cluster_member")
    assert "certificates" not in node(CPU_1)
    assert "kubeconfig_read" in node(CP_1)
    assert "kubeconfig_read" not in {*node(CP_2), *node(CPU_1)}


def test_pods_lose_their_network_after_the_host_left() -> None:
    ids = list(node(CPU_1))
    assert ids.index("pod_network") < ids.index("cluster_member")  # undo goes backwards


def test_containerd_looks_for_its_folder_after_the_package_took_it() -> None:
    ids = list(node(CPU_1))
    assert ids.index("cni_watched") < ids.index("packages#kubernetes")  # undo goes backwards


def test_version_is_compared_before_packages_change() -> None:
    ids = list(node(CPU_1))
    assert ids.index("kubernetes_version") < ids.index("packages#kubernetes")


def test_first_control_plane_begins_and_all_can_join() -> None:
    first, second, worker = (node(of)["cluster_member"] for of in (CP_1, CP_2, CPU_1))
    assert [step.inputs["begin"] for step in (first, second, worker)] == ["init", "join", "join"]
    assert [sorted(step.bulk) for step in (first, second, worker)] == [["init", "join"], ["join"], ["join"]]


def test_another_first_control_plane_is_the_same_step() -> None:
    """A step that vanishes is undone: init and join as two would reset the control plane that moves up."""
    before, after = node(CP_2)["cluster_member"], node(CP_2, (CP_2,))["cluster_member"]
    assert before.ref == after.ref
    assert after.inputs["begin"] == "init"


def test_settings_of_a_running_cluster_stand_in_the_diff_of_control_planes() -> None:
    assert node(CP_1)["cluster_member"].inputs["kube_proxy"] == '{"mode":"iptables"}'
    assert "kube_proxy" not in node(CPU_1)["cluster_member"].inputs


def test_bridge_has_its_agent_and_flannel_nothing_on_hosts() -> None:
    assert node(CPU_1)["pod_network"].inputs == {"node": "cpu-1", "pod_subnet": "10.244.0.0/16", "mtu": "1400"}
    assert "pod_network" not in node(CPU_1, network=Network())
    assert [step.id for step in network_steps.cluster(BRIDGE)] == ["node_readers"]
    assert network_steps.cluster(Network()) == []


@pytest.mark.row("K4")
def test_flannel_has_the_clusters_pod_subnet() -> None:
    network = Network.model_validate(
        {
            "podSubnet": "10.100.0.0/16",
            "pods": {"kind": "flannel", "values": {"podCidr": "1.2.3.0/24", "flannel": {"backend": "host-gw"}}},
        }
    )
    assert network_steps.flannel_values(network) == {"podCidr": "10.100.0.0/16", "flannel": {"backend": "host-gw"}}


def test_flannel_values_of_another_network_are_refused() -> None:
    with pytest.raises(TypeError, match="the pod network is bridge"):
        network_steps.flannel_values(BRIDGE)


@pytest.mark.row("K7")
def test_labels_are_the_role_and_the_sites() -> None:
    labels = member(labels={"accelerator": "nvidia-a100"}).inputs["labels"]
    assert labels == "accelerator=nvidia-a100,node-role.kubernetes.io/worker="
    assert steps.members([CP_1])[0].inputs["labels"] == ""


def test_roles_say_whether_work_may_run_on_a_control_plane() -> None:
    """The step takes kubeadm's taint away where they have `worker`."""
    assert member().inputs["roles"] == "worker"
    assert member(roles=["worker", "control-plane"]).inputs["roles"] == "control-plane,worker"


@pytest.mark.row("K8", "X15")
def test_of_a_host_that_is_gone_the_node_is_out_of_the_cluster() -> None:
    gone = member(state="gone")
    assert gone.inputs["state"] == "gone"
    assert not {"labels", "taints"} & set(gone.inputs)
    assert "state" not in member().inputs


def test_of_a_group_who_is_gone_goes_first() -> None:
    gone = host("z-1", "10.213.77.40", state="gone")
    assert [step.label for step in steps.members([CPU_1, CP_1, gone])] == ["z-1", "cp-1", "cpu-1"]


def test_the_groups_of_a_thousand_hosts_are_small_and_fixed() -> None:
    names = [f"gpu-{number}" for number in range(1, 1001)]
    sizes = Counter(map(steps.group, names))
    assert sum(sizes.values()) / len(sizes) <= 50
    hosts = [host(name, "10.213.77.31", labels={"rack": "r" * 63}, taints=["a=b:NoSchedule"]) for name in names]
    lines = [
        command_line("members-00", steps.members(h for h in hosts if steps.group(h.name) == number)) for number in sizes
    ]
    assert max(map(len, lines)) < 128 * 1024 / 4  # one argument of a process
    # Written down: another hash or number of groups would move nodes between layers, and so drain them.
    assert [steps.group(name) for name in ("cp-1", "cpu-1", "gpu-1", "gpu-1000")] == [31, 10, 13, 23]


def test_a_node_that_joined_anew_is_another_text() -> None:
    step = member()
    before, after = (steps.joined(step, f"node: 8 steps hold\nnode {uid}\n").bulk for uid in ("aa-1", "bb-2"))
    assert (before, after) == ({"joined": "node aa-1"}, {"joined": "node bb-2"})
    assert steps.joined(step, "").bulk == {"joined": ""}


TICKET = "ENDPOINT 10.213.77.12:6443\nTOKEN abcdef.0123456789abcdef\nCA_HASH sha256:00\n"


def target(of: Host) -> Target:
    return Target(of.name, str(of.address), 22, "deploy", "ssh-ed25519 AAAA")


class Hosts:
    """Stands for SSH: what each host answers, and what it was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: ssh.Result | SshError) -> None:
        self.answers = answers
        self.calls: list[tuple[str, str, bytes]] = []
        monkeypatch.setattr(ssh, "run", self.run)

    async def run(self, to: Target, command: str, *, stdin: bytes = b"", deadline: float = 30) -> ssh.Result:
        assert deadline <= 60
        self.calls.append((to.name, command, stdin))
        if "kubelet.conf" in command:
            return self._answer("needs", ssh.Result(0, "", ""))
        if "gpu-metal put" in command:
            return self._answer("put", ssh.Result(0, "", ""))
        return self._answer(to.name.replace("-", "_"), ssh.Result(0, TICKET, ""))

    def _answer(self, key: str, usual: ssh.Result) -> ssh.Result:
        answer = self.answers.get(key, usual)
        if isinstance(answer, SshError):
            raise answer
        return answer

    def put(self) -> list[tuple[str, bytes]]:
        return [(name, stdin) for name, command, stdin in self.calls if "/sbin/gpu-metal put ticket" in command]


def give(joining: Host, *, begins: bool = False) -> None:
    planes = [target(CP_1), target(CP_2)]
    plane = "control-plane" in joining.roles
    asyncio.run(ticket.give_ticket(planes, target(joining), control_plane=plane, begins=begins))


DEAD = SshError("cp-1", "address", "10.213.77.11:22 did not answer within 15 s.")
NO_CLUSTER = ssh.Result(0, "", "")


def test_ticket_comes_from_the_first_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(monkeypatch, cp_1=DEAD)
    give(CPU_1)
    assert hosts.put() == [("cpu-1", TICKET.encode())]


@pytest.mark.row("K5", "X2")
def test_ticket_is_on_no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(monkeypatch)
    give(CPU_1)
    assert not [command for _, command, _ in hosts.calls if "abcdef" in command or "sha256" in command]


def test_a_member_is_admitted_without_a_ticket(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(monkeypatch, needs=ssh.Result(1, "", ""), cp_1=DEAD, cp_2=ssh.Result(0, "", ""))
    give(CPU_1)
    assert [name for name, _, _ in hosts.calls] == ["cpu-1", "cp-1", "cp-2"]
    assert hosts.calls[-1][1] == "bash -s -- cpu-1 10.213.77.21 member 15"
    assert hosts.put() == []


@pytest.mark.row("K2", "K15")
def test_a_control_plane_that_etcd_has_removed_gets_a_ticket_though_it_has_an_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = Hosts(monkeypatch, needs=ssh.Result(1, "", ""), cp_1=ssh.Result(0, f"OUT yes\n{TICKET}", ""))
    give(CP_2)
    assert hosts.calls[1][1] == "bash -s -- cp-2 10.213.77.12 control-plane-member 15"
    assert hosts.put() == [("cp-2", f"OUT yes\n{TICKET}".encode())]


@pytest.mark.row("K12")
def test_a_worker_whose_kubelet_cannot_sign_in_any_more_gets_a_ticket_of_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = Hosts(monkeypatch, needs=ssh.Result(3, "", ""))
    give(CPU_1)
    assert hosts.calls[1][1] == "bash -s -- cpu-1 10.213.77.21 ended 5"
    assert hosts.put() == [("cpu-1", TICKET.encode())]


def test_a_member_goes_on_while_no_control_plane_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(monkeypatch, needs=ssh.Result(1, "", ""), cp_1=DEAD, cp_2=DEAD)
    give(CPU_1)
    assert hosts.put() == []


def test_no_ticket_says_why_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    Hosts(monkeypatch, cp_1=DEAD, cp_2=ssh.Result(1, TICKET, "error: no etcd\n"))
    with pytest.raises(ticket.NoTicketError) as raised:
        give(CPU_1)
    said = str(raised.value)
    assert said.startswith("cpu-1 [ticket] no control plane made a ticket")
    assert "cp-1: [address] 10.213.77.11:22 did not answer" in said
    assert "cp-2: error: no etcd" in said
    assert "abcdef" not in said


def test_first_control_plane_begins_where_there_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(monkeypatch, cp_2=NO_CLUSTER)
    give(CP_1, begins=True)
    assert hosts.put() == []


@pytest.mark.row("K15")
def test_first_control_plane_joins_the_cluster_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was replaced: a second cluster must not begin."""
    hosts = Hosts(monkeypatch)
    give(CP_1, begins=True)
    assert hosts.put() == [("cp-1", TICKET.encode())]


def test_first_control_plane_does_not_begin_while_another_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    Hosts(monkeypatch, cp_2=DEAD)
    with pytest.raises(ticket.NoTicketError, match="cp-2: "):
        give(CP_1, begins=True)


def test_a_worker_does_not_join_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Hosts(monkeypatch, cp_1=NO_CLUSTER, cp_2=NO_CLUSTER)
    with pytest.raises(ticket.NoTicketError, match="cp-1: is a member of no cluster"):
        give(CPU_1)
