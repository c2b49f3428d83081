"""Kubernetes of a host as steps: packages, the host as a member, the node as the cluster sees it. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from components.engine.config import Containerd
from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.kubernetes import backup, cis, given, kubeadm, virtual_address
from components.kubernetes.config import Kubernetes
from components.kubernetes.rolling import Rolling
from components.network.config import Network

_STEPS = Path(__file__).with_name("steps")
_PROGRAMS = Path(__file__).with_name("programs")
_RENEWAL = {name: (_PROGRAMS / f"{name}.sh").read_text() for name in ("renew", "turn")}
_FOLDERS = (
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/cni",
    "/etc/kubernetes",
    "/var/log/pods",
    "/var/log/containers",
)
_WORKER_LABEL = "node-role.kubernetes.io/worker"
_SPARE = 600
"""Seconds that a drain has besides those that the site gives to pods and jobs."""
_KUBERNETES = ("kubeadm", "kubelet", "kubectl")
GROUPS = 32
"""Fixed for good: with another number, nodes would change their layer and be drained. 1,000 hosts: about 31 in each."""


def node(  # noqa: PLR0913 - one call, in stacks/plan.py
    host: Host,
    control_planes: Sequence[Host],
    *,
    cluster: str,
    kubernetes: Kubernetes,
    network: Network,
    engine: Containerd,
    pod_network: Sequence[Step] = (),
    files: Mapping[str, str] | None = None,
    leaving: Sequence[Host] = (),
) -> list[Step]:
    """The layer `node` of any host: afterwards it is a member of `cluster`.

    The first of `control_planes` begins the cluster where none of them is in one. `pod_network` (components/network)
    stands before the membership, so that it outlives the pods when the host leaves. `files` are the texts that
    given.files gives: kubeadm finds them on the host when it begins or joins. `leaving`: control planes that are gone.
    """
    return [
        _version(host, kubernetes),
        Step(_STEPS / "cni_watched.sh"),
        packages(
            [f"{name}={kubernetes.version}-*" for name in _KUBERNETES], label="kubernetes", hold=True, folders=_FOLDERS
        ),
        # curl asks etcd over HTTP, since its image may have no etcdctl. openssl reads certificates.
        packages([*(["curl"] if "control-plane" in host.roles else []), "openssl"], label="tools"),
        Step(_STEPS / "kubelet_client.sh", {"node": host.name, "role": _role(host)}),  # no API server without a kubelet
        *_virtual_address(host, control_planes, kubernetes, leaving),
        Step(_STEPS / "kubelet_service.sh"),
        *pod_network,
        *(_files(files) if files and "control-plane" in host.roles else []),
        *(_certificates(kubernetes) if "control-plane" in host.roles else []),
        _membership(host, control_planes, cluster, kubernetes, network, engine),
        *_api_server(host, control_planes, kubernetes, network),
        *([Step(_STEPS / "kubeconfig_read.sh", {"node": host.name})] if begins(host, control_planes) else []),
        *_coredns(host),
        *_profile(host, kubernetes),
    ]


def _role(host: Host) -> str:
    return "control-plane" if "control-plane" in host.roles else "worker"


def _version(host: Host, kubernetes: Kubernetes) -> Step:
    inputs = {"version": kubernetes.version, "node": host.name, "role": _role(host)}
    if kubernetes.ignore_preflight_errors:
        inputs["ignore"] = ",".join(kubernetes.ignore_preflight_errors)
    if kubernetes.backup and "control-plane" in host.roles:
        inputs["backup"] = "yes"
    return Step(_STEPS / "kubernetes_version.sh", inputs)


def _profile(host: Host, kubernetes: Kubernetes) -> list[Step]:
    """What a profile asks besides arguments of the API server."""
    if kubernetes.profile is None:
        return []
    files = Step(_STEPS / "cis_files.sh", {"paths": " ".join([*cis.UNITS, cis.KUBELET_CONFIG])})
    arguments = Step(_STEPS / "controllers.sh", {"argument.profiling": "false"})
    return [files, *([arguments] if "control-plane" in host.roles else [])]


def watching(host: Host, watched: str) -> list[Step]:
    """On a control plane: gives nodes a taint that have lost GPUs. `watched`: lines NODE RESOURCE COUNT."""
    if not watched or "control-plane" not in host.roles:
        return []
    return [Step(_STEPS / "gpus_watched.sh", {}, {"offers": watched})]


def backups(host: Host, kubernetes: Kubernetes, states: Mapping[str, str]) -> list[Step]:
    """On a control plane, once it is a member. `states`: programs that save what parts have besides, by name."""
    if kubernetes.backup is None or "control-plane" not in host.roles:
        return []
    return backup.steps(kubernetes.backup, states)


def preflight(host: Host, control_planes: Sequence[Host], kubernetes: Kubernetes) -> list[Step]:
    """The checks of what the node layer needs of the host."""
    resolved = [Step(_STEPS / "resolved.sh")] if kubernetes.service_names else []
    if "control-plane" not in host.roles:
        return resolved
    moving = kubernetes.virtual_address
    return [
        *resolved,
        *(backup.preflight(kubernetes.backup) if kubernetes.backup else []),
        *(virtual_address.preflight(moving, control_planes) if moving else []),
    ]


def _virtual_address(
    host: Host, control_planes: Sequence[Host], kubernetes: Kubernetes, leaving: Sequence[Host]
) -> list[Step]:
    if kubernetes.virtual_address is None or "control-plane" not in host.roles:
        return []
    return virtual_address.steps(kubernetes.virtual_address, host, control_planes, kubeadm.API_PORT, leaving)


def _certificates(kubernetes: Kubernetes) -> list[Step]:
    timer = {"timer": "yes" if kubernetes.renew_certificates else "no"}
    return [Step(_STEPS / "certificates.sh", timer, _RENEWAL)]


def host_names(host: Host, kubernetes: Kubernetes, entries: str) -> list[Step]:
    """What CoreDNS answers pods, on each control plane: `entries` are lines as in /etc/hosts."""
    if not kubernetes.host_names or "control-plane" not in host.roles:
        return []
    return [Step(_STEPS / "coredns_hosts.sh", bulk={"entries": entries})]


def service_names(kubernetes: Kubernetes, network: Network) -> list[Step]:
    """What any host resolves of the cluster, once it is a member."""
    if not kubernetes.service_names:
        return []
    # kubeadm gives the service of CoreDNS the tenth address, and lets nobody choose another.
    inputs = {"domain": kubernetes.cluster_domain, "server": str(network.service_subnet[10])}
    return [Step(_STEPS / "service_names.sh", inputs)]


def _coredns(host: Host) -> list[Step]:
    """Only where the site says which name servers the host asks."""
    if not host.dns:
        return []
    servers = " ".join(map(str, host.dns.servers))
    return [Step(_STEPS / "coredns_servers.sh", {"node": host.name, "servers": servers})]


def _files(files: Mapping[str, str]) -> list[Step]:
    names = sorted(files)
    return [Step(_STEPS / "api_server_files.sh", {"names": " ".join(names)}, {name: files[name] for name in names})]


def _api_server(host: Host, control_planes: Sequence[Host], kubernetes: Kubernetes, network: Network) -> Iterator[Step]:
    """After the membership: a control plane joins with what the cluster's configuration says then."""
    if "control-plane" in host.roles:
        own = kubeadm.own_names(host, control_planes, kubernetes, network)
        names = ",".join(sorted({*kubernetes.names} - own))
        inputs = {"node": host.name, "address": str(host.address), "names": names}
        inputs |= {f"argument.{name}": value for name, value in given.arguments(kubernetes).items()}
        yield Step(_STEPS / "api_server.sh", inputs, {"volumes": given.volume_lines(kubernetes)})


