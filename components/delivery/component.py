"""A chart out of a vendor's archive: read from the host that unpacked it, kept beside the program for Helm.

Rows: R2.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from pulumi import Output, Resource, ResourceHookBinding, ResourceOptions
from pulumi_command import remote

from components.delivery.config import Delivery
from components.hostrun.layer import HostRef

KEPT = Path(".gpu-metal/charts")
"""On the operator's machine, below the program's folder: an input of the release, and so the same on each machine."""


@dataclass(frozen=True, slots=True)
class Brought:
    """Where a chart is, once it was read; a preview of a new archive does not know it."""

    chart: Output[str]
    version: str
    repository: None = None


def brought(
    name: str, host: HostRef, delivery: Delivery, part: str, chart: tuple[str, str], *, parent: Resource
) -> Brought:
    """The chart of that name and version. `name` is the resource's, `part` the part's that has the delivery."""
    file = f"{chart[0]}-{chart[1]}.tgz"
    probe = host.probe(name)
    read = remote.Command(
        name,
        connection=host.connection,
        create=f"{host.root}base64 -w 0 {quote(f'{delivery.place(part)}/.charts/{file}')}",
        logging=remote.Logging.NONE,
        add_previous_output_in_env=False,
        opts=ResourceOptions(
            parent=parent,
            depends_on=list(host.last),
            deleted_with=host.anchor,
            delete_before_replace=True,
            hooks=ResourceHookBinding(before_create=[probe], before_update=[probe]),
        ),
    )
    path = KEPT / delivery.sha256[:12] / file
    return Brought(read.stdout.apply(lambda text: _kept(path, text)), chart[1])


def _kept(path: Path, text: str) -> str:
    """Writes the chart unless it is there; returns its path."""
    content = base64.b64decode(text)
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(path)
    return str(path)
