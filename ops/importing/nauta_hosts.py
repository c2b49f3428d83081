"""The hosts of Nauta's inventory: one master, and workers that are reached through it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.importing import logins
from ops.importing.draft import Draft
from ops.importing.inventory import Inventory
from ops.importing.logins import Logins
from ops.importing.place import Given, Place, Variables, nearest

SECTIONS = ("master", "worker")
REQUIRED = ("ansible_host", "ansible_user", "internal_interface", "external_interface")
"""For every host, by the guide's table of variables."""
INTERFACES = {"internal_interface": "internal", "external_interface": "external", "data_interface": "data"}
DISK = ("local_data_device", "local_device", "local_data_path")
KNOWN = (*logins.NAMES, *logins.NAMES.values(), *logins.LEFT, *INTERFACES, *DISK)
MOUNT = "/srv/nauta"


@dataclass(frozen=True)
class Master:
    """The one master, and where its data disk is mounted; none if the inventory names no device."""

    name: str
    mount: str | None
    place: Place


def hosts(draft: Draft, inventory: Inventory, *, direct: bool) -> Master | None:
    """Puts the hosts into the draft; None if there is not one master."""
    for name, group in inventory.groups.items():
        if name not in (*SECTIONS, "all", "ungrouped"):
            near = nearest(name, SECTIONS)
            hint = f"Did you mean [{near}]?" if near else "Nauta has [master] and [worker]."
            draft.fault(group.place, f"[{name}] is no section of Nauta's inventory. {hint}")
    for host, place in inventory.groups["ungrouped"].rows if "ungrouped" in inventory.groups else ():
        draft.fault(place, f"{host} is in no section. Put its row below [master] or [worker].")
    masters, workers = inventory.members("master"), inventory.members("worker")
    if len(masters) != 1:
        _count(draft, inventory, masters)
        return None
    if not workers:
        text = "[worker] has no row. Write one; on a single machine, the master's row once more."
        draft.fault(Place(inventory.file, None, ""), text)
    names = dict.fromkeys([*masters, *workers])
    of_hosts: dict[str, Variables] = {**inventory.variables(names)}
    places = {host: place for section in reversed(SECTIONS) for host, place in _rows(inventory, section)}
    users = Logins(draft)
    for name in names:
        roles = [role for role, own in (("control-plane", masters), ("worker", workers)) if name in own]
        _host(draft, name, of_hosts[name], places[name], roles)
        users.read(name, of_hosts[name], None)
    _one_user(draft, of_hosts)
    mount = _disk(draft, masters[0], of_hosts[masters[0]], places[masters[0]])
    for name in names if workers else ():
        _strangers(draft, of_hosts[name], is_master=name == masters[0])
    _through_master(draft, users, masters[0], of_hosts, direct=direct)
    users.write(places)
    return Master(masters[0], mount, places[masters[0]])


def _rows(inventory: Inventory, section: str) -> Iterator[tuple[str, Place]]:
    yield from inventory.groups[section].rows if section in inventory.groups else ()


def _count(draft: Draft, inventory: Inventory, masters: list[str]) -> None:
    if not masters:
        draft.fault(
            Place(inventory.file, None, ""), "[master] has no row. Nauta has exactly one master: write its row."
        )
    for host, place in list(_rows(inventory, "master"))[1:]:
        text = f"[master] has exactly one row, and {masters[0]} is in it already. Move {host} to [worker]"
        draft.fault(place, f"{text}; a site with three control planes is written by hand, with kubernetes.endpoint.")


def _host(draft: Draft, name: str, variables: Variables, place: Place, roles: list[str]) -> None:
    for required in REQUIRED:
        if not (logins.one_of(variables, required) if required in logins.NAMES else variables.get(required)):
            written = logins.NAMES.get(required, required)
            draft.fault(place, f"lacks {written}, which the guide requires of every host. Write {written}=VALUE.")
    draft.put(("hosts", name), {})
    draft.origins["hosts", name] = place
    if found := logins.one_of(variables, "ansible_host"):
        draft.put(("hosts", name, "address"), logins.address(draft, found), found.place)
    if roles != ["worker"]:
        draft.put(("hosts", name, "roles"), roles)
    for variable, use in INTERFACES.items():
        if given := variables.get(variable):
            draft.put(("hosts", name, "interfaces", use), str(given.value), given.place)


