"""The verbs of `sitectl import`: a first site file from what another installer has. They connect to no host."""
# ruff: noqa: PLC0415 (as in cli.py)

from pathlib import Path
from typing import Annotated

import typer

from ops.app import app
from ops.flags import Flags, verb
from ops.stop import Code

imports = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="A first site file from the files of another installer."
)
app.add_typer(imports, name="import")

System = Annotated[
    str | None, typer.Option("--os", metavar="SYSTEM", help="The hosts' system, such as ubuntu-24.04 or rocky-9.")
]
Endpoint = Annotated[
    str | None, typer.Option(metavar="ADDRESS:PORT", help="Your load balancer in front of several control planes.")
]
Kubernetes = Annotated[
    str | None, typer.Option(metavar="VERSION", help="The cluster's version, in place of that of the files.")
]


@verb(imports, example="sitectl import nauta inventory config.yml -s nauta --os rocky-9")
def nauta(
    flags: Flags,
    inventory: Annotated[Path, typer.Argument(metavar="INVENTORY", help="The file that ENV_INVENTORY named.")],
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The file that ENV_CONFIG named.")],
    as_printed: Annotated[
        bool, typer.Option("--as-printed", help="Read rows as the guide prints them: broken, with a blank after =.")
    ] = False,
    direct: Annotated[
        bool, typer.Option("--direct", help="You reach the workers yourself, not through the master.")
    ] = False,
    os: System = None,
) -> Code:
    """Write a site file from Nauta's inventory and configuration; lists what each variable became. Asks no host."""
    from ops.importing import run
    from ops.importing.nauta import site_of

    draft = site_of(inventory, config, as_printed=as_printed, direct=direct)
    return run.write(flags, draft, [inventory.name, config.name], os)


@verb(imports, example="sitectl import k0sctl k0sctl.yaml -s lab --endpoint api.example.org:6443")
def k0sctl(
    flags: Flags,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="k0sctl.yaml, as k0sctl apply reads it.")],
    endpoint: Endpoint = None,
    kubernetes: Kubernetes = None,
    os: System = None,
) -> Code:
    """Write a site file from a file of k0sctl; lists what each key became. Asks no host, takes no cluster over."""
    from ops.importing import run
    from ops.importing.k0sctl import site_of

    draft = site_of(file, endpoint=endpoint, version=kubernetes)
    return run.write(flags, draft, [file.name], os)


@verb(imports, example="sitectl import kubespray inventory/mycluster -s lab --endpoint api.example.org:6443")
def kubespray(
    flags: Flags,
    inventory: Annotated[
        Path, typer.Argument(metavar="INVENTORY_DIR", help="The folder with hosts and group_vars, or its hosts file.")
    ],
    endpoint: Endpoint = None,
    kubernetes: Kubernetes = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Who logs in to hosts without ansible_user.")] = None,
    os: System = None,
) -> Code:
    """Write a site file from an inventory of Kubespray; lists what became of it. Asks no host, adopts no cluster."""
    from ops.importing import run
    from ops.importing.kubespray import site_of

    draft = site_of(inventory, endpoint=endpoint, version=kubernetes, user=user)
    return run.write(flags, draft, [inventory.name], os)
