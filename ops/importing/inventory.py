"""Hosts, groups and variables of an Ansible inventory, and which value of a variable a host has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ops.importing.place import Fault, Given, Place


@dataclass
class Group:
    """A group: its own hosts, the groups below it, and what it sets."""

    place: Place
    rows: list[tuple[str, Place]] = field(default_factory=list)
    """Each row of it that names a host."""
    children: list[str] = field(default_factory=list)
    variables: dict[str, Given] = field(default_factory=dict)


@dataclass
class Inventory:
    """An inventory as it is written. `later` has, by group, what files of group_vars set."""

    file: str
    hosts: dict[str, dict[str, Given]] = field(default_factory=dict)
    """What a host's own rows set."""
    groups: dict[str, Group] = field(default_factory=dict)
    later: dict[str, dict[str, Given]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def members(self, name: str) -> list[str]:
        """Hosts of a group, and of those below it, in the order of the file."""
        return list(dict.fromkeys(self._members(name, ())))

    def _members(self, name: str, above: tuple[str, ...]) -> Iterator[str]:
        if name == "all":
            yield from self.hosts
        elif (group := self.groups.get(name)) and name not in above:
            yield from (host for host, _ in group.rows)
            for child in group.children:
                yield from self._members(child, (*above, name))

    def _depth(self, name: str, above: tuple[str, ...] = ()) -> int:
        """How many groups are above a group; 0 for `all`."""
        if name == "all":
            return 0
        parents = [each for each, group in self.groups.items() if name in group.children and each not in above]
        return 1 + max((self._depth(each, (*above, name)) for each in parents), default=0)

    def variables(self, hosts: Iterable[str]) -> dict[str, dict[str, Given]]:
        """What each host has, in Ansible's order: groups, then files of group_vars, each from the top; then its own.

        https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html#understanding-variable-precedence
        """
        ordered = sorted({"all", *self.groups, *self.later}, key=lambda name: (self._depth(name), name))
        members = {name: set(self.members(name)) for name in ordered}
        found: dict[str, dict[str, Given]] = {}
        for host in hosts:
            own: dict[str, Given] = {}
            above = [name for name in ordered if name == "all" or host in members[name]]
            for name in above:
                own |= self.groups[name].variables if name in self.groups else {}
            for name in above:
                own |= self.later.get(name, {})
            found[host] = own | self.hosts.get(host, {})
        return found