def group(host: str) -> int:
    """The group of a host: of its name alone, so that no host changes its group when others come or go."""
    return int(sha256(host.encode()).hexdigest(), 16) % GROUPS


def members(
    hosts: Iterable[Host],
    taints: Mapping[str, Sequence[str]] = MappingProxyType({}),
    rolling: Rolling = Rolling(),  # noqa: B008 - frozen
    gpus: Sequence[str] = (),
) -> list[Step]:
    """A layer `members-NN` on a control plane: one step for the node of each host of a group, and one if it is drained.

    `taints` are those that a node has while it is drained, by the host's name; `rolling` and `gpus` as in turn.py.
    A step that leaves takes its node out of the cluster. Of a host that is gone the node is out: this is applied, not
    undone, as an undo would run where the layer last ran, and that may be the very control plane that is gone.
    """
    # Who is gone goes first: the cluster has room for its work, and no node that is not Ready holds it up.
    ordered = sorted(hosts, key=lambda host: (host.state != "gone", host.name))
    drained = [host for host in ordered if host.state == "drained"]
    return [*map(_member, ordered), *(_drained(host, taints.get(host.name, ()), rolling, gpus) for host in drained)]


def _drained(host: Host, taints: Sequence[str], rolling: Rolling, gpus: Sequence[str]) -> Step:
    more = sorted({*taints} - {*host.taints})
    inputs = {"node": host.name, "seconds": str(rolling.drain_timeout)} | ({"taints": ",".join(more)} if more else {})
    if rolling.wait_for_jobs:
        inputs |= {"minutes": str(rolling.wait_for_jobs), "gpus": "|".join(gpus)}
    inputs["limit"] = str(rolling.drain_timeout + rolling.wait_for_jobs * 60 + _SPARE)
    return Step(_STEPS / "node_drained.sh", inputs, label=host.name)


