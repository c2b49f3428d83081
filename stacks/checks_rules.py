"""Rules about single values, which their types carry (components/rule.py): of rooms and parts alike."""

from collections.abc import Callable, Iterator

from components.problem import Problem
from components.rule import broken
from stacks.model import Site


def rules(site: Site) -> Iterator[Problem]:
    """Each value keeps the rules of its type."""
    return broken(site.marked)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (rules,)