def _one_user(draft: Draft, of_hosts: dict[str, Variables]) -> None:
    found = [given for own in of_hosts.values() if (given := logins.one_of(own, "ansible_user"))]
    for given in found[1:]:
        if given.value != found[0].value:
            text = (
                f'is "{given.value}", and "{found[0].value}" in line {found[0].place.line}; the guide wants one user.'
            )
            draft.fault(given.place, f"{text} Write the same for all hosts.")


def _disk(draft: Draft, name: str, variables: Variables, place: Place) -> str | None:
    device = variables.get("local_data_device") or variables.get("local_device")
    if device is None:
        text = "lacks local_data_device, which the guide requires of the master. Write local_data_device=/dev/…"
        draft.fault(place, f"{text}; ls -l /dev/disk/by-id shows better names than /dev/sdb1.")
        return None
    other = variables.get("local_device")
    if other and other.value != device.value:
        draft.fault(other.place, "is another device than local_data_device; the guide says the same of both. Keep one.")
    path = variables.get("local_data_path")
    mount = str(path.value) if path else MOUNT
    draft.put(("hosts", name, "disks"), [{"device": str(device.value), "mount": mount}], device.place, _kept(path))
    if path:
        draft.also(path.place, ("hosts", name, "disks"), "its mount point.")
    if other and other.place != device.place:
        draft.also(other.place, ("hosts", name, "disks"), "the same as local_data_device.")
    return mount


def _kept(path: Given | None) -> str:
    kept = "never formatted if it holds anything; write filesystem: xfs if that is what it has."
    return kept if path else f"{kept} Mounted at {MOUNT}: the guide names no default of local_data_path."


def _strangers(draft: Draft, variables: Variables, *, is_master: bool) -> None:
    for variable, given in variables.items():
        if variable in DISK and not is_master:
            draft.leave(given.place, "the guide has it for the master only.")
        elif variable in logins.LEFT:
            draft.leave(given.place, logins.LEFT[variable])
        elif variable not in KNOWN:
            near = nearest(variable, KNOWN)
            hint = f"Did you mean {near}?" if near else "Delete it, or write it into the site as variables."
            draft.fault(given.place, f"Nauta's inventory has no such variable. {hint}")


def _through_master(draft: Draft, users: Logins, master: str, of_hosts: dict[str, Variables], *, direct: bool) -> None:
    """The workers' bastion. Its key or password is that of the hosts behind it."""
    workers = [name for name in of_hosts if name != master]
    own = users.of_hosts[master]
    if direct or not workers:
        return
    for name in workers:
        if any(users.of_hosts[name].get(key) != own.get(key) for key in ("keyFile", "passwordSecret")):
            text = "has another key or password than the master, through which it is reached: SSH takes one for both."
            place = draft.origins["hosts", name]
            draft.fault(place, f"{text} Write the same; or repeat with --direct, if you reach the workers themselves.")
    address = logins.one_of(of_hosts[master], "ansible_host")
    bastion: dict[str, Any] = {"address": str(address.value) if address else ""}
    bastion |= {key: own[key] for key in ("user", "port") if key in own}
    draft.site.setdefault("groups", {})["worker"] = {"ssh": {"bastion": bastion}}
    draft.origins["groups", "worker"] = address.place if address else draft.origins["hosts", master]
    for name in workers:
        draft.site["hosts"][name] = {"group": "worker", **draft.site["hosts"][name]}
    draft.remarks.append(
        "The workers are reached through the master, as in the guide (groups.worker.ssh.bastion). "
        "If you reach them yourself, repeat with --direct."
    )
