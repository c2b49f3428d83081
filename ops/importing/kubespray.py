"""An inventory of Kubespray as a site.

Rows: X12.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.importing import logins
from ops.importing.draft import Draft
from ops.importing.inventory import Inventory
from ops.importing.kubespray_cluster import TAKEN, Cluster
from ops.importing.kubespray_files import read
from ops.importing.kubespray_tables import EXACT, by_beginning
from ops.importing.logins import Logins
from ops.importing.place import Given, Place, Vault, nearest
from ops.importing.tables import is_nothing

PLANES, NODES, BASTION = "kube_control_plane", "kube_node", "bastion"
OF_HOST = ("ip", "node_labels", "node_taints")
REMARKS = (
    "A cluster that Kubespray has made is not taken over: its etcd, its certificates and its settings are its own. "
    "While it runs, preflight refuses its hosts, since their ports are in use, and pulumi up changes nothing. Save "
    "what is in it (etcd, your manifests, data of volumes), then run Kubespray's reset.yml; pulumi up makes a new, "
    "empty cluster.",
)
_TEMPLATE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def site_of(path: Path, *, endpoint: str | None, version: str | None, user: str | None) -> Draft:
    """The site that an inventory describes; the other arguments replace what it says or lacks."""
    draft = Draft(remarks=list(REMARKS))
    inventory = read(path)
    draft.faults += inventory.faults
    if not inventory.hosts:
        if not draft.faults:
            draft.fault(
                Place(inventory.file, None, ""), "has no hosts. Write them, with ansible_host, and their groups."
            )
        return draft
    planes, nodes = inventory.members(PLANES), inventory.members(NODES)
    if not planes:
        draft.fault(Place(inventory.file, None, ""), f"{PLANES} has no host. Write one, or three, of them there.")
        return draft
    names = [name for name in inventory.hosts if name in planes or name in nodes]
    of_hosts = {name: _resolved(own) for name, own in inventory.variables(names).items()}
    places = _places(inventory)
    users = Logins(draft)
    for name in names:
        roles = [role for role, own in (("control-plane", planes), ("worker", nodes)) if name in own]
        _host(draft, name, of_hosts[name], places[name], roles)
        users.read(name, of_hosts[name], user)
        if "user" not in users.of_hosts[name]:
            text = (
                "has no ansible_user, and Ansible would take the name of who runs it. Write it, or repeat with --user"
            )
            draft.fault(places[name], f"{text} NAME.")
    users.write(places, _bastion(draft, inventory))
    _others(draft, inventory, names, places)
    Cluster(draft, of_hosts, planes[0]).write(endpoint, version)
    _rest(draft, of_hosts)
    return draft


def _places(inventory: Inventory) -> dict[str, Place]:
    """Where a host is written: where it has its address, else its first row."""
    found: dict[str, Place] = {}
    for group in inventory.groups.values():
        for name, place in group.rows:
            found.setdefault(name, place)
    for name, own in inventory.hosts.items():
        if address := logins.one_of(own, "ansible_host"):
            found[name] = address.place._replace(name="")
    return found


def _resolved(variables: Mapping[str, Given]) -> dict[str, Given]:
    """With `{{ NAME }}`, where that is all, replaced by the variable's value."""
    return {name: Given(_value(given.value, variables, 5), given.place) for name, given in variables.items()}


def _value(value: Any, variables: Mapping[str, Given], depth: int) -> Any:  # noqa: ANN401
    match = _TEMPLATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[1] not in variables or depth == 0:
        return value
    return _value(variables[match[1]].value, variables, depth - 1)


