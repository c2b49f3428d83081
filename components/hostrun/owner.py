"""Who runs: what a stack says of itself to each host, which keeps it and refuses another (owner.sh, ADR 23)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """A stack of a project; `site` is the id of its site, empty where the site has none."""

    project: str
    stack: str
    site: str = ""

    def words(self, state: str = "") -> str:
        """`PROJECT STACK SITE STATE`, as a host keeps them; `state` tells two states of one stack apart."""
        return f"{self.project} {self.stack} {self.site or '-'} {state or '-'}"

    def __str__(self) -> str:
        return f"stack {self.project}/{self.stack}" + (f" (site {self.site})" if self.site else "")


@dataclass(frozen=True, slots=True)
class Marks:
    """What the state itself says of a host's runs, in the resource `hosts-state`."""

    state: str
    """An id that the state has from its first run on, and another state has not."""
    run: str = ""
    """When a run was interrupted there, as UTC 20261129T214000Z; empty if none ever was."""
