"""Site config → kubeadm's configuration files, in the API version that its Kubernetes reads. Pure."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from components.engine.config import Containerd
from components.host.config import Host
from components.kubernetes import given
from components.kubernetes.config import Kubernetes
from components.kubernetes.endpoint import parsed
from components.network.config import Network

API_PORT = 6443
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane"

TICKET_ENDPOINT = "TICKET_ENDPOINT"
TICKET_TOKEN = "TICKET_TOKEN"  # noqa: S105 - a place, not a token
TICKET_CA_HASH = "TICKET_CA_HASH"
TICKET_CERTIFICATE_KEY = "TICKET_CERTIFICATE_KEY"
"""Places that the join step fills on the joining host: what belongs there is in no file of ours."""

_OWN_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_OWN_LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
"""https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction"""

_V1BETA4 = (1, 31)
"""The first version with the API v1beta4, where arguments are a list; v1beta3, from 1.22 on, has maps:
https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/"""

_SHOW_JOIN_COMMAND = (1, 26)
"""The first version whose init has this as a phase: https://github.com/kubernetes/kubernetes/pull/111512"""


def endpoint(kubernetes: Kubernetes, control_planes: Sequence[Host]) -> str:
    """`host:port` of the API server: the site's, or that of its first control plane."""
    return kubernetes.reached or f"{_bracketed(control_planes[0])}:{API_PORT}"


def own_names(host: Host, control_planes: Sequence[Host], kubernetes: Kubernetes, network: Network) -> frozenset[str]:
    """Names that the API server's certificate has of kubeadm's own accord.

    cmd/kubeadm/app/util/pkiutil/pki_helpers.go, GetAPIServerAltNames
    """
    known = parsed(endpoint(kubernetes, control_planes))
    services = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    first = str(network.service_subnet[1])
    return frozenset(
        {*services, f"{services[-1]}.{kubernetes.cluster_domain}", host.name, str(host.address), first}
        | ({known.host} if known else set())
    )


def init_config(
    host: Host,
    control_planes: Sequence[Host],
    *,
    cluster: str,
    kubernetes: Kubernetes,
    network: Network,
    engine: Containerd,
) -> str:
    """What `kubeadm init` is given on the control plane that begins the cluster."""
    return _documents(
        {
            "apiVersion": _api(kubernetes),
            "kind": "InitConfiguration",
            # kubeadm always makes one token; ours is short, and known by its description when it is deleted.
            "bootstrapTokens": [{"description": f"gpu-metal {host.name}", "ttl": "15m0s"}],
            "localAPIEndpoint": {"advertiseAddress": str(host.address), "bindPort": API_PORT},
            "nodeRegistration": _registration(host, kubernetes),
            "skipPhases": ["show-join-command"] if kubernetes.minor >= _SHOW_JOIN_COMMAND else [],
        },
        _cluster_config(control_planes, cluster=cluster, kubernetes=kubernetes, network=network),
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "cgroupDriver": engine.cgroup_driver,
            **kubernetes.kubelet,
        },
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            **kubernetes.kube_proxy,
        },
    )


def _cluster_config(
    control_planes: Sequence[Host], *, cluster: str, kubernetes: Kubernetes, network: Network
) -> dict[str, Any]:
    """ClusterConfiguration: the same for all control planes."""
    volumes = given.volumes(kubernetes)
    return {
        "apiVersion": _api(kubernetes),
        "kind": "ClusterConfiguration",
        "clusterName": cluster,
        "kubernetesVersion": f"v{kubernetes.version}",
        "controlPlaneEndpoint": endpoint(kubernetes, control_planes),
        "imageRepository": kubernetes.image_repository,
        "networking": {
            "dnsDomain": kubernetes.cluster_domain,
            "podSubnet": str(network.pod_subnet),
            "serviceSubnet": str(network.service_subnet),
        },
        "apiServer": {
            "certSANs": list(kubernetes.names),
            "extraArgs": _arguments(kubernetes, given.arguments(kubernetes)),
            **({"extraVolumes": volumes} if volumes else {}),
        },
    }


def join_config(host: Host, kubernetes: Kubernetes) -> str:
    """JoinConfiguration with TICKET_… where the ticket's values go."""
    config: dict[str, Any] = {
        "apiVersion": _api(kubernetes),
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": TICKET_ENDPOINT,
                "token": TICKET_TOKEN,
                "caCertHashes": [TICKET_CA_HASH],
            }
        },
        "nodeRegistration": _registration(host, kubernetes),
    }
    if "control-plane" in host.roles:
        config["controlPlane"] = {
            "localAPIEndpoint": {"advertiseAddress": str(host.address), "bindPort": API_PORT},
            "certificateKey": TICKET_CERTIFICATE_KEY,
        }
    return _documents(config)


def _api(kubernetes: Kubernetes) -> str:
    return f"kubeadm.k8s.io/{'v1beta4' if kubernetes.minor >= _V1BETA4 else 'v1beta3'}"


def _arguments(kubernetes: Kubernetes, wanted: Mapping[str, str]) -> list[dict[str, str]] | dict[str, str]:
    if kubernetes.minor < _V1BETA4:
        return dict(wanted)
    return [{"name": name, "value": value} for name, value in wanted.items()]


def _registration(host: Host, kubernetes: Kubernetes) -> dict[str, Any]:
    arguments = {"node-ip": str(host.address)}
    if own := {key: value for key, value in sorted(host.labels.items()) if _own_label(key)}:
        arguments["node-labels"] = ",".join(f"{key}={value}" for key, value in own.items())
    return {
        "name": host.name,
        "criSocket": CRI_SOCKET,
        "kubeletExtraArgs": _arguments(kubernetes, arguments),
        "ignorePreflightErrors": list(kubernetes.ignore_preflight_errors),
        # All of them, none too: kubeadm taints a control plane of its own accord when the key is absent.
        "taints": taints(host),
    }


def taints(host: Host) -> list[dict[str, str]]:
    """The taints of the host's node, as Kubernetes has them. Each once: a node with a taint twice is refused."""
    return [_taint(text) for text in dict.fromkeys((*_role_taints(host), *sorted(host.taints)))]


def _role_taints(host: Host) -> tuple[str, ...]:
    return () if "worker" in host.roles else (f"{CONTROL_PLANE_TAINT}:NoSchedule",)


def _taint(text: str) -> dict[str, str]:
    """`key=value:Effect` or `key:Effect` as Kubernetes has it."""
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _own_label(key: str) -> bool:
    """Whether a kubelet may give itself this label; it does not start with another. Those come by membership."""
    prefix = key.rpartition("/")[0]
    kubernetes = any(prefix == domain or prefix.endswith(f".{domain}") for domain in ("kubernetes.io", "k8s.io"))
    free = any(prefix == domain or prefix.endswith(f".{domain}") for domain in _OWN_PREFIXES)
    return not kubernetes or free or key in _OWN_LABELS


def _bracketed(host: Host) -> str:
    return f"[{host.address}]" if host.address.version == 6 else str(host.address)


def _documents(*documents: Mapping[str, Any]) -> str:
    yaml = YAML()
    yaml.default_flow_style = False
    out = StringIO()
    yaml.dump_all(documents, out)
    return out.getvalue()
