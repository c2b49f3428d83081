"""The verbs of `sitectl upgrade`."""
# ruff: noqa: PLC0415 (as in cli.py)

import typer

from ops.app import app
from ops.flags import Flags, verb
from ops.stop import Code

upgrade = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Another version of Kubernetes.")
app.add_typer(upgrade, name="upgrade")


@verb(upgrade, "plan", example="sitectl upgrade plan -o json")
def upgrade_plan(flags: Flags) -> Code:
    """Show what pulumi up does to reach the site's version of Kubernetes: nodes in order, and what forbids it."""
    from ops import upgrade as core

    return core.plan(flags)
