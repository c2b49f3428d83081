"""What a site may say of Kubernetes (rows K1–K3, K5–K7, K9, K11–K14, K16)."""

import re
from typing import Annotated, Any, Literal

import versions
from components.forms import REGISTRY
from components.kubernetes.api_server import ApiServerFile
from components.kubernetes.audit import Audit
from components.kubernetes.backup import Backup
from components.kubernetes.encryption import Encryption
from components.kubernetes.endpoint import not_a_san
from components.kubernetes.oidc import Oidc
from components.kubernetes.rolling import Rolling
from components.kubernetes.virtual_address import VirtualAddress
from components.kubernetes.virtual_address import endpoint as moving
from components.local import TextFile
from components.model import HostName, Model, Version, Word
from components.rule import Reached, Rule
from components.shown import quoted

_IMAGES = re.compile(rf"({REGISTRY.pattern})(/[a-z0-9]+([._-]+[a-z0-9]+)*)*", re.ASCII)


def not_images(text: str) -> str | None:
    """Why a text is not a place of images; None if it is one."""
    if _IMAGES.fullmatch(text):
        return None
    return f'{quoted(text)} is not HOST or HOST:PORT, and a path, for example "registry.example.org:5000/k8s".'


class Kubernetes(Model):
    """A cluster built by kubeadm (configuration API v1beta4, before 1.31 v1beta3)."""

    version: Version = versions.KUBERNETES
    """Exact and quoted, 1.22 or later. Another one upgrades a running cluster, one minor version at a time."""
    rolling: Rolling = Rolling()
    """How an upgrade goes from node to node."""
    endpoint: Annotated[str, Reached()] | None = None
    """`host:port` of the API server, for good; your load balancer's for several control planes. Default: that of
    virtualAddress, else of the only one."""
    virtual_address: VirtualAddress | None = None
    """An address that moves between the control planes, in place of a load balancer of your own."""
    cluster_domain: HostName = "cluster.local"
    """Domain of the services' DNS names."""
    host_names: bool = False
    """true: pods resolve the site's hosts, as NAME.DOMAIN of the site's domain, without any other name server."""
    service_names: bool = False
    """true: hosts resolve the cluster's services, as NAME.NAMESPACE.svc.CLUSTERDOMAIN, by systemd-resolved, which each
    host must have. The host's own name servers answer all other names."""
    extra_sans: tuple[Annotated[str, Rule(not_a_san)], ...] = ()
    """More names and addresses in the API server's certificate. In a running cluster it is made anew, control plane by
    control plane."""
    image_repository: Annotated[str, Rule(not_images)] = versions.IMAGE_REPOSITORY
    """Where kubeadm takes its images from."""
    kubelet: dict[str, Any] = {}
    """Fields of KubeletConfiguration v1beta1, over ours. A running cluster keeps them: a change is refused."""
    kube_proxy: dict[str, Any] = {}
    """Fields of KubeProxyConfiguration v1alpha1. A running cluster keeps them: a change is refused."""
    api_server: dict[str, str] = {}
    """Arguments of the API server, without the dashes. A change restarts the API servers one after another; if one does
    not come up with it, its former arguments come back and the run ends."""
    api_server_files: dict[ApiServerFile, TextFile] = {}
    """Arguments of the API server that name a file, each with the file on the operator's machine: it is put on every
    control plane, where the API server's pod reads it. A changed file restarts the API servers one after another."""
    oidc: Oidc | None = None
    """People sign in through an identity provider."""
    audit: Audit | None = None
    """Who asked the API server for what is logged on each control plane, in /var/log/kubernetes/audit.log."""
    encryption: Encryption | None = None
    """Secrets are encrypted in etcd. The API servers restart one after another, and all Secrets are written anew."""
    renew_certificates: bool = True
    """A timer on each control plane renews its certificates 30 days before one ends, and restarts what uses them: its
    API server is away for some seconds. false: only `pulumi up` does, and verify fails from that day on."""
    kubelet_certificates: bool = False
    """true: the cluster's authority signs what kubelets serve at port 10250, for hosts of the site only. Kubelets
    restart once. false: each signs its own, which nobody can compare."""
    backup: Backup | None = None
    """The cluster is backed up from each control plane to another machine."""
    profile: Literal["cis"] | None = None
    """cis: what the CIS Kubernetes Benchmark asks and kubeadm does not do of its own accord is set, and verify names
    what is otherwise (docs/how-to/cis.md)."""
    allow_insecure: tuple[str, ...] = ()
    """Settings of kubelet, kubeProxy and apiServer that switch protection off and that you mean, by name, for example
    kubelet.readOnlyPort. Those that are not named here are refused."""
    ignore_preflight_errors: tuple[Word, ...] = ()
    """Names of kubeadm's own preflight checks."""

    @property
    def reached(self) -> str | None:
        """`host:port` of the API server; None if it is the only control plane's own."""
        return self.endpoint or (moving(self.virtual_address) if self.virtual_address else None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names and addresses in the API server's certificate, beside those of kubeadm: also the one that moves."""
        moves = (str(self.virtual_address.address),) if self.virtual_address and self.endpoint else ()
        return tuple(dict.fromkeys((*self.extra_sans, *moves)))

    @property
    def minor(self) -> tuple[int, int]:
        """The version without its patch: (1, 34)."""
        major, minor, _ = self.version.split(".")
        return int(major), int(minor)
