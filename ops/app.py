"""`sitectl` itself: its own flags, and the argument that most verbs share. The verbs are in cli.py and cli_hosts.py."""

import tomllib
from typing import Annotated

import typer

from ops import complete

app = typer.Typer(
    name="sitectl",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
Hosts = Annotated[
    list[str],
    typer.Argument(
        metavar="HOST", help="Names or ranges, gpu-[1-4]. Default: all hosts.", autocompletion=complete.hosts
    ),
]


def _version(given: bool) -> None:
    if given:
        project = tomllib.loads((complete.ROOT / "pyproject.toml").read_text())["project"]
        typer.echo(f"sitectl of {project['name']} {project['version']}")
        raise typer.Exit


@app.callback()
def everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Reads a site, checks it, and says whether it works. `pulumi up` applies it."""
