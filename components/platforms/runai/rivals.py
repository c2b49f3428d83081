"""A second installation of Run:ai in one cluster: two of them would fight for namespaces, CRDs and nodes.

Rows: R4.
"""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first
from components.platforms.runai import places, versions

SCRIPT = Path(__file__).with_name("rivals.sh")
_OF = {
    places.BACKEND: (places.BACKEND, "tenantsManager", (versions.CONTROL_PLANE, places.BACKEND)),
    places.CLUSTER: (places.NAMESPACE, "clusterConfig", (versions.CLUSTER,)),
}
"""By our release: its namespace, a value that only such a chart has, and the names that the chart has had."""


class RivalError(Exception):
    """Somebody else's release is there, or no control plane could say. str() is `host [release] …`."""


async def must_be_alone(planes: Sequence[Target], release: str) -> None:
    """Before our release is installed or upgraded. Raises RivalError.

    Asks the control planes in turn.
    """
    namespace, mark, charts = _OF[release]
    command = f"bash -s -- {' '.join(map(quote, (namespace, release, mark, *charts)))}"
    try:
        plane, said = await first(planes, command, SCRIPT.read_bytes())
    except NobodyError as error:
        raise RivalError(error.told("release", "which releases Helm has")) from None
    if said:
        where, name, *version = said.splitlines()[0].split()
        text = f"the cluster has {charts[0]} {' '.join(version)} of Run:ai already, as release {name} in namespace"
        fix = f"if nobody needs it, helm uninstall {name} -n {where}; else take this platform out of the site"
        raise RivalError(f"{plane.name} [release] {text} {where}. Nothing was changed. Fix: {fix}")
