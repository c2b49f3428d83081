"""Whether the Prometheus Operator, which others run in the cluster, is there: without its kinds, Helm fails late.

Rows: M1.
"""

from collections.abc import Sequence

from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, lacking_kinds

KINDS = ("prometheuses.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com")


class NoOperatorError(Exception):
    """The operator's kinds are not in the cluster, or no control plane could say. str() is `host [monitoring] …`."""


async def must_be_there(planes: Sequence[Target], release: str) -> None:
    """Before a release that brings objects of these kinds. Asks the control planes in turn. Raises NoOperatorError."""
    try:
        plane, lacking = await lacking_kinds(planes, KINDS)
    except NobodyError as error:
        raise NoOperatorError(error.told("monitoring", "whether the Prometheus Operator is there")) from None
    if lacking:
        text = f"the cluster has no {' and no '.join(lacking)}, which {release} needs, and the site says"
        said = "monitoring: {kind: existing}, that others run the Prometheus Operator there"
        fix = "install that operator, then pulumi up; or write monitoring: {} in the site, which brings it"
        raise NoOperatorError(f"{plane.name} [monitoring] {text} {said}. {release} was not installed. Fix: {fix}")
