"""kube-router's objects from a site's settings: its firewall alone, beside pod network and kube-proxy. Pure.

Flags: https://github.com/cloudnativelabs/kube-router/blob/v2.11.1/docs/user-guide.md
"""

from ipaddress import IPv4Network
from typing import Any

NAMESPACE = "kube-router"
NAME = "kube-router"
"""Of the DaemonSet, its service account and its role."""
HEALTH = 20244
"""Port of its answer to the kubelet, on the host's own network."""
RULES: list[dict[str, Any]] = [
    {
        "apiGroups": [""],
        "resources": ["namespaces", "pods", "services", "nodes", "endpoints"],
        "verbs": ["list", "get", "watch"],
    },
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "get", "watch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list", "get", "watch"]},
]
"""What it reads. It writes nothing."""
_LABELS = {"app.kubernetes.io/name": NAME}


def daemon_set(image: str, services: IPv4Network) -> dict[str, Any]:
    """`spec` of the DaemonSet: a pod on every node, whatever its taints, so that none is without rules."""
    flags = ["--run-firewall=true", "--run-router=false", "--run-service-proxy=false"]
    container = {
        "name": NAME,
        "image": image,
        "args": [*flags, f"--service-cluster-ip-range={services}", f"--health-port={HEALTH}"],
        "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": HEALTH, "host": "127.0.0.1"},
            "initialDelaySeconds": 30,
            "periodSeconds": 10,
            "failureThreshold": 6,
        },
        "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}},
        "securityContext": {"privileged": True},
        "volumeMounts": [
            {"name": "lib-modules", "mountPath": "/lib/modules", "readOnly": True},
            {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
        ],
    }
    pod = {
        "serviceAccountName": NAME,
        "priorityClassName": "system-node-critical",
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [
            {"name": "lib-modules", "hostPath": {"path": "/lib/modules"}},
            {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        ],
    }
    return {
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
    }
