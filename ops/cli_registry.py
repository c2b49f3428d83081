"""The verbs of `sitectl registry`."""
# ruff: noqa: PLC0415 (as in cli.py)

from typing import Annotated

import typer

from ops.app import app
from ops.flags import Flags, verb
from ops.stop import Code

registry = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The site's private registry.")
app.add_typer(registry, name="registry")


@verb(registry, "list", example="sitectl registry list")
def registry_list(flags: Flags) -> Code:
    """List the images of the registry with their size and age, and how much of its disk is free."""
    from ops import registry_tags

    return registry_tags.show(flags)


@verb(registry, "clean", example="sitectl registry clean 'jobs/*' --days 30")
def registry_clean(
    flags: Flags,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE…", help="NAME:TAG, or a pattern with * and ?.")],
    days: Annotated[int, typer.Option(metavar="N", min=0, help="Only what was pushed N days ago or earlier.")] = 0,
) -> Code:
    """Delete images that people pushed, and free their space. Those of the site stay. Shows them and asks."""
    from ops import registry_tags

    return registry_tags.clean(flags, images, days)
