"""The flags that every verb has, and the frame around a verb: exit codes, and errors as lines."""

import inspect
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import complete
from ops.selected import plain, selected
from ops.stop import Code, Stop

LAB = "dev"
"""The site where none is named and none selected: the lab's, as for `make`."""


class Output(StrEnum):
    """Output formats."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def seconds(text: str | float) -> float:
    """`90s`, `5m` or `1h` in seconds. Raises typer.BadParameter."""
    if isinstance(text, float):
        return text
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text)
    if not match:
        raise typer.BadParameter(f"{text} is not a duration. Write for example 90s, 5m or 1h.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]


@dataclass(frozen=True)
class Flags:
    """The flags that every verb has."""

    stack: Annotated[
        str,
        typer.Option(
            "--stack",
            "-s",
            envvar="PULUMI_STACK",
            metavar="STACK",
            autocompletion=complete.stacks,
            show_default=f"the one that pulumi has selected here, else {LAB}",
            help="The site: Pulumi.STACK.yaml.",
        ),
    ] = ""
    folder: Annotated[Path, typer.Option("--cwd", "-C", metavar="FOLDER", help="The folder of the project.")] = Path()
    output: Annotated[Output, typer.Option("--output", "-o", metavar="|".join(Output), help="Form of the answer.")] = (
        Output.TABLE
    )
    json: Annotated[bool, typer.Option("--json", help="Short for -o json.")] = False
    parallel: Annotated[int, typer.Option("--parallel", "-p", min=1, metavar="N", help="Hosts asked at once.")] = 32
    timeout: Annotated[
        float,
        typer.Option(
            parser=seconds, metavar="DURATION", show_default="5m", help="Time limit for the whole verb: 90s, 5m, 1h."
        ),
    ] = 300.0
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors on stderr.")] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print more on stderr: traces of faults of sitectl itself.")
    ] = False
    no_color: Annotated[bool, typer.Option("--no-color", help="As NO_COLOR=1.")] = False

    @property
    def form(self) -> Output:
        """-o, or --json."""
        return Output.JSON if self.json else self.output

    def say(self, text: str) -> None:
        """To stderr, unless quiet."""
        if not self.quiet:
            typer.echo(text, err=True)


Verb = Callable[..., Code]
"""(flags, own parameters…) → how it ended."""


def verb(app: typer.Typer, name: str | None = None, *, site: bool = True, example: str = "") -> Callable[[Verb], Verb]:
    """Register a function as a verb with all common flags after its own parameters.

    A verb of a site says on its first line, on stderr, which site it means.
    """

    def register(function: Verb) -> Verb:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        common = list(inspect.signature(Flags, eval_str=True).parameters.values())
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *common)]

        def wrapper(**given: Any) -> None:  # noqa: ANN401
            flags = Flags(**{field.name: given.pop(field.name) for field in fields(Flags)})
            if site:
                flags = of_site(flags)
            raise typer.Exit(_framed(lambda: function(flags, **given), flags))

        wrapper.__doc__ = function.__doc__
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name or function.__name__, epilog=example and f"Example: {example}")(wrapper)
        return function

    return register


def of_site(flags: Flags) -> Flags:
    """The flags with the site that is meant: the named one, else that of `pulumi stack select`, as for pulumi."""
    named, chosen = plain(flags.stack), selected(flags.folder)
    flags = replace(flags, stack=named or chosen or LAB)
    why = "" if named else " (selected by pulumi)" if chosen else " (no stack is named or selected: the lab's)"
    flags.say(f"Site {flags.stack}{why}.")
    return flags


def _framed(work: Callable[[], Code], flags: Flags) -> Code:
    try:
        return work()
    except Stop as stop:
        for line in stop.lines:
            typer.echo(line, err=True)
        return stop.code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Stopped.", err=True)
        return Code.STOPPED
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as fault:
        if flags.verbose:
            traceback.print_exc(file=sys.stderr)
        typer.echo(f"sitectl: a fault of its own: {type(fault).__name__}. Fix: repeat with -v and report it.", err=True)
        return Code.OWN_FAULT
