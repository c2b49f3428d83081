"""Kinds that a chart brings. Pure."""

from typing import NamedTuple


class Kinds(NamedTuple):
    """Kinds that a chart brings among its objects, so that Helm refuses to install it where they are another's."""

    group: str
    """Their API group."""
    instead: str
    """What to write in the site if others bring them."""
