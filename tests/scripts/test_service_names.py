"""Names of the cluster's services on an emulated host: systemd-resolved asks the cluster's DNS for them alone.

Real: systemd-resolved, the unit, the address of the cluster's DNS behind NAT, as kube-proxy has it. Stand-ins: name
servers of these tests for CoreDNS and for the site's own; a link of the kind ifb, since the lab's kernel has no dummy.
Does not prove: NetworkManager; a reboot; kube-proxy's own rules.
"""

import pytest

from components.host import net_steps
from components.hostrun.step import Step
from components.kubernetes import steps as kubernetes_steps
from components.kubernetes.config import Kubernetes
from components.network.config import Network
from lab.hosts.inventory import GATEWAY
from tests.lab.names import name_server
from tests.scripts.lab_host import LabHost, site_host
from tests.scripts.net_peers import PEER, free_port, holds, peer, undone

pytestmark = [pytest.mark.lab, pytest.mark.row("N3", "N4")]

LINK, SERVER = "gpu-metal-dns", "10.96.0.10"
SERVICE = {"kubernetes.default.svc.cluster.local": "10.96.0.1"}
OTHER = {"depot.lab.example.org": "192.0.2.7"}
ASKED = f"""
resolvectl flush-caches
for name in {" ".join((*SERVICE, *OTHER))}; do
    timeout 20 getent ahostsv4 $name | head -n 1 | cut -d ' ' -f 1 | grep . || echo nothing
done
"""


def kube_proxy(host: LabHost, port: int) -> None:
    """What the address of the cluster's DNS leads to."""
    host.bash(f"""
        nft add table ip proxy
        nft add chain ip proxy out '{{ type nat hook output priority -100; }}'
        nft add chain ip proxy post '{{ type nat hook postrouting priority 100; }}'
        nft add rule ip proxy out ip daddr {SERVER} udp dport 53 dnat to {GATEWAY}:{port}
        nft add rule ip proxy post ip daddr {GATEWAY} masquerade
        """)


def steps() -> list[Step]:
    """The site's own name server, what preflight asks, and the names of services."""
    kubernetes = Kubernetes.model_validate({"serviceNames": True})
    [asked] = kubernetes_steps.preflight(site_host(), [], kubernetes)
    own = net_steps.dns(site_host(dns={"servers": [PEER]}), None)
    return [*own, asked, *kubernetes_steps.service_names(kubernetes, Network())]


@pytest.fixture(scope="module")
def resolving(spare: LabHost) -> LabHost:
    """The host with what an operator has to bring."""
    spare.bash("apt-get update -qq; apt-get install -y -qq systemd-resolved nftables >/dev/null 2>&1")
    spare.bash("cat >/usr/local/sbin/ip; chmod +x /usr/local/sbin/ip", '#!/bin/bash\nexec /sbin/ip "${@/#dummy/ifb}"\n')
    spare.install()
    return spare


def test_a_host_resolves_services_by_the_clusters_dns_and_all_else_by_its_own(resolving: LabHost) -> None:
    before, port = resolving.snapshot(), free_port()
    with peer(), name_server(PEER, OTHER.get), name_server(GATEWAY, SERVICE.get, port=port):
        holds(resolving, steps())
        assert resolving.bash(ASKED) == "nothing\n192.0.2.7\n"  # there is no kube-proxy yet
        kube_proxy(resolving, port)
        assert resolving.bash(ASKED) == "10.96.0.1\n192.0.2.7\n"
        # The kubelet gives this file to CoreDNS, which would ask itself.
        assert resolving.bash("grep ^nameserver /run/systemd/resolve/resolv.conf") == f"nameserver {PEER}\n"
        resolving.bash("systemctl restart systemd-resolved")
        assert resolving.check() == {}
        resolving.bash(f"resolvectl domain {LINK} '~.'")
        status, says = resolving.check()["service_names"]
        assert (status, f"{LINK} has {SERVER}/32 {SERVER} ~. no, wants" in says) == ("drift", True)
        resolving.bash(f"ip link delete {LINK}")
        assert f"{LINK} has nothing, wants" in resolving.check()["service_names"][1]
        holds(resolving, steps())
        assert resolving.bash(ASKED) == "10.96.0.1\n192.0.2.7\n"
        undone(resolving, before)
        assert resolving.bash(f"ip link show {LINK} 2>&1 || true").startswith("Device")
    resolving.bash("nft delete table ip proxy")


def test_a_cluster_dns_that_does_not_answer_costs_no_other_name(resolving: LabHost) -> None:
    with peer(), name_server(PEER, OTHER.get):
        holds(resolving, steps())
        kube_proxy(resolving, free_port())  # nobody listens there
        assert resolving.bash(ASKED) == "nothing\n192.0.2.7\n"
    resolving.bash("nft delete table ip proxy")
    assert resolving.gpu_metal("undo base").returncode == 0


def test_preflight_says_what_a_host_needs(resolving: LabHost) -> None:
    asked = kubernetes_steps.preflight(site_host(), [], Kubernetes.model_validate({"serviceNames": True}))
    assert resolving.questions(asked) == {}
    resolving.bash("rm /etc/resolv.conf; echo 'nameserver 192.0.2.1' >/etc/resolv.conf")
    assert resolving.questions(asked)["resolved"].startswith("has programs that ask 192.0.2.1, not systemd-resolved")
    resolving.bash("systemctl stop systemd-resolved")
    assert resolving.questions(asked)["resolved"].startswith("has no systemd-resolved that runs")
