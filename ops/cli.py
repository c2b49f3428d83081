"""The verbs of `sitectl`. Most only read; those that write say so. Only `pulumi up` applies a site."""
# ruff: noqa: PLC0415 (what is heavy is imported by the verb that needs it: sitectl --help takes 0.2 s)

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from ops import complete
from ops.app import Hosts, app
from ops.flags import Flags, Output, verb
from ops.stop import Code, Stop, code_of

__all__ = ["app"]


@verb(
    app,
    site=False,
    example="sitectl init lab cp-1=10.0.0.11 'gpu-[1-4]=10.0.0.[21-24]' --user ubuntu --control-plane cp-1",
)
def init(  # noqa: PLR0913, PLR0917 (one for each flag)
    flags: Flags,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The site's name: Pulumi.NAME.yaml.")],
    hosts: Annotated[list[str], typer.Argument(metavar="HOST=ADDRESS", help="Ranges too: gpu-[1-4]=10.0.0.[11-14].")],
    user: Annotated[
        str, typer.Option(metavar="USER", help="The user that logs in; needs sudo without a password.")
    ] = "root",
    port: Annotated[int, typer.Option(metavar="PORT", help="The hosts' SSH port.")] = 22,
    key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Private key. Default: your ssh-agent.")] = None,
    bastion: Annotated[str | None, typer.Option(metavar="USER@ADDRESS", help="A jump host for SSH.")] = None,
    control_plane: Annotated[
        list[str], typer.Option(metavar="HOST", help="Make a cluster with this control plane; repeat it for three.")
    ] = [],  # noqa: B006
    kubernetes: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The cluster's version, such as 1.34.2.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="Your load balancer in front of three control planes.")
    ] = None,
    platform: Annotated[
        list[str], typer.Option(metavar="KIND", help="Add the lines of this platform's sample site, as comments.")
    ] = [],  # noqa: B006
) -> Code:
    """Write a first site file from addresses: shows host keys, then asks the hosts for facts. Overwrites nothing."""
    from dataclasses import replace

    from ops import init as core

    login, wish = core.Login(user, port, key_file, bastion), core.Wish(control_plane, kubernetes, endpoint, platform)
    return core.init(replace(flags, stack=name), hosts, login, wish)


@verb(app, example="sitectl validate -s lab")
def validate(flags: Flags) -> Code:
    """Check the site file alone: needs no host, no login and no secret."""
    from ops import site as sites
    from ops.render import data, plural
    from stacks.checks import notes

    site = sites.load(flags)
    if flags.form is Output.NAME:
        typer.echo("\n".join(site.hosts))
    elif flags.form is not Output.TABLE:
        data(flags, {"ok": True, "site": site.name, "hosts": list(site.hosts), "notes": notes(site)})
    else:
        for note in notes(site):
            typer.echo(note)
        typer.echo(f"✓ ok: Pulumi.{flags.stack}.yaml, {plural(len(site.hosts), 'host')}. No host was asked.")
    return Code.YES


@verb(app, site=False, example="sitectl explain hosts.gpu")
def explain(
    flags: Flags,
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY", help="As in the file: hosts.gpu. Default: all at top level.", autocompletion=complete.keys
        ),
    ] = "",
) -> Code:
    """Explain a key of the site file."""
    from ops import explain as core
    from ops import render
    from stacks.schema import stack_file

    rows = core.explain(stack_file(), key)
    if flags.form is Output.NAME:
        typer.echo("\n".join(row[0] for row in rows))
    elif flags.form is Output.TABLE:
        render.table(flags, ["KEY", "TYPE", "DEFAULT", "MEANING"], rows)
    else:
        render.data(flags, [dict(zip(("key", "type", "default", "meaning"), row, strict=True)) for row in rows])
    return Code.YES


@verb(app, site=False, example="sitectl schema --to site.schema.json")
def schema(
    flags: Flags, to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there.")] = None
) -> Code:
    """Print the JSON Schema of the site file, for editors."""
    from ops.files import write
    from stacks.schema import stack_file

    text = json.dumps(stack_file(), indent=2, ensure_ascii=False) + "\n"
    if to is None:
        typer.echo(text, nl=False)
    else:
        write(to, text, 0o644)
        flags.say(f"{to} is written.")
    return Code.YES


@verb(app, example="sitectl preflight gpu-[1-4] --skip dns_resolves")
def preflight(
    flags: Flags,
    hosts: Hosts = [],  # noqa: B006 (Typer copies it)
    only: Annotated[
        list[str],
        typer.Option(metavar="ID", help="Make only this check; can be repeated.", autocompletion=complete.checks),
    ] = [],  # noqa: B006
    skip: Annotated[
        list[str],
        typer.Option(
            metavar="ID", help="Leave this check out of the answer; can be repeated.", autocompletion=complete.checks
        ),
    ] = [],  # noqa: B006
) -> Code:
    """Check on every host what must be true before the first change. Changes nothing."""
    from ops import preflight as core

    return core.preflight(flags, hosts, only, skip)


