"""Names of the cluster's services, as a host's programs resolve them: a check of `sitectl verify`.

Rows: N8, N3, M3.
"""

from components.host.config import Host
from components.hostrun.report import Check
from components.hostrun.ssh import Result
from stacks.model import Site

SECTION = "service_names"
_ID = "service-names"
_LOOK = "kubectl -n kube-system get pods -o wide -l 'k8s-app in (kube-dns, kube-proxy)'"


def of(site: Site) -> bool:
    """Whether the site's hosts resolve them."""
    return site.kubernetes is not None and site.kubernetes.service_names


def ask(site: Site) -> str:
    """What the host runs: it prints the address of the API server's service, or nothing after 10 s at most."""
    return f"timeout 10 getent ahostsv4 {_name(site)} | cut -d ' ' -f 1 | head -n 1"


def check(site: Site, host: Host, answer: Result) -> Check:
    """Whether the host gets the address that the service has."""
    seen, wanted = answer.stdout.strip(), str(site.network.service_subnet[1])
    if seen == wanted:
        return Check(_ID, host.name, "ok", f"{_name(site)} is {seen}")
    saw = f"gets {seen} for {_name(site)}." if seen else f"gets no address of {_name(site)} from the cluster's DNS."
    fix = f"{_LOOK}: start CoreDNS, or kube-proxy on this host; if both run, there: resolvectl status gpu-metal-dns"
    return Check(_ID, host.name, "failed", saw, wanted, fix)


def _name(site: Site) -> str:
    return f"kubernetes.default.svc.{site.kubernetes.cluster_domain}" if site.kubernetes else ""
