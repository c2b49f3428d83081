"""The hosts of a file of k0sctl."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ops.importing import k0s_tables as tables
from ops.importing import logins
from ops.importing.draft import Draft, listed, shared
from ops.importing.place import Given, Place, nearest
from ops.importing.tables import below, go_through
from ops.importing.yaml_file import YamlFile

ROLES = {
    "controller": ["control-plane"],
    "controller+worker": ["control-plane", "worker"],
    "single": ["control-plane", "worker"],
    "worker": [],
}
PROXY = {"HTTP_PROXY": "http", "HTTPS_PROXY": "https", "NO_PROXY": "noProxy"}


def hosts(draft: Draft, file: YamlFile) -> None:
    """Puts the hosts into the draft, and their logins."""
    entries = below(file, ("spec",)).get("hosts")
    if not isinstance(entries, list) or not entries:
        draft.fault(file.place("spec", "hosts"), "has no hosts. Write a list of them, each with role and ssh.")
        return
    counts: Counter[str] = Counter()
    ssh: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        key = ("spec", "hosts", index)
        place = file.place(*key)
        if not isinstance(entry, dict):
            draft.fault(place, "is no map. Write role and ssh below the dash.")
            continue
        go_through(draft, file, key, tables.HOST, "a host of k0sctl")
        role = _role(draft, file, key)
        if entry.get("reset") is True:
            draft.leave(place, "reset: true, so k0sctl takes this host out.")
            continue
        kind = "worker" if role == "worker" else "controller"
        counts[kind] += 1
        name = str(entry.get("hostname") or f"{kind}-{counts[kind]}")
        if name in ssh:
            draft.fault(place, f"{name} is the name of two hosts. Write another hostname.")
        ssh[name] = _host(draft, file, key, name, role)
    if "single" in {_role(draft, file, ("spec", "hosts", index)) for index in range(len(entries))} and len(ssh) > 1:
        draft.fault(
            file.place("spec", "hosts"), "has a host with the role single, and others. Write controller+worker."
        )
    _share(draft, "ssh", ssh)
    _share(draft, "proxy", {name: draft.site["hosts"][name].pop("proxy", {}) for name in ssh})
    if not all(entry.get("hostname") for entry in entries if isinstance(entry, dict)):
        draft.remarks.append(
            "Hosts without hostname are named controller-1, worker-1 and so on; pulumi up gives them these names. "
            "Write others into the site before."
        )


def _role(draft: Draft, file: YamlFile, key: tuple[str | int, ...]) -> str:
    role = str(below(file, key).get("role"))
    if role in ROLES:
        return role
    near = nearest(role.replace("server", "controller"), ROLES)
    hint = f"Did you mean {near}?" if near else f"Write one of {', '.join(ROLES)}."
    fault = (
        f'"{role}" is no role of k0sctl. {hint}' if role != "None" else f"has no role. Write one of {', '.join(ROLES)}."
    )
    if not any(one.text == fault and one.place == file.place(*key) for one in draft.faults):
        draft.fault(file.place(*key), fault)
    return "worker"


def _host(draft: Draft, file: YamlFile, key: tuple[str | int, ...], name: str, role: str) -> dict[str, Any]:
    """Puts one host; returns its login."""
    entry, place = below(file, key), file.place(*key)
    draft.put(("hosts", name), {})
    draft.origins["hosts", name] = place
    for other, why in (("localhost", "Write ssh with its address."), ("winRM", "Windows is no system of a site.")):
        if entry.get(other):
            draft.fault(file.place(*key, other), f"hosts of a site are reached by SSH. {why}")
    login = "ssh" if "ssh" in entry else "openSSH"
    found = below(file, (*key, login))
    go_through(draft, file, (*key, login), tables.SSH if login == "ssh" else tables.OPEN_SSH, f"{login} of k0sctl")
    if not found.get("address"):
        draft.fault(place, f"{name} has no ssh.address. Write the address by which you reach it.")
    else:
        _address(draft, file, (*key, login), key, name)
    roles = ROLES[role]
    if role == "controller+worker" and entry.get("noTaints") is not True:
        roles = ["control-plane"]
    if roles:
        remark = "a control plane is a node here, and takes ordinary pods only if it is a worker too."
        draft.put(("hosts", name, "roles"), roles, file.place(*key, "role"), remark)
        if "noTaints" in entry:
            draft.also(file.place(*key, "noTaints"), ("hosts", name, "roles"), "")
    if interface := entry.get("privateInterface"):
        draft.put(("hosts", name, "interfaces"), {"internal": str(interface)}, file.place(*key, "privateInterface"))
    _flags(draft, file, key, name)
    _environment(draft, file, key, name)
    return _login(draft, file, (*key, login))


def _address(draft: Draft, file: YamlFile, login: tuple[str | int, ...], key: tuple[str | int, ...], name: str) -> None:
    """The site has one address of a host: the one by which the other hosts reach it."""
    outer = Given(below(file, login)["address"], file.place(*login, "address"))
    private = below(file, key).get("privateAddress")
    if private is None or private == outer.value:
        draft.put(("hosts", name, "address"), logins.address(draft, outer), outer.place)
        if private:
            draft.also(file.place(*key, "privateAddress"), ("hosts", name, "address"), "")
        return
    inner = Given(private, file.place(*key, "privateAddress"))
    draft.put(("hosts", name, "address"), logins.address(draft, inner), inner.place, "SSH goes there too.")
    draft.leave(outer.place, "a site has one address of a host, here privateAddress; ssh.bastion leads to it.")


def _login(draft: Draft, file: YamlFile, key: tuple[str | int, ...]) -> dict[str, Any]:
    found, bastion = below(file, key), below(file, (*key, "bastion"))
    go_through(draft, file, (*key, "bastion"), tables.BASTION, "a bastion of k0sctl")
    own: dict[str, Any] = {"user": str(found.get("user", "root"))}
    if found.get("port", 22) != 22:
        own["port"] = found["port"]
    if path := _key_file(draft, found, file.place(*key, "keyPath")):
        own["keyFile"] = path
    for name in ("user", "port", "keyPath"):
        if name in found:
            draft.also(file.place(*key, name), ("ssh", "keyFile" if name == "keyPath" else name), "")
    if bastion:
        place = file.place(*key, "bastion")
        draft.also(place, ("ssh", "bastion"), "its key is that of the host behind it.")
        if bastion.get("keyPath") not in (None, found.get("keyPath")):
            text = "has another keyPath than the host behind it, and a site has one key for both."
            draft.fault(place, f"{text} Write the same, or load both keys into your ssh-agent and write neither.")
        own["bastion"] = {"address": str(bastion.get("address", "")), "user": str(bastion.get("user", "root"))}
        own["bastion"] |= {"port": bastion["port"]} if bastion.get("port", 22) != 22 else {}
    return own


def _key_file(draft: Draft, found: Mapping[str, Any], place: Place) -> str | None:
    path = found.get("keyPath")
    if path is None:
        return None
    if str(path).endswith(".pub"):
        draft.leave(place, "a public key: the private one comes from your ssh-agent.")
        return None
    if not str(path).startswith(("/", "~/", "${")):
        draft.fault(place, "does not begin with / or ~/. Write the whole path.")
    return str(path)


def _flags(draft: Draft, file: YamlFile, key: tuple[str | int, ...], name: str) -> None:
    """Labels and taints of `k0s install`; other flags are of k0s."""
    place = file.place(*key, "installFlags")
    for flag in listed(below(file, key).get("installFlags")):
        word, _, text = str(flag).replace(" ", "=", 1).partition("=")
        if word == "--labels":
            labels = dict(one.partition("=")[::2] for one in text.split(",") if one)
            draft.put(("hosts", name, "labels"), labels, place)
        elif word == "--taints":
            draft.put(("hosts", name, "taints"), text.split(","), place)
        else:
            draft.leave(place.named(f"{place.name} {word}"), "a flag of k0s.")


def _environment(draft: Draft, file: YamlFile, key: tuple[str | int, ...], name: str) -> None:
    for variable, value in below(file, (*key, "environment")).items():
        place = file.place(*key, "environment", variable)
        if own := PROXY.get(variable.upper()):
            draft.put(("hosts", name, "proxy", own), listed(value) if own == "noProxy" else str(value), place)
        else:
            draft.leave(place, "the environment of k0s; programs of the site do not have it.")


def _share(draft: Draft, key: str, of_hosts: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes what all hosts have alike at the top level, the rest to each host."""
    common = shared(of_hosts)
    if common:
        draft.site[key] = common
    for name, own in of_hosts.items():
        if rest := {word: one for word, one in own.items() if word not in common}:
            draft.site["hosts"][name][key] = rest
