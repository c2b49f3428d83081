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
