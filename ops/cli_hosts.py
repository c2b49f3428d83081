"""The verbs of `sitectl` about whose a host is, where a run left it, and its cluster's backup."""
# ruff: noqa: PLC0415 (as in cli.py)

import asyncio
from typing import Annotated

import typer

from ops import complete
from ops.app import Hosts, app
from ops.flags import Flags, verb
from ops.stop import Code


@verb(app, example="sitectl recover && pulumi up")
def recover(
    flags: Flags,
    look: Annotated[bool, typer.Option("--look", help="Only print where each host stopped; change nothing.")] = False,
) -> Code:
    """After a run that was killed: end its processes, wait for the hosts, clear its lock and pending operations."""
    from ops import recover as core
    from ops import site as sites
    from ops import unfinished

    site = sites.load(flags)
    fleet, unasked = sites.reach(flags, dict(site.hosts))
    for check in unasked:
        if check.status == "unknown":
            flags.say(f"? {check}")
    if look:
        lines = unfinished.look(flags.stack, flags.folder, fleet)
    else:
        lines = core.recover(flags.stack, flags.folder, fleet, flags.say, site.hosts)
    nothing = "no host stopped in the middle" if look else "nothing to recover"
    typer.echo("\n".join(lines) or f"✓ ok: {nothing} in {flags.stack}. Nothing was changed.")
    return Code.YES


@verb(app, example="sitectl adopt gpu-3")
def adopt(
    flags: Flags,
    hosts: Annotated[list[str], typer.Argument(metavar="HOST…", help="Names or ranges, gpu-[1-4].")],
) -> Code:
    """Take hosts over from another stack: show what this stack would change there, ask, then change the owner only."""
    from ops import adopt as core
    from ops import site as sites

    return core.adopt(flags, sites.load(flags), hosts)


@verb(app, example="sitectl scan gpu-3")
def scan(
    flags: Flags,
    hosts: Hosts = [],  # noqa: B006
    replace: Annotated[
        bool, typer.Option("--replace", help="Also write keys that differ from the known ones.")
    ] = False,
) -> Code:
    """Show the host keys that hosts have now, and write them to known_hosts.STACK once you have compared them."""
    from ops import scan as core
    from ops import site as sites

    site = sites.load(flags, keys=False)
    all_of_them = core.addressed(site.hosts, sites.revealer(flags.stack, flags.folder))
    chosen = {name: all_of_them[name] for name in sites.named(all_of_them, hosts)}
    found = asyncio.run(core.scan(chosen, flags.parallel, flags.timeout))
    ended = core.settle(flags, site.known_hosts, found, replace=replace)
    for name in core.strangers(site.known_hosts, site.hosts.values()):
        fix = f"Fix: ssh-keygen -f {site.known_hosts} -R '{name}'"
        flags.say(f"{site.known_hosts} trusts {name}, which is no host of the site. {fix}")
    return ended


Backed = Annotated[
    list[str],
    typer.Argument(
        metavar="HOST",
        help="Names or ranges, cp-[1-3]. Default: all that have a backup.",
        autocompletion=complete.hosts,
    ),
]


@verb(app, example="sitectl backup")
def backup(flags: Flags, hosts: Backed = []) -> Code:  # noqa: B006
    """Back up now: the cluster, to where kubernetes.backup says, and databases that platforms have on hosts."""
    from components.hostrun.report import Report
    from ops import backup as core
    from ops import render
    from ops import site as sites
    from ops.stop import Stop, code_of

    site = sites.load(flags)
    wanted = {name: core.units(site, host) for name, host in sites.pick(site, hosts).items()}
    chosen = {name: site.hosts[name] for name, units in wanted.items() if units}
    if not chosen:
        fix = "Fix: write kubernetes.backup (docs/how-to/backup.md), then pulumi up; name hosts that have one."
        raise Stop(Code.WRONG, [f"The site makes no backup there. {fix}"])
    fleet, before = sites.reach(flags, chosen)
    answer = Report([*before, *asyncio.run(core.now(fleet, wanted))])
    made = {name: ", ".join(c.saw for c in answer.checks if (c.host, c.status) == (name, "ok")) for name in chosen}
    rows = [[name, made[name] or "-", render.by_host(answer, name)] for name in chosen]
    render.report(flags, answer, ["HOST", "BACKUP", "RESULT"], rows)
    return code_of(answer)
