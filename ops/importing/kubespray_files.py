"""The files of a Kubespray inventory: its hosts, in YAML or INI, and its group_vars and host_vars."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.importing.ini import RowError, expanded, read_ini
from ops.importing.inventory import Group, Inventory
from ops.importing.kubespray_tables import GROUPS
from ops.importing.place import Fault, Given, Place
from ops.importing.tables import below
from ops.importing.yaml_file import YamlFile, read_yaml

NAMES = (
    *("hosts.yaml", "hosts.yml", "inventory.yaml", "inventory.yml"),
    *("inventory.ini", "hosts.ini", "inventory.cfg", "inventory", "hosts"),
)


def read(path: Path) -> Inventory:
    """The inventory of a folder, or of the file that is named, with the variables of the folder."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir():
        file = path
    else:
        there = [folder / name for name in NAMES if (folder / name).is_file()]
        if len(there) != 1:
            seen = f"has {' and '.join(each.name for each in there)}" if there else f"has none of {', '.join(NAMES)}"
            found = Inventory(str(path))
            fix = f"Name the file: sitectl import kubespray {there[0]}" if there else "Name the file of the hosts."
            found.faults.append(Fault(Place(str(path), None, ""), f"{seen}. {fix}"))
            return found
        (file,) = there
    found = _yaml(read_yaml(file, file.name)) if file.suffix in (".yaml", ".yml") else read_ini(file, file.name)
    _rename(found)
    for name, one in _files(folder / "group_vars"):
        found.later.setdefault(GROUPS.get(name, name), {}).update(_variables(found, one, folder))
    for name, one in _files(folder / "host_vars"):
        if name in found.hosts:
            found.hosts[name] |= _variables(found, one, folder)
    return found


def _rename(found: Inventory) -> None:
    """The groups' former names become today's."""
    for old in [name for name in found.groups if name in GROUPS]:
        group, new = found.groups.pop(old), GROUPS[old]
        known = found.groups.setdefault(new, Group(group.place))
        known.rows += group.rows
        known.children += group.children
        known.variables |= group.variables
    for group in found.groups.values():
        group.children = [GROUPS.get(name, name) for name in group.children]


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name of the group or host, and file, in Ansible's order."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            yield from ((path.name, file) for file in sorted(path.rglob("*")) if _is_variables(file))
        elif _is_variables(path):
            yield path.stem if path.suffix else path.name, path


def _is_variables(path: Path) -> bool:
    return path.is_file() and path.suffix in ("", ".yml", ".yaml", ".json") and not path.name.startswith(".")


def _variables(found: Inventory, path: Path, folder: Path) -> dict[str, Given]:
    file = read_yaml(path, str(path.relative_to(folder)))
    found.faults += file.faults
    return {name: Given(value, file.place(name)) for name, value in file.data.items()}


def _yaml(file: YamlFile) -> Inventory:
    """An inventory in YAML: groups, each with `hosts`, `children` and `vars`."""
    found = Inventory(file.label, faults=list(file.faults))
    for name in file.data:
        _group(found, file, name, (name,))
    return found


def _group(found: Inventory, file: YamlFile, name: str, key: tuple[str, ...]) -> None:
    group = found.groups.setdefault(name, Group(file.place(*key)))
    for word in below(file, key):
        if word not in ("hosts", "children", "vars"):
            place = file.place(*key, word)
            found.faults.append(Fault(place, "is no key of a group. Ansible has hosts, children and vars."))
    for pattern, own in below(file, (*key, "hosts")).items():
        place = file.place(*key, "hosts", pattern)
        try:
            names = list(expanded(pattern))
        except RowError as error:
            found.faults.append(Fault(place, str(error)))
            continue
        for host in names:
            known = found.hosts.setdefault(host, {})
            group.rows.append((host, place._replace(name="", host=host)))
            known |= _of_host(file, (*key, "hosts", pattern), host, own)
    for child in below(file, (*key, "children")):
        group.children += [] if name == "all" else [child]
        _group(found, file, child, (*key, "children", child))
    for variable, value in below(file, (*key, "vars")).items():
        place = file.place(*key, "vars", variable)
        group.variables[variable] = Given(value, place._replace(name=variable))


def _of_host(file: YamlFile, key: tuple[str, ...], host: str, own: Any) -> dict[str, Given]:  # noqa: ANN401
    values = own if isinstance(own, dict) else {}
    return {name: Given(value, file.place(*key, name)._replace(name=name, host=host)) for name, value in values.items()}
