"""An upgrade of Kubernetes: what the site wants, held against the versions in the stack's state."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.gpu.pods import ASKED
from components.kubernetes.turn import Turns
from components.kubernetes.upgrade import Move, forbidden, moves, versions
from stacks.faults import Fault, Mark, SiteError
from stacks.model import Site


def turns(site: Site, known: Mapping[str, Mapping[str, Any]]) -> Turns:
    """The moves of this run; says them, in a preview too. `known` are the outputs in the stack's state.

    Raises SiteError when Kubernetes cannot do them.
    """
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    found = planned(site, {name: str(values.get("create", "")) for name, values in known.items()})
    if text := forbidden(site.kubernetes.version, found):
        file = f"Pulumi.{pulumi.get_stack()}.yaml"
        raise SiteError([Fault(Mark(file, None), ("kubernetes", "version"), text)])
    if found:
        pulumi.log.info("\n".join(["Kubernetes is upgraded, in this order:", *lines(site, found)]))
    return Turns(site.kubernetes.version, site.kubernetes.rolling, ASKED, found, pulumi.log.info)


def planned(site: Site, layers: Mapping[str, str]) -> list[Move]:
    """The nodes that change their version, in order. `layers`: command lines in the state, by the resources' names."""
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    rolling = site.kubernetes.rolling
    return moves(site.kubernetes.version, versions(layers), site.control_planes, site.active, rolling.at_once)


def lines(site: Site, found: Sequence[Move]) -> list[str]:
    """One for each node."""
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    wanted = site.kubernetes.version
    return [
        f"  {move.order}. {move.node}, {move.role}: {move.before or 'unknown'} → {wanted}, {drained(site, move)}"
        for move in found
    ]


def drained(site: Site, move: Move) -> str:
    """What becomes of the node's work."""
    return "is drained already" if site.hosts[move.node].state == "drained" else "its pods move away first"