def joined(step: Step, told: str) -> Step:
    """The step of a node, given what the layer `node` of its host told: another text once it has joined anew."""
    identity = "".join(line for line in told.splitlines() if line.startswith("node "))
    return replace(step, bulk={"joined": identity})


def _member(host: Host) -> Step:
    inputs = {"node": host.name, "address": str(host.address), "roles": ",".join(sorted(host.roles))}
    if host.state == "gone":
        inputs |= {"state": "gone"}
    else:
        inputs |= {"labels": _joined(labels(host)), "taints": ",".join(sorted(host.taints))}
    return Step(_STEPS / "node_member.sh", inputs, label=host.name)


def begins(host: Host, control_planes: Sequence[Host]) -> bool:
    """Whether `host` begins the cluster where there is none."""
    return host.name == control_planes[0].name


def _membership(
    host: Host,
    control_planes: Sequence[Host],
    cluster: str,
    kubernetes: Kubernetes,
    network: Network,
    engine: Containerd,
) -> Step:
    first = begins(host, control_planes)
    bulk = {"join": kubeadm.join_config(host, kubernetes)}
    if first:
        bulk["init"] = kubeadm.init_config(
            host, control_planes, cluster=cluster, kubernetes=kubernetes, network=network, engine=engine
        )
    inputs = {
        "node": host.name,
        "role": _role(host),
        "begin": "init" if first else "join",
        "cluster": cluster,
        "endpoint": kubeadm.endpoint(kubernetes, control_planes),
        "pod_subnet": str(network.pod_subnet),
        "service_subnet": str(network.service_subnet),
        "dns_domain": kubernetes.cluster_domain,
    }
    settings = _settings(kubernetes) if "control-plane" in host.roles else {}
    return Step(_STEPS / "cluster_member.sh", inputs | settings, bulk)


def _settings(kubernetes: Kubernetes) -> dict[str, str]:
    """What a running cluster keeps: readable in the diff, so that the step can name what differs."""
    texts: dict[str, object] = {"kubelet": kubernetes.kubelet, "kube_proxy": kubernetes.kube_proxy}
    return {
        "image_repository": kubernetes.image_repository,
        **{key: json.dumps(value, sort_keys=True, separators=(",", ":")) for key, value in texts.items()},
    }


def labels(host: Host) -> dict[str, str]:
    """The labels that the host's node has from the site: its role's, and its own."""
    role = {_WORKER_LABEL: ""} if "worker" in host.roles else {}
    return {**role, **host.labels}


def _joined(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
