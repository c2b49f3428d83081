"""Names that Run:ai's charts and documents give to things. Pure."""

from components.parts.part import Ground
from components.platforms.runai.config import Runai

BACKEND = "runai-backend"
"""Namespace and release of the control plane."""
NAMESPACE = "runai"
CLUSTER = "runai-cluster"
"""Namespace and release of the cluster; the namespace's name is fixed."""
KNATIVE = "knative-serving"
RESERVATION = "runai-reservation"
"""Run:ai makes it by itself."""

BACKEND_TLS = "runai-backend-tls"
CLUSTER_TLS = "runai-cluster-domain-tls-secret"
STAR_TLS = "runai-cluster-domain-star-tls-secret"
STAR_INGRESS = "runai-cluster-domain-star-ingress"
INFERENCE_TLS = "runai-cluster-inference-tls-secret"
AUTHORITY = "runai-ca-cert"
AUTHORITY_KEY = "runai-ca.pem"
PULL = "runai-reg-creds"
CLIENT = "runai-cluster-client"
"""Our Secret with the credential of the cluster, under the key clientSecret."""
API = "gpu-metal-runai-api"
"""Our Secret with what `sitectl verify` logs in with."""

DATABASE = "runai-backend-postgresql"
QUEUE = "runai/queue"
"""Label of a project's namespace: the project's name."""
SCHEDULER = "runai-scheduler"
REALM = "runai"
CLIENT_ID = "runai"


def domain(config: Runai, ground: Ground) -> str:
    """Where the control plane and the cluster answer."""
    return config.domain or ground.domain or ""


def issuer(config: Runai, ground: Ground) -> str:
    """Of the tokens by which researchers use kubectl."""
    return f"https://{domain(config, ground)}/auth/realms/{REALM}"
