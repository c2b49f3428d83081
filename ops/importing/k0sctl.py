"""A file of k0sctl as a site.

Rows: X12.
"""

import re
from pathlib import Path

import versions
from ops.importing import k0s_tables as tables
from ops.importing.draft import Draft, listed
from ops.importing.k0s_hosts import hosts
from ops.importing.place import Given, Place
from ops.importing.tables import below, go_through
from ops.importing.yaml_file import YamlFile, read_yaml

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)([+-][\w.+-]+)?")
_SPEC = ("spec", "k0s", "config", "spec")
_DEFAULTS = {"podCIDR": "10.244.0.0/16", "serviceCIDR": "10.96.0.0/12"}
REMARKS = (
    "A cluster of k0s is not taken over: it has its own paths and its own certificates. While it runs, preflight "
    "refuses its hosts, since their ports are in use, and pulumi up changes nothing. Save what is in it (k0sctl "
    "backup, your manifests, data of volumes), then k0sctl reset; pulumi up makes a new, empty cluster.",
)


def site_of(file: Path, *, endpoint: str | None, version: str | None) -> Draft:
    """The site that the file describes; `endpoint` and `version` replace those of the file."""
    draft = Draft(remarks=list(REMARKS))
    found = read_yaml(file, file.name)
    draft.faults += found.faults
    if not found.data:
        if not draft.faults:
            draft.fault(Place(file.name, None, ""), "is empty. k0sctl init prints the form of such a file.")
        return draft
    for key, table in (
        ((), tables.TOP),
        (("metadata",), tables.METADATA),
        (("spec",), tables.SPEC),
        (("spec", "k0s"), tables.K0S),
    ):
        go_through(draft, found, key, table, "k0sctl's file")
    kind = found.given("apiVersion")
    if kind is None or not str(kind.value).startswith("k0sctl.k0sproject.io/"):
        place = kind.place if kind else Place(file.name, None, "")
        draft.fault(place, "is not a file of k0sctl: its apiVersion begins with k0sctl.k0sproject.io/. Name that file.")
        return draft
    hosts(draft, found)
    if "hosts" not in draft.site:
        return draft
    draft.put(("engine",), {"kind": "containerd"})
    _version(draft, found.given("spec", "k0s", "version"), version)
    _cluster(draft, found, endpoint)
    return draft


def _version(draft: Draft, found: Given | None, wanted: str | None) -> None:
    if wanted:
        draft.put(("kubernetes", "version"), wanted)
        if found:
            draft.leave(found.place, f"--kubernetes {wanted} is in its place.")
        return
    if found is None:
        draft.put(("kubernetes", "version"), versions.KUBERNETES)
        draft.remarks.append(f"The file names no version of k0s; the site has Kubernetes {versions.KUBERNETES}.")
        return
    match = _VERSION.fullmatch(str(found.value))
    if match is None:
        text = f'"{found.value}" is not a version such as 1.34.2+k0s.0. Write one, or repeat with --kubernetes VERSION.'
        draft.fault(found.place, text)
        return
    draft.put(("kubernetes", "version"), match[1], found.place, "without the part of k0s.")


def _cluster(draft: Draft, file: YamlFile, endpoint: str | None) -> None:
    config = _SPEC[:-1]
    for key, table in (
        (config, tables.CONFIG),
        (_SPEC, tables.CLUSTER),
        ((*_SPEC, "api"), tables.API),
        ((*_SPEC, "network"), tables.NETWORK),
        ((*_SPEC, "network", "kubeProxy"), tables.KUBE_PROXY),
        ((*_SPEC, "storage"), tables.STORAGE),
    ):
        go_through(draft, file, key, table, "k0s' configuration")
    _api(draft, file, endpoint)
    _network(draft, file)
    store = file.given(*_SPEC, "storage", "type")
    if store and store.value != "etcd":
        draft.leave(store.place, "etcd is the only store here; nothing is moved out of the other one.")
    elif store:
        draft.also(store.place, ("kubernetes",), "etcd runs on the control planes.")


def _api(draft: Draft, file: YamlFile, endpoint: str | None) -> None:
    address, port = file.given(*_SPEC, "api", "externalAddress"), file.given(*_SPEC, "api", "port")
    if endpoint:
        draft.put(("kubernetes", "endpoint"), endpoint)
        if address:
            draft.leave(address.place, f"--endpoint {endpoint} is in its place.")
    elif address:
        where = f"{address.value}:{port.value if port else 6443}"
        draft.put(("kubernetes", "endpoint"), where, address.place, "your load balancer: hosts and you reach it.")
    else:
        draft.without_endpoint(file.place(*_SPEC, "api"))
    if port and port.value != 6443:
        draft.leave(port.place, "an API server listens on 6443 here; the endpoint may have another port.")
    if (sans := file.given(*_SPEC, "api", "sans")) and (names := listed(sans.value)):
        own = {str(host["address"]) for host in draft.site["hosts"].values() if "address" in host}
        more = [str(name) for name in names if str(name) not in own]
        if more:
            draft.put(("kubernetes", "extraSans"), more, sans.place, "beyond the hosts' own.")
    for name, value in below(file, (*_SPEC, "api", "extraArgs")).items():
        place = file.place(*_SPEC, "api", "extraArgs", name)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        draft.put(("kubernetes", "apiServer", name.lstrip("-")), text, place)


def _network(draft: Draft, file: YamlFile) -> None:
    key = (*_SPEC, "network")
    for name, own in (("podCIDR", "podSubnet"), ("serviceCIDR", "serviceSubnet")):
        found = file.given(*key, name) or Given(_DEFAULTS[name], Place("k0s' default", None, name))
        draft.put(("network", own), str(found.value), found.place)
    default = Given("kuberouter", Place("k0s' default", None, "provider"))
    provider = file.given(*key, "provider") or default
    remark = f"{provider.value} is not here: flannel, which enforces no NetworkPolicy; or a bridge on one segment."
    draft.put(("network", "pods"), {"kind": "flannel"}, provider.place, remark)
    if domain := file.given(*key, "clusterDomain"):
        draft.put(("kubernetes", "clusterDomain"), str(domain.value), domain.place)
    if mode := file.given(*key, "kubeProxy", "mode"):
        draft.put(("kubernetes", "kubeProxy", "mode"), str(mode.value), mode.place)
