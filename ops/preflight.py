"""What `sitectl preflight` asks of the site itself, beside what components/host/preflight.py asks of its hosts."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from components.host.preflight import ACROSS, unknown_ids
from components.host.preflight import preflight as of_hosts
from components.hostrun.report import Check, Report
from ops import render
from ops import site as sites
from ops.flags import Flags
from ops.stop import Code, Stop, code_of
from stacks.model import Site
from stacks.plan import preflight as steps
from stacks.secret_names import SECRETS, fix, secret_names, unset


def secrets(site: Site, folder: Path, hosts: Iterable[str]) -> list[Check]:
    """Does the stack have a value for each secret that the site names? None where it names none."""
    if not secret_names(site):
        return []
    missing = unset(site, folder)
    saw = [
        f"{name} has no value in the stack, and {' and '.join(keys)} want{'s' * (len(keys) == 1)} it."
        for name, keys in missing.items()
    ]
    fixes = [fix(name, keys) for name, keys in missing.items()]
    if not missing:
        return [Check(SECRETS, host, "ok") for host in hosts]
    return [Check(SECRETS, host, "failed", one, fix=how) for host in hosts for one, how in zip(saw, fixes, strict=True)]


def preflight(flags: Flags, hosts: Sequence[str], only: Sequence[str], skip: Sequence[str]) -> Code:
    """The verb. Raises Stop for a check that does not exist."""
    site = sites.load(flags)
    chosen = sites.pick(site, hosts)
    wanted = {name: steps(site, host) for name, host in chosen.items()}
    if strange := unknown_ids([*only, *skip], wanted) - {SECRETS}:
        known = sorted({step.id for of_host in wanted.values() for step in of_host} | {*ACROSS, SECRETS})
        raise Stop(Code.WRONG, [f"no such check: {', '.join(sorted(strange))}. There are: {', '.join(known)}."])
    fleet, before = sites.reach(flags, chosen)
    flags.say(f"Asking {render.plural(len(fleet.targets), 'host')} …")

    def counts(id_: str) -> bool:
        return (not only or id_ in only) and id_ not in skip

    found = asyncio.run(of_hosts(fleet, wanted, counts))
    named = secrets(site, flags.folder, list(fleet.targets)) if counts(SECRETS) else []
    answer = Report([*before, *found.checks, *named], found.facts)
    rows = [render.preflight_row(answer, name) for name in chosen]
    heads = ["HOST", "OS", "CPUS", "MEMORY", "GPU", "CLOCK", "RESULT"]
    render.report(flags, answer, heads, rows, " Nothing was changed.")
    return code_of(answer)
