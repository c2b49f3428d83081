"""Nauta's configuration file, variable by variable, with the defaults of its guide.

Rows: N4.
"""

import re
from ipaddress import IPv4Network
from typing import Any
from urllib.parse import urlsplit

import versions
from ops.importing.draft import Draft, listed
from ops.importing.nauta_hosts import MOUNT, Master
from ops.importing.nauta_log import kubelet_log
from ops.importing.place import Given, Place, nearest
from ops.importing.yaml_file import YamlFile

DEFAULTS = {
    "domain": "nauta",
    "nodes_domain": "infra",
    "k8s_domain": "kubernetes",
    "kubernetes_pod_subnet": "10.3.0.0/16",
    "kubernetes_svc_subnet": "10.4.0.0/16",
    "apiserver_audit_log_maxage": 7,
    "apiserver_audit_log_maxbackup": 10,
    "apiserver_audit_log_maxsize": 1024,
}
"""The guide's, where they are not nothing; that of docker_log_driver_settings is in nauta_log.py."""
KNOWN = {
    "proxy": (
        "http_proxy",
        "https_proxy",
        "ftp_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "FTP_PROXY",
        "NO_PROXY",
    ),
    "dns_servers": (),
    "dns_search_domains": (),
    "dns_names_for_certificate": (),
    "domain": (),
    "nodes_domain": (),
    "k8s_domain": (),
    "kubernetes_pod_subnet": (),
    "kubernetes_svc_subnet": (),
    "apiserver_audit_log_maxage": (),
    "apiserver_audit_log_maxbackup": (),
    "apiserver_audit_log_maxsize": (),
    "insecure_registries": (),
    "input_nfs": ("path", "server"),
    "output_nfs": ("path", "server"),
    "nauta_configuration": ("input_nfs", "output_nfs"),
    "docker_log_driver_settings": ("max_size", "max_file"),
    "features": ("redsocks",),
    "features_config": ("redsocks",),
}
"""Each variable of the guide, with the keys below it that have names."""
BELOW = {("features_config", "redsocks"): ("IP", "Port", "Interfaces")}
VOLUMES = {"input_nfs": ("input", "ReadOnlyMany"), "output_nfs": ("output", "ReadWriteMany")}
"""Pods only read the input folders, as in the guide's first trouble with Jupyter."""
CAPACITY = "1Ti"


def unknown(draft: Draft, config: YamlFile) -> None:
    """Variables that the guide has not, those without a value, and values that only stand for one."""
    for name, value in config.data.items():
        _known(draft, config, (name,), tuple(KNOWN))
        if name in KNOWN and value is None:
            text = "has no value, which the guide forbids. Write {} or [] for none, or delete the line."
            draft.fault(config.place(name), text)
        below = value if isinstance(value, dict) and KNOWN.get(name) else {}
        for key, inner in below.items():
            _known(draft, config, (name, key), KNOWN[name])
            deeper = BELOW.get((name, key), ("path", "server") if name == "nauta_configuration" else ())
            for last in inner if isinstance(inner, dict) and deeper else ():
                _known(draft, config, (name, key, last), deeper)


def _known(draft: Draft, config: YamlFile, key: tuple[str, ...], names: tuple[str, ...]) -> None:
    if key[-1] in names:
        return
    near = nearest(key[-1], names)
    hint = f"Did you mean {near}?" if near else f"There are: {', '.join(names)}."
    draft.fault(config.place(*key), f"Nauta's guide has no such variable. {hint}")


def _or_default(config: YamlFile, name: str) -> Given:
    return config.given(name) or Given(DEFAULTS[name], Place("the guide's default", None, name))


def names(draft: Draft, config: YamlFile) -> None:
    """The domains of hosts and of services."""
    nodes, services, inner = (_or_default(config, name) for name in ("nodes_domain", "k8s_domain", "domain"))
    draft.put(("domain",), f"{nodes.value}.{inner.value}", nodes.place, "<nodes_domain>.<domain>")
    own = "<k8s_domain>.<domain>"
    draft.put(("kubernetes", "clusterDomain"), f"{services.value}.{inner.value}", services.place, own)
    draft.also(inner.place, ("domain",), "in both domains.")
    text = "pods resolve hosts by it, as with Nauta's consul; hosts do by /etc/hosts."
    draft.put(("kubernetes", "hostNames"), True, nodes.place, text)
    draft.put(("kubernetes", "serviceNames"), True, services.place, "hosts resolve services by it, as with consul.")
    draft.remarks.append(
        "kubernetes.serviceNames needs systemd-resolved on each host, and preflight says how to get it. Write false if"
        " only pods are to resolve services."
    )


