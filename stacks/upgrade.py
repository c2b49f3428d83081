"""An upgrade of Kubernetes, or of the engine under it: what the site wants, held against the stack's state."""

from collections.abc import Mapping, Sequence

import pulumi

from components.engine.config import Containerd
from components.engine.steps import package_of
from components.gpu.pods import ASKED
from components.kubernetes import runtime
from components.kubernetes.turn import Turns
from components.kubernetes.upgrade import Move, forbidden, moves, versions
from stacks.faults import Fault, Mark, SiteError
from stacks.model import Site


def turns(site: Site, layers: Mapping[str, str]) -> tuple[Turns, Turns]:
    """The moves of this run, of Kubernetes and of the engine; says them, in a preview too.

    `layers`: command lines in the state, by the resources' names. Raises SiteError when they cannot be done.
    """
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    found, engines = planned(site, layers), engines_planned(site, layers)
    if refused := forbidden_of(site, found, engines):
        file = f"Pulumi.{pulumi.get_stack()}.yaml"
        raise SiteError([Fault(Mark(file, None), (*refused[0].split("."),), refused[1])])
    rolling, told = site.kubernetes.rolling, pulumi.log.info
    if found:
        told("\n".join(["Kubernetes is upgraded, in this order:", *lines(site, found, site.kubernetes.version)]))
    if engines:
        told("\n".join(["The container engine changes, in this order:", *lines(site, engines, engine(site))]))
    return (
        Turns(site.kubernetes.version, rolling, ASKED, found, told),
        Turns(engine(site), rolling, ASKED, engines, told, "engine-turn"),
    )


def engine(site: Site) -> str:
    """The engine's package on members of the cluster, with =VERSION where the site pins it."""
    config = site.container_engine
    return package_of(config) if isinstance(config, Containerd) else ""


def planned(site: Site, layers: Mapping[str, str]) -> list[Move]:
    """The nodes that change their version, in order. `layers`: command lines in the state, by the resources' names."""
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    return _moves(site, site.kubernetes.version, versions(layers))


def engines_planned(site: Site, layers: Mapping[str, str]) -> list[Move]:
    """The nodes that change the package of their engine, in order."""
    return _moves(site, engine(site), runtime.packages(layers, engine(site)))


def _moves(site: Site, wanted: str, known: Mapping[str, str | None]) -> list[Move]:
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    return moves(wanted, known, site.control_planes, site.active, site.kubernetes.rolling.at_once)


def forbidden_of(site: Site, found: Sequence[Move], engines: Sequence[Move]) -> tuple[str, str] | None:
    """The key of the site that cannot be as it is, and why; None if all can be done."""
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    if text := forbidden(site.kubernetes.version, found):
        return "kubernetes.version", text
    if text := runtime.forbidden(engine(site), engines):
        return "engine.version", text
    # One without a former version has only a turn to end.
    real = [move for move in found if move.before]
    if not real or not engines:
        return None
    nodes = ", ".join(move.node for move in engines)
    return "engine", (
        f"the package of {nodes} is to change to {engine(site)}, and Kubernetes too: {real[0].node} has "
        f"{real[0].before}. Each takes a node out of work in its turn. Write one of them as it "
        "was, pulumi up, then the other."
    )


def lines(site: Site, found: Sequence[Move], wanted: str) -> list[str]:
    """One for each node."""
    return [
        f"  {move.order}. {move.node}, {move.role}: {move.before or 'unknown'} → {wanted}, {drained(site, move)}"
        for move in found
    ]


def drained(site: Site, move: Move) -> str:
    """What becomes of the node's work."""
    return "is drained already" if site.hosts[move.node].state == "drained" else "its pods move away first"