@verb(app, example="sitectl drift --record; pulumi preview --diff")
def drift(
    flags: Flags,
    hosts: Hosts = [],  # noqa: B006
    record: Annotated[
        bool, typer.Option("--record", help="Note drift in the state: preview shows it, `pulumi up` mends it.")
    ] = False,
) -> Code:
    """Check whether hosts still have what was applied; without names, the cluster too. Changes neither."""
    from components.hostrun.report import Report
    from ops import drift as core
    from ops import objects, owner, render
    from ops import site as sites

    site = sites.load(flags)
    chosen = sites.pick(site, hosts)
    fleet, before = sites.reach(flags, chosen)
    found = asyncio.run(core.drift(fleet, site.owner, owner.reader(flags)))
    inside = objects.Look([]) if hosts else objects.of_site(flags, site, fleet)
    answer = Report([*before, *found.checks, *inside.checks])
    rows = [
        [name, str(sum(check.host == name and "/" in check.id for check in found.checks)), render.by_host(answer, name)]
        for name in chosen
    ]
    render.report(flags, answer, ["HOST", "STEPS", "RESULT"], rows)
    if record:
        from ops.record import record as note
        from ops.record_objects import record_objects

        noted = [*note(found.checks, flags.stack, flags.folder), *record_objects(inside, flags.stack, flags.folder)]
        for name in noted:
            flags.say(f"{name}: the next pulumi up mends it.")
    return code_of(answer)


@verb(app, example="sitectl verify --json")
def verify(flags: Flags, hosts: Hosts = []) -> Code:  # noqa: B006
    """Check whether the site works: hosts, services, nodes, GPUs, objects in the cluster. Changes nothing."""
    from components.hostrun.report import Report
    from ops import objects, render
    from ops import site as sites
    from ops import verify as core

    site = sites.load(flags)
    chosen = sites.pick(site, hosts)
    fleet, before = sites.reach(flags, chosen)
    planes, _ = sites.reach(flags, {host.name: host for host in site.control_planes})
    flags.say(f"Asking {render.plural(len(fleet.targets), 'host')} …")
    found = asyncio.run(core.verify(site, chosen, fleet, planes))
    inside = objects.Look([]) if hosts else objects.of_site(flags, site, planes)
    answer = Report([*before, *found.checks, *inside.checks], found.facts)
    rows = [core.row(site, host, answer) for host in chosen.values()]
    render.report(flags, answer, core.HEADS, rows)
    if answer.ok and not hosts:
        flags.say(core.next_step(site))
    return code_of(answer)


@verb(app, example="sitectl facts gpu-1 -o yaml")
def facts(flags: Flags, hosts: Hosts = []) -> Code:  # noqa: B006
    """Show the hosts' facts: system, processors, memory, disks, network, GPUs. Changes nothing."""
    from components.host.preflight import look
    from components.hostrun.report import Report
    from ops import facts as core
    from ops import render
    from ops import site as sites

    chosen = sites.pick(sites.load(flags), hosts)
    fleet, before = sites.reach(flags, chosen)
    found = asyncio.run(look(fleet))
    answer = Report([*before, *found.checks], found.facts)
    if flags.form is Output.NAME:
        typer.echo("\n".join(answer.facts))
    elif flags.form is not Output.TABLE:
        render.data(flags, answer.facts)
    else:
        render.table(flags, core.HEADS, [core.row(answer, name) for name in chosen])
        for line in core.remarks(answer.facts):
            flags.say(line)
    for check in answer.untrue:
        flags.say(f"? {check}")
    return code_of(answer)


@verb(app, example="sitectl kubeconfig --to ~/.kube/lab")
def kubeconfig(
    flags: Flags,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there, for you alone (0600).")] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="One of an administrator's own, which ends.")
    ] = None,
    days: Annotated[int | None, typer.Option(metavar="N", help="With --as: days that it is valid. Default: 7.")] = None,
) -> Code:
    """Print the cluster's admin kubeconfig and nothing else. It is a secret. --as gives a person one that ends."""
    from ops import kubeconfig as core

    if name is not None or days is not None:
        return core.of_person(flags, name, days, to)
    from ops import site as sites
    from ops.files import write

    site = sites.load(flags)
    try:
        text = core.of_stack(flags.stack, flags.folder)
    except Stop as stop:
        flags.say("\n".join([*stop.lines, "Reading it from a control plane instead."]))
        fleet, _ = sites.reach(flags, {host.name: host for host in site.control_planes})
        text = asyncio.run(core.of_host(fleet))
    if to is None:
        typer.echo(text, nl=False)
    else:
        write(to, text, 0o600)
        flags.say(f"{to} is written, for you alone. It is cluster-admin: keep it so.")
    return Code.YES


@verb(app, name="files", example="sitectl files --to for-people")
def part_files(
    flags: Flags,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write them below it. Default: list their paths.")
    ] = None,
) -> Code:
    """Files for the people of the site, made from it: sample jobs, settings of their programs. They hold no secret."""
    from ops import part_files as core

    return core.deliver(flags, to)


from ops import cli_gpus, cli_hosts, cli_import, cli_registry, cli_upgrade, cli_users  # noqa: E402, F401 - their verbs come last in --help
