"""Rules between hosts: the way to them, and who their users are. Pure functions; each problem names the key."""

from collections.abc import Callable, Iterator

from components.host.machine import Person
from components.problem import Problem
from stacks.model import Site


def bastions(site: Site) -> Iterator[Problem]:
    """No host is behind itself, directly or by way of other hosts of the site."""
    named = {str(known): host.name for host in site.active for known in (host.address, host.name)}
    behind = {
        host.name: named[str(host.ssh.bastion.address)]
        for host in site.active
        if host.ssh.bastion and str(host.ssh.bastion.address) in named
    }
    for name in behind:
        way = [name]
        while (following := behind.get(way[-1])) and following not in way:
            way.append(following)
        if following == name:
            text = f"leads back to {name} itself ({' → '.join([*way, name])}), which nothing reaches first."
            fix = f"Write ssh: {{bastion: null}} at hosts.{name}, or name another bastion."
            yield Problem(("hosts", name, "ssh", "bastion"), f"{text} {fix}")


def numbers(site: Site) -> Iterator[Problem]:
    """A user's number is the same person's on every host: files on shared filesystems belong to numbers."""
    first: dict[int, tuple[str, str]] = {}
    for host in site.active:
        for name, account in host.accounts.items():
            if account.uid is None:
                continue
            other, where = first.setdefault(account.uid, (name, host.name))
            if other != name and where != host.name:
                text = f"{account.uid} is the number of {other} on {where}. Give each user its own, or null."
                key = ("users",) if isinstance(account, Person) else ("hosts", host.name, "accounts")
                yield Problem((*key, name, "uid"), text)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (bastions, numbers)


def notes(site: Site) -> Iterator[str]:
    """A site that was copied from a sample has no id, and its copy elsewhere would be the same site to the hosts."""
    if site.id is None:
        yield (
            f"id: there is none, so the hosts take any other site of project {site.project} and stack {site.name} for "
            "this one. Write id with what openssl rand -hex 6 prints, in quotes, and never change it."
        )
