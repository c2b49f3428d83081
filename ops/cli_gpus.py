"""The verb of `sitectl` about what GPUs do now."""
# ruff: noqa: PLC0415 (as in cli.py)

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ops.app import app
from ops.complete import hosts as host_names
from ops.flags import Flags, of_site, seconds, verb
from ops.stop import Code, code_of

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="HOST",
        help="Names or ranges, gpu-[1-4], and USER@ADDRESS[:PORT] of hosts in no site. Default: all hosts.",
        autocompletion=host_names,
    ),
]
Once = Annotated[
    bool, typer.Option("--once", help="Print it once. So do -o json and a pipe; else it is live until Ctrl-C.")
]
Interval = Annotated[
    float, typer.Option(parser=seconds, metavar="DURATION", show_default="2s", help="Time between two looks.")
]
Wait = Annotated[
    float,
    typer.Option(
        parser=seconds, metavar="DURATION", show_default="10s", help="Time that nvidia-smi of a host may take."
    ),
]
KeyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Private key for USER@ADDRESS. Default: your ssh-agent.")
]
KnownHostsFile = Annotated[
    Path, typer.Option(metavar="FILE", show_default="~/.ssh/known_hosts", help="Host keys for USER@ADDRESS.")
]


@verb(app, site=False, example="sitectl top gpu-[1-4] root@10.0.0.5 --once")
def top(
    flags: Flags,
    hosts: Words = [],  # noqa: B006
    once: Once = False,
    interval: Interval = 2.0,
    wait: Wait = 10.0,
    key_file: KeyFile = None,
    known_hosts: KnownHostsFile = Path("~/.ssh/known_hosts"),
) -> Code:
    """Show what GPUs do now: use, memory, power, and whose processes and pods they run. Changes nothing."""
    import sys

    from ops import render, top_asked, top_screen
    from ops import top as core
    from ops.addresses import Login
    from ops.flags import Output

    if any("@" not in word for word in hosts) or not hosts:
        flags = of_site(flags)
    login = Login(key_file, known_hosts.expanduser())
    asked = top_asked.asked(flags, hosts, login, max(wait, 1.0))
    if flags.form is Output.TABLE and not once and sys.stdout.isatty():
        return code_of(core.report(top_screen.live(flags, asked, interval)))
    found = asyncio.run(core.once(asked))
    answer = core.report(found)
    if flags.form is Output.TABLE:
        top_screen.show(flags, found)
    elif flags.form is Output.NAME:
        render.report(flags, answer, (), ())
    else:
        render.data(flags, {**answer.as_json(flags.stack, render.now()), **core.as_json(found)})
    return code_of(answer)
