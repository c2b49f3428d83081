"""What a Kubespray inventory says of the cluster, with Kubespray's own defaults where they differ from ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import versions
from ops.importing.draft import Draft, listed
from ops.importing.kubespray_registries import REGISTRIES, registries
from ops.importing.place import Given, Place, Vault

DEFAULTS = {
    "kube_service_addresses": "10.233.0.0/18",
    "kube_pods_subnet": "10.233.64.0/18",
    "kube_network_plugin": "calico",
}
OIDC = {
    "kube_oidc_url": "issuer",
    "kube_oidc_client_id": "client",
    "kube_oidc_username_claim": "usernameClaim",
    "kube_oidc_username_prefix": "usernamePrefix",
    "kube_oidc_groups_claim": "groupsClaim",
    "kube_oidc_groups_prefix": "groupsPrefix",
}
AUDIT = {"audit_log_maxage": "maxAge", "audit_log_maxbackups": "maxBackups", "audit_log_maxsize": "maxSizeMb"}
KUBELET = {
    "kubelet_max_pods": "maxPods",
    "kubelet_logfiles_max_nr": "containerLogMaxFiles",
    "kubelet_logfiles_max_size": "containerLogMaxSize",
}
PLAIN = {
    "kube_service_addresses": ("network", "serviceSubnet"),
    "kube_pods_subnet": ("network", "podSubnet"),
    "kube_image_repo": ("kubernetes", "imageRepository"),
    "kube_proxy_mode": ("kubernetes", "kubeProxy", "mode"),
    "kube_proxy_strict_arp": ("kubernetes", "kubeProxy", "ipvs", "strictARP"),
    "http_proxy": ("proxy", "http"),
    "https_proxy": ("proxy", "https"),
    "ntp_timezone": ("timezone",),
    **{name: ("kubernetes", "kubelet", key) for name, key in KUBELET.items()},
}
LISTS = {
    "supplementary_addresses_in_ssl_keys": ("kubernetes", "extraSans"),
    "searchdomains": ("dns", "search"),
    "ntp_servers": ("timeServers",),
}
FORMS: dict[str, type] = {
    **dict.fromkeys(("loadbalancer_apiserver", "metallb_config", "kube_kubeadm_apiserver_extra_args"), dict),
    **dict.fromkeys(("containerd_registries_mirrors", "containerd_registry_auth"), list),
    **dict.fromkeys((*LISTS, *REGISTRIES[1:2], *REGISTRIES[3:], "metallb_ip_range"), object),
    **dict.fromkeys(("no_proxy", "additional_no_proxy", "upstream_dns_servers", "nameservers"), object),
}
"""What a variable must be: a map, a list, or (object) whatever `listed` reads. All others are one word."""
_CALLED: dict[type, str] = {dict: "a map", list: "a list", str: "one word"}
TAKEN = (
    *PLAIN,
    *LISTS,
    *OIDC,
    *AUDIT,
    *REGISTRIES,
    *(
        "kube_version",
        "kube_network_plugin",
        "kube_network_node_prefix",
        "cluster_name",
        "dns_domain",
        "container_manager",
    ),
    *("loadbalancer_apiserver", "apiserver_loadbalancer_domain_name", "kube_oidc_auth", "kubernetes_audit"),
    *("no_proxy", "additional_no_proxy", "upstream_dns_servers", "nameservers", "kube_kubeadm_apiserver_extra_args"),
    *("metallb_enabled", "metallb_ip_range", "metallb_config", "metallb_protocol", "ntp_enabled"),
)
"""Variables that this module or kubespray_registries.py takes."""


@dataclass
class Cluster:
    """The variables that hold for all hosts, as the first control plane has them."""

    draft: Draft
    of_hosts: Mapping[str, Mapping[str, Given]]
    first: str

    def given(self, name: str) -> Given | None:
        """A variable that is set to something. What this program cannot read, or hosts that differ, is a fault."""
        found = self.of_hosts[self.first].get(name)
        if found is None or found.value in (None, "", [], {}):
            return None
        if isinstance(found.value, Vault):
            self.draft.fault(found.place, "is encrypted by ansible-vault. Write it in clear, or leave it out.")
            return None
        if "{{" in str(found.value) or "{%" in str(found.value):
            self.draft.fault(found.place, "is a template, which is not worked out here. Write the value that it has.")
            return None
        form = FORMS.get(name, str)
        if not isinstance(found.value, form if form is not str else (str, int, float, bool)):
            self.draft.fault(found.place, f"is not {_CALLED[form]}, as Kubespray has it. Write one.")
            return None
        for host, own in self.of_hosts.items():
            if name in own and own[name].value != found.value:
                text = f"is another one than {found.place}, and all hosts share it. Write one value."
                self.draft.fault(own[name].place._replace(host=host), text)
                return None
        return found

    def default(self, name: str) -> Given:
        """The same with Kubespray's default."""
        return self.given(name) or Given(DEFAULTS[name], Place("Kubespray's default", None, name))

    def write(self, endpoint: str | None, version: str | None) -> None:
        """Puts all of it into the draft."""
        self.draft.put(("engine",), {"kind": "containerd"})
        self._version(version)
        for name, key in PLAIN.items():
            found = self.default(name) if name in DEFAULTS else self.given(name)
            if found and found.value is not False:
                self.draft.put(key, _plain(name, found.value), found.place)
        for work in (self._network, self._names, self._proxies, self._servers, self._oidc, self._audit, self._metallb):
            work()
        for name, key in LISTS.items():
            if (found := self.given(name)) and (items := [str(each) for each in listed(found.value)]):
                self._listed(found, key, items)
        self._endpoint(endpoint)
        registries(self.draft, self.given)

    def _version(self, wanted: str | None) -> None:
        found = self.given("kube_version")
        if wanted or found is None:
            self.draft.put(("kubernetes", "version"), wanted or versions.KUBERNETES)
        if wanted and found:
            self.draft.leave(found.place, f"--kubernetes {wanted} is in its place.")
        elif found is None and not wanted:
            text = f"The inventory has no kube_version; the site has Kubernetes {versions.KUBERNETES}."
            self.draft.remarks.append(text)
        elif found:
            text = re.sub("^v", "", str(found.value))
            self.draft.put(("kubernetes", "version"), text, found.place, "without the v.")

    def _network(self) -> None:
        plugin, prefix = self.default("kube_network_plugin"), self.given("kube_network_node_prefix")
        other = f"{plugin.value} is not here: flannel, which enforces no NetworkPolicy; or a bridge on one segment."
        self.draft.put(
            ("network", "pods"), {"kind": "flannel"}, plugin.place, "" if plugin.value == "flannel" else other
        )
        if prefix and str(prefix.value) != "24":
            self.draft.leave(prefix.place, "each host has a /24 of the pods' network here.")
        elif prefix:
            self.draft.also(prefix.place, ("network", "podSubnet"), "a /24 for each host.")
        if (engine := self.given("container_manager")) and engine.value != "containerd":
            self.draft.leave(engine.place, f"{engine.value} is not here: containerd is the engine of a cluster.")
        elif engine:
            self.draft.also(engine.place, ("engine",), "")

    def _names(self) -> None:
        found = self.given("dns_domain") or self.given("cluster_name")
        if found:
            self.draft.put(("kubernetes", "clusterDomain"), str(found.value), found.place)
        if (extra := self.given("kube_kubeadm_apiserver_extra_args")) and isinstance(extra.value, dict):
            for name, value in extra.value.items():
                text = str(value).lower() if isinstance(value, bool) else str(value)
                self.draft.put(("kubernetes", "apiServer", str(name)), text, extra.place)

    def _proxies(self) -> None:
        found = [given for name in ("no_proxy", "additional_no_proxy") if (given := self.given(name))]
        names = [str(each) for given in found for each in listed(given.value)]
        if names and "proxy" in self.draft.site:
            self.draft.put(("proxy", "noProxy"), list(dict.fromkeys(names)), found[0].place)
        for given in found[1:]:
            self.draft.also(given.place, ("proxy", "noProxy"), "")

    def _servers(self) -> None:
        found = self.given("upstream_dns_servers") or self.given("nameservers")
        if found:
            servers = [str(each) for each in listed(found.value)]
            self.draft.put(("dns", "servers"), servers[:3], found.place, "of hosts, and of CoreDNS.")
            if servers[3:]:
                self.draft.leave(found.place, f"resolvers read three servers: without {', '.join(servers[3:])}.")

    def _listed(self, found: Given, key: tuple[str, ...], items: list[str]) -> None:
        enabled = self.given("ntp_enabled")
        if key == ("dns", "search") and "dns" not in self.draft.site:
            self.draft.leave(found.place, "dns.search goes with dns.servers, of which the inventory has none.")
        elif key == ("timeServers",) and not (enabled and enabled.value is True):
            self.draft.leave(found.place, "ntp_enabled is not true.")
        else:
            names = [re.sub(r"\s.*", "", item) for item in items]
            self.draft.put(key, names, found.place)

    def _oidc(self) -> None:
        enabled = self.given("kube_oidc_auth")
        for name, key in OIDC.items():
            if (found := self.given(name)) is None:
                continue
            if enabled and enabled.value is True:
                self.draft.put(("kubernetes", "oidc", key), str(found.value), found.place)
            else:
                self.draft.leave(found.place, "kube_oidc_auth is not true.")

    def _audit(self) -> None:
        enabled = self.given("kubernetes_audit")
        on = enabled is not None and enabled.value is True
        if enabled and on:
            remark = "Kubespray's own policy is not here."
            self.draft.put(("kubernetes", "audit", "policy"), "Metadata", enabled.place, remark)
        for name, key in AUDIT.items():
            if found := self.given(name):
                if on:
                    self.draft.put(("kubernetes", "audit", key), found.value, found.place)
                else:
                    self.draft.leave(found.place, "kubernetes_audit is not true.")

    def _metallb(self) -> None:
        enabled, protocol = self.given("metallb_enabled"), self.given("metallb_protocol")
        if enabled is None or enabled.value is not True:
            return
        found = self.given("metallb_config") or self.given("metallb_ip_range")
        pools = found.value.get("address_pools") if found and isinstance(found.value, dict) else {}
        own = [pool for pool in pools.values() if isinstance(pool, dict)] if isinstance(pools, dict) else []
        ranges = listed(found.value) if found and not isinstance(found.value, dict) else []
        ranges = [*ranges, *(one for pool in own for one in listed(pool.get("ip_range")))]
        if not found or not ranges:
            self.draft.leave(enabled.place, "network.loadBalancer needs a pool of addresses, and none is named.")
            return
        pool = ", ".join(str(one).replace(" ", "") for one in ranges)
        self.draft.put(("network", "loadBalancer"), {"pool": pool}, found.place, "announced at layer 2.")
        self.draft.also(enabled.place, ("network", "loadBalancer"), "")
        if (protocol and protocol.value != "layer2") or (isinstance(found.value, dict) and found.value.get("layer3")):
            self.draft.leave((protocol or found).place, "BGP is network.loadBalancer.bgp: write its routers by hand.")

    def _endpoint(self, wanted: str | None) -> None:
        found, name = self.given("loadbalancer_apiserver"), self.given("apiserver_loadbalancer_domain_name")
        if wanted:
            self.draft.put(("kubernetes", "endpoint"), wanted)
            for given in (each for each in (found, name) if each):
                self.draft.leave(given.place, f"--endpoint {wanted} is in its place.")
        elif found and isinstance(found.value, dict) and found.value.get("address"):
            host = str(name.value) if name else str(found.value["address"])
            where = f"{host}:{found.value.get('port', 6443)}"
            self.draft.put(
                ("kubernetes", "endpoint"), where, found.place, "your load balancer: hosts and you reach it."
            )
            if name:
                self.draft.also(name.place, ("kubernetes", "endpoint"), "hosts and you must find it by this name.")
        else:
            self.draft.without_endpoint(self.draft.origins["hosts", self.first])


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401
    """As the site writes it: numbers of the kubelet stay numbers, all else is a text."""
    if name in ("kubelet_max_pods", "kubelet_logfiles_max_nr"):
        return int(value) if str(value).isdigit() else value
    return value if isinstance(value, bool) else str(value)
