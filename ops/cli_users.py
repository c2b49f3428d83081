"""The verbs of `sitectl user` and `sitectl project`. They edit the site file; `pulumi up` applies it."""
# ruff: noqa: PLC0415 (as in cli.py)

from pathlib import Path
from typing import Annotated

import typer

from ops.app import app
from ops.flags import Flags, verb
from ops.stop import Code

users = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Users: in the site file, and in the cluster.")
projects = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Projects: in the site, and in the cluster.")
app.add_typer(users, name="user")
app.add_typer(projects, name="project")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in the site file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the diff; write nothing.")]
Data = Annotated[bool, typer.Option("--data", help="Delete data too, which does not come back: asks once more.")]


@verb(users, "list", example="sitectl user list")
def user_list(flags: Flags) -> Code:
    """List users with projects, roles, days of certificates; then whom the cluster lets in and the site does not."""
    from ops import people

    return people.users(flags)


@verb(users, "add", example="sitectl user add ana --email ana@example.org --key ana.pub --project vision")
def user_add(  # noqa: PLR0913, PLR0917 (one for each flag)
    flags: Flags,
    name: Name,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Mail address.")] = None,
    uid: Annotated[int | None, typer.Option(metavar="NUMBER", help="Of the Unix account; front ends need it.")] = None,
    subject: Annotated[str | None, typer.Option(metavar="NAME", help="The user's name to the API server.")] = None,
    home: Annotated[str | None, typer.Option(metavar="FOLDER", help="Home folder on front ends.")] = None,
    key: Annotated[list[Path], typer.Option(metavar="FILE", help="Public SSH keys; can be repeated.")] = [],  # noqa: B006
    project: Annotated[list[str], typer.Option(metavar="PROJECT", help="Make a member; can be repeated.")] = [],  # noqa: B006
    own_project: Annotated[
        bool, typer.Option("--own-project", help="Add a project of the same name, with this one member.")
    ] = False,
    share: Annotated[list[str], typer.Option(metavar="SHARE", help="Let into a Samba share; can be repeated.")] = [],  # noqa: B006
    dry_run: DryRun = False,
) -> Code:
    """Add a user to the site file, or put one that is there into projects and shares. Shows the diff and asks."""
    from ops import members

    given = {"email": email, "uid": uid, "subject": subject, "keys": members.public_keys(key), "home": home}
    entry = {word: value for word, value in given.items() if value}
    return members.add_user(flags, name, entry, project, shares=share, own=own_project, dry_run=dry_run)


@verb(users, "remove", example="sitectl user remove ben && pulumi up")
def user_remove(
    flags: Flags,
    name: Name,
    project: Annotated[list[str], typer.Option(metavar="PROJECT", help="Only from this one; can be repeated.")] = [],  # noqa: B006
    dry_run: DryRun = False,
) -> Code:
    """Remove a user from the site file and from its projects. Data stays. Shows the diff and asks."""
    from ops import members

    return members.remove_user(flags, name, project, dry_run=dry_run)


@verb(users, "kubeconfig", example="sitectl user kubeconfig ana --days 14 --to ana.kubeconfig")
def user_kubeconfig(
    flags: Flags,
    name: Name,
    days: Annotated[int | None, typer.Option(metavar="N", help="Days that it is valid; 7 if nothing is said.")] = None,
    hours: Annotated[int | None, typer.Option(metavar="N", help="Hours instead of days.")] = None,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="By a certificate, though the site has an identity provider.")
    ] = False,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there, for you alone (0600).")] = None,
) -> Code:
    """Print a kubeconfig for a user: by kubernetes.oidc, else by a client certificate that ends soon, a secret."""
    from ops import site as sites
    from ops import user_kubeconfig as core

    wanted = core.seconds(days, hours, certificate=certificate)
    site = sites.load(flags)
    core.subject_of(site, name)
    return core.hand_over(flags, site, to, lambda kubectl: core.make(kubectl, site, name, wanted))


@verb(users, "purge", example="sitectl user purge ben --data")
def user_purge(
    flags: Flags,
    name: Name,
    home: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="The home folder, if the site named another than /home/NAME.")
    ] = None,
    data: Data = False,
) -> Code:
    """Show what a removed user has left: home folders, certificates. Delete the folders with --data; asks twice."""
    from ops import purge_user

    return purge_user.user(flags, name, home, data=data)


@verb(projects, "list", example="sitectl project list")
def project_list(flags: Flags) -> Code:
    """List projects with members and used quota; then namespaces that the cluster has and the site does not."""
    from ops import people

    return people.projects(flags)


@verb(projects, "add", example="sitectl project add vision --gpus 2 --cpu 8 --memory 64Gi --member ana")
def project_add(  # noqa: PLR0913, PLR0917 (one for each flag)
    flags: Flags,
    name: Name,
    gpus: Annotated[int | None, typer.Option(metavar="N", help="GPUs of all its pods together.")] = None,
    cpu: Annotated[str | None, typer.Option(metavar="CPUS", help="CPUs of all its pods together.")] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory of all its pods together: 64Gi.")] = None,
    pods: Annotated[int | None, typer.Option(metavar="N", help="How many pods.")] = None,
    storage: Annotated[str | None, typer.Option(metavar="SIZE", help="All its volume claims together: 500Gi.")] = None,
    member: Annotated[list[str], typer.Option(metavar="USER", help="A user of the site; can be repeated.")] = [],  # noqa: B006
    group: Annotated[
        list[str], typer.Option(metavar="GROUP", help="A group as the API server sees it; can be repeated.")
    ] = [],  # noqa: B006
    role: Annotated[str | None, typer.Option(metavar="ROLE", help="What members may do: edit, or view.")] = None,
    pod_security: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="restricted, baseline or privileged.")
    ] = None,
    dry_run: DryRun = False,
) -> Code:
    """Add a project to the site file. Shows the diff and asks."""
    from ops import members

    given = {"gpus": gpus, "cpu": cpu, "memory": memory, "pods": pods, "storage": storage, "members": member}
    given |= {"groups": group, "role": role, "podSecurity": pod_security}
    entry = {word: value for word, value in given.items() if value is not None and value != []}
    return members.add_project(flags, name, entry, dry_run=dry_run)


@verb(projects, "remove", example="sitectl project remove vision && pulumi up")
def project_remove(flags: Flags, name: Name, dry_run: DryRun = False) -> Code:
    """Remove a project from the site file. Data stays. Shows the diff and asks."""
    from ops import members

    return members.remove_project(flags, name, dry_run=dry_run)


@verb(projects, "purge", example="sitectl project purge vision --data")
def project_purge(flags: Flags, name: Name, data: Data = False) -> Code:
    """Delete what a removed project still has in the cluster; its data only with --data. Asks for the name."""
    from ops import purge

    return purge.project(flags, name, data=data)
