"""What the shell completes: stacks, hosts, keys, ids of checks. Reads files only; a fault completes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ops.selected import plain, selected

ROOT = Path(__file__).parents[1]


def stacks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Sites of the folder."""
    found = (file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in _folder(ctx).glob("Pulumi.*.yaml"))
    return sorted(name for name in found if name.startswith(incomplete))


def hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Hosts of the site, also where its file has faults."""
    from stacks.faults import SiteError  # noqa: PLC0415 (only here)
    from stacks.source import read_stack  # noqa: PLC0415

    stack = plain(ctx.params.get("stack") or "") or selected(_folder(ctx)) or ""
    try:
        names = read_stack(_folder(ctx) / f"Pulumi.{stack}.yaml").data.get("hosts")
    except SiteError:
        return []
    return [name for name in _expanded(names) if name.startswith(incomplete)]


def keys(incomplete: str) -> list[str]:
    """Keys of the site file, one level below what is written."""
    from ops.explain import explain  # noqa: PLC0415
    from ops.stop import Stop  # noqa: PLC0415
    from stacks.schema import stack_file  # noqa: PLC0415

    above, _, _ = incomplete.rpartition(".")
    try:
        return [row[0] for row in explain(stack_file(), above) if row[0].startswith(incomplete)]
    except Stop:
        return []


def checks(incomplete: str) -> list[str]:
    """Every check that a site's preflight may have."""
    from components.host.preflight import ACROSS  # noqa: PLC0415
    from stacks.secret_names import SECRETS  # noqa: PLC0415

    files = (file for file in (ROOT / "components").glob("**/steps/*.sh") if "\napply()" not in file.read_text())
    return sorted(id_ for id_ in {*ACROSS, SECRETS, *(file.stem for file in files)} if id_.startswith(incomplete))


def _folder(ctx: typer.Context) -> Path:
    return Path(ctx.params.get("folder") or ".")


def _expanded(names: Any) -> Iterator[str]:  # noqa: ANN401 (whatever the file has)
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException  # noqa: PLC0415

    for name in names if isinstance(names, dict) else ():
        try:
            yield from map(str, NodeSet(str(name), resolver=RESOLVER_NOGROUP))
        except NodeSetException:
            continue
