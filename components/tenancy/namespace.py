"""Before a project's namespace is made: another one of that name may still end, or belong to somebody else.

Rows: S4, S5.
"""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first

SCRIPT = Path(__file__).with_name("namespace.sh")


class NamespaceError(Exception):
    """The project may not have the namespace, or no control plane could say. str() is `host [namespace] …`."""


async def free(control_planes: Sequence[Target], name: str) -> None:
    """Asks the `control_planes` in turn until one answers; changes nothing.

    A namespace that an earlier run made for a project is taken over again, with all that is in it. Raises
    NamespaceError for one that still ends, for one that others made, and if no control plane answers.
    """
    try:
        plane, answer = await first(control_planes, f"bash -s -- {quote(name)}", SCRIPT.read_bytes())
    except NobodyError as error:
        raise NamespaceError(error.told("namespace", f"whether namespace {name} is free")) from None
    _judge(plane.name, name, answer.splitlines())


def _judge(plane: str, name: str, lines: Sequence[str]) -> None:
    if lines[:1] == ["ends"]:
        why = "; ".join(lines[1:]) or "Kubernetes does not say what holds it"
        raise NamespaceError(
            f"{plane} [namespace] {name} was deleted and still ends: {why}. The project was not made. Fix: remove what "
            f"holds it (a node that will not come back: state: gone), see kubectl get namespace {name} -o yaml; "
            "then pulumi up"
        )
    if lines[:1] == ["foreign"]:
        raise NamespaceError(
            f"{plane} [namespace] {name} is there already, and no project of gpu-metal. The project was not made. "
            f"Fix: another name under projects; or, to make it the project's: "
            f"kubectl label namespace {name} gpu-metal/project=true"
        )