def _host(draft: Draft, name: str, variables: Mapping[str, Given], place: Place, roles: list[str]) -> None:
    draft.put(("hosts", name), {})
    draft.origins["hosts", name] = place
    outer, inner = logins.one_of(variables, "ansible_host"), variables.get("ip")
    if given := inner or outer:
        draft.put(("hosts", name, "address"), logins.address(draft, given), given.place)
    elif logins.is_address(name):
        draft.put(("hosts", name, "address"), name, place)
    else:
        draft.fault(place, f"{name} has no address. Write ansible_host=ADDRESS in its row.")
    if outer and inner and outer.value != inner.value:
        draft.leave(
            outer.place, "a site has one address of a host, here ip; SSH goes there too, ssh.bastion leads to it."
        )
    elif outer and inner:
        draft.also(outer.place, ("hosts", name, "address"), "")
    if roles != ["worker"]:
        draft.put(("hosts", name, "roles"), roles)
    if (given := variables.get("node_labels")) and isinstance(given.value, dict):
        labels = {str(key): str(value) for key, value in given.value.items()}
        draft.put(("hosts", name, "labels"), labels, given.place)
    if (given := variables.get("node_taints")) and isinstance(given.value, list):
        draft.put(("hosts", name, "taints"), [str(each) for each in given.value], given.place)


def _bastion(draft: Draft, inventory: Inventory) -> dict[str, Any] | None:
    members = inventory.members(BASTION)
    if not members and BASTION in inventory.hosts:
        members = [BASTION]
    if not members:
        return None
    own = _resolved(inventory.variables(members)[members[0]])
    address = logins.one_of(own, "ansible_host")
    place = address.place if address else inventory.groups[BASTION].place
    if address is None:
        draft.fault(place, f"{members[0]} has no ansible_host. Write the bastion's address.")
    for other in members[1:]:
        draft.fault(place, f"{other} is a second bastion, and a host is reached through one. Keep one.")
    found: dict[str, Any] = {"address": str(address.value) if address else ""}
    if user := logins.one_of(own, "ansible_user"):
        found["user"] = str(user.value)
    if port := logins.one_of(own, "ansible_port"):
        found["port"] = int(port.value) if str(port.value).isdigit() else port.value
    draft.also(place, ("ssh", "bastion"), "its key or password is that of the hosts behind it.")
    return found


def _others(draft: Draft, inventory: Inventory, names: list[str], places: Mapping[str, Place]) -> None:
    """Hosts that are no node: of the bastion, of etcd alone, of Calico's route reflectors."""
    etcd, planes = inventory.members("etcd"), inventory.members(PLANES)
    for name in inventory.hosts:
        if name in names or name == BASTION or name in inventory.members(BASTION):
            continue
        place = places.get(name, Place(inventory.file, None, "", name))
        if name in etcd:
            draft.leave(place.named("etcd"), f"{name} has etcd alone: etcd runs on the control planes here.")
        elif name in inventory.members("calico_rr"):
            draft.leave(place.named("calico_rr"), f"{name} is a route reflector of Calico, which is not here.")
        else:
            draft.leave(place.named("no group"), f"{name} is in neither {PLANES} nor {NODES}.")
    if etcd and set(etcd) != set(planes):
        draft.remarks.append(f"etcd ran on {', '.join(etcd)}; here it runs on the control planes, {', '.join(planes)}.")


def _rest(draft: Draft, of_hosts: Mapping[str, Mapping[str, Given]]) -> None:
    """All other variables: left out with the reason, or unknown."""
    every = {(name, given.place): given for variables in of_hosts.values() for name, given in variables.items()}
    for (name, _), given in every.items():
        if name in TAKEN or name in OF_HOST or logins.is_login(name):
            continue
        named = logins.LEFT.get(name) or EXACT.get(name)
        why = named or by_beginning(name)
        near = None if named else nearest(name, [*TAKEN, *OF_HOST, *logins.NAMES], 0.9)
        if near:
            draft.fault(given.place, f"is not known here. Did you mean {near}? Else delete it.")
        elif not is_nothing(given.value) or isinstance(given.value, Vault):
            draft.leave(given.place, why or "is not known here: look whether the cluster needs it.")