def cluster(draft: Draft, config: YamlFile) -> None:
    """Kubernetes, the names in its certificate, its audit log, and the logs of containers."""
    draft.put(("engine",), {"kind": "containerd"})
    if (found := config.given("insecure_registries")) and (hosts := listed(found.value)):
        draft.put(("engine", "insecureRegistries"), [str(each) for each in hosts], found.place)
    draft.put(("kubernetes", "version"), versions.KUBERNETES)
    if found := config.given("dns_names_for_certificate"):
        _certificate_names(draft, config, found)
    draft.put(("kubernetes", "audit", "policy"), "Metadata")
    for name, key in (("maxage", "maxAge"), ("maxbackup", "maxBackups"), ("maxsize", "maxSizeMb")):
        limit = _or_default(config, f"apiserver_audit_log_{name}")
        draft.put(("kubernetes", "audit", key), limit.value, limit.place)
    kubelet_log(draft, config)


def _certificate_names(draft: Draft, config: YamlFile, found: Given) -> None:
    if found.value in ([], {}, None):
        return
    if not isinstance(found.value, dict):
        text = 'is no map. Write names as DNS.7: "mycluster.example.org", DNS.8: …'
        draft.fault(found.place, text)
        return
    for key in found.value:
        number = re.fullmatch(r"DNS\.(\d+)", str(key))
        place = config.place("dns_names_for_certificate", key)
        if number is None:
            draft.fault(place, "is not DNS. and a number. Write DNS.7, DNS.8 and so on.")
        elif int(number[1]) < 7:
            draft.fault(place, "is one of Nauta's own names, which are DNS.1 to DNS.6. Write DNS.7 or a higher number.")
    hosts = [str(name) for name in found.value.values()]
    draft.put(("kubernetes", "extraSans"), hosts, found.place)


def network(draft: Draft, config: YamlFile) -> None:
    """Subnets, name servers, proxies, redsocks."""
    pods, services = (_or_default(config, f"kubernetes_{name}_subnet") for name in ("pod", "svc"))
    draft.put(("network", "podSubnet"), str(pods.value), pods.place)
    draft.put(("network", "serviceSubnet"), str(services.value), services.place)
    draft.put(("network", "pods"), {"kind": "flannel"})
    if overlap(str(pods.value), str(services.value)):
        one, other = (services, pods) if services.place.line else (pods, services)
        text = f"{one.value} overlaps {other.value}, {other.place}: an address would be a pod's and a service's."
        draft.fault(one.place, f"{text} Write another network.")
    _dns(draft, config)
    _proxy(draft, config)
    _redsocks(draft, config)


def overlap(one: str, other: str) -> bool:
    """Whether two networks have an address in common; False for what is no network, which the site refuses."""
    try:
        return IPv4Network(one).overlaps(IPv4Network(other))
    except ValueError:
        return False


def _dns(draft: Draft, config: YamlFile) -> None:
    servers, search = config.given("dns_servers"), config.given("dns_search_domains")
    if servers and (found := listed(servers.value)):
        if len(found) > 3:
            draft.fault(servers.place, f"has {len(found)} entries, and resolvers read three. Keep three.")
        draft.put(("dns", "servers"), [str(each) for each in found], servers.place)
    if search and (domains := listed(search.value)):
        if "dns" in draft.site:
            own = draft.site["domain"]
            draft.put(("dns", "search"), [own, *map(str, domains)], search.place, "after the site's own domain.")
        else:
            draft.leave(
                search.place, "dns.search goes with dns.servers, of which the file has none. Write both by hand."
            )


