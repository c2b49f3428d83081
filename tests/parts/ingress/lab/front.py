"""The lab's site with a load balancer and an ingress, seen from this machine, which is outside of the cluster."""

import json
import shlex
import socket
import ssl
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.hosts.inventory import GATEWAY, WEB_PORT
from lab.parts.load_balancer import depot
from tests.lab.stack import Stack, on
from tests.parts.ingress.unit.signed import certificate

DOMAIN = "lab.example.org"
NAME = f"shop.{DOMAIN}"
REGISTRY, CHARTS = f"http://{GATEWAY}:5000", f"http://{GATEWAY}:{WEB_PORT}/charts"
ADDRESS = f"{GATEWAY.rpartition('.')[0]}.200"
POOL = f"{ADDRESS}-{GATEWAY.rpartition('.')[0]}.203"
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
_BACKEND = {"service": {"name": "shop", "port": {"number": 80}}}
_PATH = {"path": "/", "pathType": "Prefix", "backend": _BACKEND}
SHOP = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "shop", "labels": {"app": "shop"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,  # busybox as a container's first process does not end by SIGTERM
                "containers": [
                    {
                        "name": "shop",
                        "image": "registry.k8s.io/busybox:1.36",
                        "command": ["busybox", "httpd", "-f", "-p", "8080", "-h", "/bin"],
                    }
                ],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "shop"},
            "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "shop"},
            "spec": {
                "ingressClassName": "haproxy",
                "rules": [{"host": NAME, "http": {"paths": [_PATH]}}],
            },
        },
    ],
}
"""A web service of one pod, under a name of the site's domain."""


def network(stack: Stack) -> None:
    """Adds both parts to the site; their images come from the lab's registry."""
    soon = {"readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 2}}  # by default ten seconds each
    values = {"controller": soon, "speaker": soon}
    balancer = {"pool": POOL, "repository": CHARTS, "version": depot.VERSION, "values": values}
    small = {"resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}}
    front = {"kind": "haproxy", "certificate": str(stack.folder / "site.pem"), "keySecret": "ingressKey", "replicas": 1}

    def change(site: dict[str, Any]) -> None:
        site["engine"]["mirrors"].update({"quay.io": [REGISTRY], "docker.io": [REGISTRY]})
        site["network"]["loadBalancer"] = balancer
        site["network"]["ingress"] = {**front, "repository": CHARTS, "values": {"controller": small}}

    stack.edit(change)


def open_shop() -> None:
    """The web service behind the ingress."""
    on("cp-1", ["sh", "-c", f"echo {shlex.quote(json.dumps(SHOP))} | {' '.join(KUBECTL)} apply -f -"])


def renew(stack: Stack) -> str:
    """A new certificate and its key, as an operator puts them there; returns its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    text = certificate(key, days=90, domain=DOMAIN)
    (stack.folder / "site.pem").write_text(text)
    stack.tell("ingressKey", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return fingerprint(stack)


def fingerprint(stack: Stack) -> str:
    """Of the site's certificate."""
    return sha256(ssl.PEM_cert_to_DER_cert((stack.folder / "site.pem").read_text())).hexdigest()


def shown() -> str:
    """Fingerprint of the certificate that the address shows."""
    with _tls() as connection:
        return sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def page(path: str = "/") -> str:
    """The status line for a page, over TLS."""
    with _tls() as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
        return connection.makefile("rb").readline().decode().strip()


def pods() -> dict[str, Any]:
    """Restarts of each container in the cluster, by the pod's uid."""
    found = json.loads(on("cp-1", [*KUBECTL, "get", "pods", "--all-namespaces", "-o", "json"]))["items"]
    return {
        pod["metadata"]["uid"]: [one["restartCount"] for one in pod["status"]["containerStatuses"]] for pod in found
    }


def _tls() -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((ADDRESS, 443), timeout=5), server_hostname=NAME)
