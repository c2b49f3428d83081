"""Rules for the nodes of a cluster. Pure functions; each problem names the key."""

from collections.abc import Callable, Iterator

from components.kubernetes.needed import KUBELETS_SYSCTL, SYSCTL
from components.problem import Problem
from components.shown import quoted
from stacks.model import Site

_RESERVED = ("kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch")
_ROLES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/worker")
"""Any other role is the site's own: some platforms choose their nodes by node-role.kubernetes.io/NAME."""
_CONDITIONS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


def sysctl(site: Site) -> Iterator[Problem]:
    """No kernel setting of the site takes away what the kubelet and pods need."""
    if site.kubernetes is None:
        return
    needed = {**SYSCTL, **KUBELETS_SYSCTL}
    for key, level in site.levels():
        for name, value in level.sysctl.items():
            wanted = needed.get(name.replace("/", "."), value)
            if value.strip() != wanted:
                text = f"{quoted(value)} is not what a cluster's hosts need, which is {wanted}. Take it away."
                yield Problem((*key, "sysctl", name), text)


def labels(site: Site) -> Iterator[Problem]:
    """Labels and taints of the site are not those that Kubernetes sets by itself, nor those of `roles`."""
    for key, level in site.levels():
        for name in level.labels:
            if name in _ROLES:
                text = "follows from roles. Take it away; write roles: [control-plane], [worker] or both."
                yield Problem((*key, "labels", name), text)
            elif name in _RESERVED or name.startswith("beta.kubernetes.io/"):
                text = "is set by the kubelet, which would set it again. Use a prefix of your own, or none."
                yield Problem((*key, "labels", name), text)
        for index, taint in enumerate(level.taints):
            if taint.startswith(_CONDITIONS):
                text = f"{quoted(taint)} is set and taken away by Kubernetes as a node's condition changes."
                yield Problem((*key, "taints", index), f"{text} Use a prefix of your own, or none.")


def drained(site: Site) -> Iterator[Problem]:
    """Only a node of the cluster can be drained."""
    for name, host in site.hosts.items():
        if host.state == "drained" and site.kubernetes is None:
            text = "drained moves the work of a node, and the site has no kubernetes"
            text = f"{text}. Take it away; end the host's work by hand."
            yield Problem(("hosts", name, "state"), text)


def roles(site: Site) -> Iterator[Problem]:
    """Each host of a site with Kubernetes joins the cluster."""
    for name, host in site.hosts.items():
        if site.kubernetes and not host.roles:
            text = "is empty, and each host of a site with Kubernetes is a node. Write [worker]; taints keep pods away."
            yield Problem(("hosts", name, "roles"), text)


def host_names(site: Site) -> Iterator[Problem]:
    """Pods ask for hosts by names of the domain."""
    if site.kubernetes and site.kubernetes.host_names and site.domain is None:
        text = "needs a domain: pods ask for NAME.DOMAIN. Write domain: cluster.internal, or one of yours."
        yield Problem(("kubernetes", "hostNames"), text)


def service_names(site: Site) -> Iterator[Problem]:
    """Refuses a site domain inside kubernetes.clusterDomain.

    The hosts would ask the cluster's DNS, which knows no host, for each other's names.
    """
    kubernetes, own = site.kubernetes, site.domain
    if kubernetes and kubernetes.service_names and own and f".{own}".endswith(f".{kubernetes.cluster_domain}"):
        text = f"would have the cluster's DNS asked for names of domain {own}, which lies in kubernetes.clusterDomain."
        yield Problem(("kubernetes", "serviceNames"), f"{text} Write a domain outside of it, or serviceNames: false.")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (sysctl, labels, drained, roles, host_names, service_names)
