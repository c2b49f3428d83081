"""Rules for keys of Secrets, and for certificates of kubelets."""

from collections.abc import Callable, Iterator

from components.kubernetes.encryption import IDENTITY
from components.kubernetes.kubelet_certificates import AUTHORITY
from components.problem import Problem
from stacks.model import Site

_KEY = ("kubernetes", "encryption", "keys")


def keys(site: Site) -> Iterator[Problem]:
    """Each key has a name and a secret of its own: etcd knows them by their names."""
    encryption = site.kubernetes.encryption if site.kubernetes else None
    seen: set[str] = set()
    for index, key in enumerate(encryption.keys if encryption else ()):
        if key.name == IDENTITY:
            yield Problem((*_KEY, index, "name"), "is Kubernetes' word for no encryption. Write another name.")
        for field, value in (("name", key.name), ("keySecret", key.key_secret)):
            if f"{field} {value}" in seen:
                yield Problem((*_KEY, index, field), f"is that of a key before it, too: {value}. Write another one.")
            seen.add(f"{field} {value}")


def kubelets(site: Site) -> Iterator[Problem]:
    """The API server compares certificates of kubelets only where the cluster's authority signs them."""
    config = site.kubernetes
    if config and AUTHORITY in config.api_server and not config.kubelet_certificates:
        fix = "Write kubernetes.kubeletCertificates: true, pulumi up; then this."
        text = f"stops logs and exec: kubelets sign their own certificates. {fix}"
        yield Problem(("kubernetes", "apiServer", AUTHORITY), text)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (keys, kubelets)
