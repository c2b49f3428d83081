"""Rules for backups of the cluster."""

from collections.abc import Callable, Iterator

from components.problem import Problem
from stacks.model import Site

_KEY = ("kubernetes", "backup")


def tools(site: Site) -> Iterator[Problem]:
    """etcd's release comes from one place."""
    backup = site.kubernetes.backup if site.kubernetes else None
    if backup and (backup.tools.file is None) == (backup.tools.url is None):
        yield Problem((*_KEY, "tools"), "needs one of file and url. Write where etcd's release archive is.")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (tools,)
