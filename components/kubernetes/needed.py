"""What Kubernetes needs of the rooms below it on each host: settings, units behind the proxy, sources, ports. Pure."""

from collections.abc import Sequence
from pathlib import Path

import versions
from components.host.config import Host
from components.host.listening import Listening
from components.host.needed import Needed
from components.host.net import Protocol
from components.host.openings import site_networks
from components.host.repositories import AptRepository, DnfRepository, Repository
from components.kubernetes import virtual_address
from components.kubernetes.config import Kubernetes
from components.kubernetes.kubeadm import API_PORT
from components.kubernetes.virtual_address import VirtualAddress
from components.matrix import Matrix, Thing, read, thing

MODULES = ("overlay", "br_netfilter")
SYSCTL = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv4.ip_forward": "1",
}
"""https://kubernetes.io/docs/setup/production-environment/container-runtimes/#network-configuration"""
KUBELETS_SYSCTL = {
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
}
"""What the kubelet itself sets when it starts: the site's value would hold until then, and be drift from then on.
https://github.com/kubernetes/kubernetes/blob/v1.34.2/pkg/kubelet/cm/container_manager_linux.go (setupKernelTunables)"""

FACTS = Path(__file__).with_name("compatibility.yaml")
_MATRIX = Matrix([read(FACTS)])


def prepare(host: Host) -> Host:
    """The host with Kubernetes' kernel modules and settings, and without swap where the site does not say."""
    wanted = {
        "modules": tuple(dict.fromkeys((*MODULES, *host.modules))),
        "sysctl": {**SYSCTL, **host.sysctl},
        "swap": host.swap or "off",
    }
    return host.model_copy(update=wanted)


def needed(kubernetes: Kubernetes, host: Host, control_planes: Sequence[Host], leaving: Sequence[Host] = ()) -> Needed:
    """Beside the settings that `prepare` lays under the site's."""
    v1 = _MATRIX.verdict(thing("cgroup", "cgroup v1", "v1"), version(kubernetes))
    return Needed(
        repositories={"kubernetes": _repository(kubernetes, host)},
        services=("kubelet",),
        listening=listening(host, control_planes, kubernetes.virtual_address, leaving),
        cgroup_v2=v1.fits is False and kubernetes.kubelet.get("failCgroupV1") is not False,
    )


def version(kubernetes: Kubernetes) -> Thing:
    """The version, as compatibility.yaml knows it."""
    return thing("kubernetes", f"Kubernetes {kubernetes.version}", kubernetes.version, ("kubernetes", "version"))


def listening(
    host: Host,
    control_planes: Sequence[Host],
    moving: VirtualAddress | None = None,
    leaving: Sequence[Host] = (),
) -> tuple[Listening, ...]:
    """https://kubernetes.io/docs/reference/networking/ports-and-protocols/, and what listens on loopback."""

    def service(name: str, what: str, port: str) -> Listening:
        return Listening(name, what, port, key=("kubernetes",), fixed=True, layer="node")

    def inner(name: str, what: str, port: str) -> Listening:
        return Listening(name, what, port, sources=None, key=("kubernetes",), fixed=True, layer="node")

    node = (
        service("kubelet", "the kubelet", "10250"),
        service("kube-proxy", "kube-proxy's health", "10256"),
        inner("kubelet-health", "the kubelet's health", "10248"),
        inner("kube-proxy-metrics", "kube-proxy's metrics", "10249"),
        # Nobody has them until a Service of type NodePort asks: preflight does not.
        _node_ports("tcp"),
        _node_ports("udp"),
    )
    if "control-plane" not in host.roles:
        return node
    planes = site_networks(plane.address for plane in control_planes)
    api = Listening(
        "kubernetes-api", "the API server", str(API_PORT), "tcp", "any", ("kubernetes",), fixed=True, layer="node"
    )
    etcd = Listening("etcd", "etcd", "2379-2380", "tcp", planes, ("kubernetes",), fixed=True, layer="node")
    return (
        api,
        etcd,
        *(virtual_address.listening(moving, control_planes, leaving) if moving else ()),
        inner("etcd-metrics", "etcd's metrics", "2381"),
        inner("controller-manager", "the controller manager", "10257"),
        inner("scheduler", "the scheduler", "10259"),
        *node,
    )


def _node_ports(protocol: Protocol) -> Listening:
    what = "Services of type NodePort"
    return Listening(f"node-ports-{protocol}", what, "30000-32767", protocol, "any", ("kubernetes",), fixed=True)


def _repository(kubernetes: Kubernetes, host: Host) -> Repository:
    form = "rpm" if host.family == "rhel" else "deb"
    url = versions.KUBERNETES_REPOSITORY.format(minor=kubernetes.version.rpartition(".")[0], form=form)
    signed = {
        "url": url,
        "keyUrl": url + versions.KUBERNETES_KEY_FILES[form],
        "fingerprint": versions.KUBERNETES_KEY_FINGERPRINT,
    }
    if form == "rpm":
        return DnfRepository.model_validate({"kind": "dnf", **signed})
    return AptRepository.model_validate({"suite": "/", **signed})