def _proxy(draft: Draft, config: YamlFile) -> None:
    found = config.given("proxy")
    if found is None or found.value in ({}, None):
        return
    if not isinstance(found.value, dict):
        draft.fault(found.place, "is no map. Write {} for no proxy, or http_proxy and https_proxy below it.")
        return
    for name, key in (("http_proxy", "http"), ("https_proxy", "https"), ("ftp_proxy", "ftp"), ("no_proxy", "noProxy")):
        lower, upper = config.given("proxy", name), config.given("proxy", name.upper())
        one = lower or upper
        if one is None:
            continue
        if _placeholder(draft, one) or (upper and upper is not one and _placeholder(draft, upper)):
            continue
        if lower and upper and lower.value != upper.value:
            text = (
                f"differs from {name} in line {lower.place.line}, and the site has one value for both. Write the same."
            )
            draft.fault(upper.place, text)
        value: Any = [str(each) for each in listed(one.value)] if key == "noProxy" else str(one.value or "")
        if value:
            draft.put(("proxy", key), value, one.place)
        if lower and upper:
            draft.also(upper.place, ("proxy", key), "the same in both spellings on hosts.")


def _placeholder(draft: Draft, given: Given) -> bool:
    """Whether a value is what the guide prints in place of one; a proxy's password is one that a site has not."""
    text = str(given.value)
    if "<" in text or ">" in text:
        draft.fault(given.place, "still has the < > of the guide's example. Write the value, or delete the line.")
        return True
    if "://" in text and urlsplit(text).password:
        text = (
            "has a password in it, which every user of a host could read. Use a proxy that lets the hosts in without."
        )
        draft.fault(given.place, text)
        return True
    return False


def _redsocks(draft: Draft, config: YamlFile) -> None:
    feature, settings = config.given("features", "redsocks"), config.given("features_config", "redsocks")
    if feature is None or feature.value is not True:
        if feature and feature.value is not False:
            draft.fault(feature.place, "is neither True nor False. Write one of them.")
        if settings:
            draft.leave(settings.place, "features.redsocks is not True.")
        return
    found = {name: config.given("features_config", "redsocks", name) for name in ("IP", "Port", "Interfaces")}
    for name in ("IP", "Port"):
        if found[name] is None:
            text = f"is True, and features_config.redsocks lacks {name}, which the guide requires. Write it."
            draft.fault(feature.place, text)
    draft.also(feature.place, ("socks",), "")
    for name, key in (("IP", "address"), ("Port", "port")):
        if given := found[name]:
            draft.put(("socks", key), str(given.value) if key == "address" else given.value, given.place)
    of = found["Interfaces"]
    draft.put(("socks", "interfaces"), listed(of.value) if of else ["cni0"], of.place if of else None)


def storage(draft: Draft, config: YamlFile, master: Master | None) -> None:
    """The NFS server on the master's disk, or those of the site; a volume for input and one for output."""
    inner, external = False, False
    for name, (volume, access) in VOLUMES.items():
        found = config.given("nauta_configuration", name) or config.given(name)
        value = found.value if found else {}
        text = str(value)
        if not found or not value or ("{{" in text and "nfs_base_path" in text):
            inner = True
            draft.site.setdefault("storage", {}).setdefault("volumes", {})[volume] = {
                "path": volume, "capacity": CAPACITY, "access": access,
            }  # fmt: skip
            if found:
                draft.also(
                    found.place, ("storage", "volumes", volume), "on the master's own NFS server, as by default."
                )
            continue
        external = True
        _volume(draft, found, volume, access)
    if master and master.mount:
        _server(draft, master, needed=inner)
    draft.remarks.append(
        f"storage.volumes promise {CAPACITY} each: the guide names no size, and NFS enforces none. Write what you mean."
    )
    if external and inner:
        draft.remarks.append("One of input_nfs and output_nfs is on a server of yours, the other on the master's.")


def _volume(draft: Draft, found: Given, volume: str, access: str) -> None:
    value = found.value
    if not isinstance(value, dict) or not value.get("path") or not value.get("server"):
        text = "needs path and server. Write both, or {} for the NFS server on the master."
        draft.fault(found.place, text)
        return
    own = {"path": str(value["path"]), "server": str(value["server"]), "capacity": CAPACITY, "access": access}
    draft.put(("storage", "volumes", volume), own, found.place)


def _server(draft: Draft, master: Master, *, needed: bool) -> None:
    mount = master.mount or MOUNT
    draft.site["storage"] = {
        "nfs": {"host": master.name, "path": mount, "rootSquash": False},
        **draft.site.get("storage", {}),
        "classes": {"nfs": {"kind": "csi-nfs", "default": True}},
    }
    if not needed:
        draft.remarks.append(f"storage.nfs serves {mount} for volumes of the class nfs; input and output are yours.")
