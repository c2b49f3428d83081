"""`sitectl user kubeconfig`: access to the cluster for one user, by a short-lived client certificate.

Rows: S4, X14.
"""

import base64
import io
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml import YAML

from components.kubernetes.oidc import Oidc
from ops import files, in_cluster, oidc_kubeconfig
from ops.asking import agreed
from ops.certificate import Issued, issue
from ops.flags import Flags
from ops.in_cluster import Kubectl
from ops.stop import Code, Stop
from stacks.ground import email_claims, ground
from stacks.model import Site

LEAST = 600
"""Seconds; the API server takes no shorter `expirationSeconds`."""
WEEK = 7 * 86400
LONGEST = 90
"""Days. Nothing ends a certificate before its date."""


def seconds(days: int | None, hours: int | None, *, certificate: bool, by_hours: bool = True) -> int | None:
    """The wanted validity; a week if `certificate` says no more; None if no certificate is asked for. Raises Stop.

    `by_hours`: whether the verb has --hours, too.
    """
    if days is None and hours is None:
        return WEEK if certificate else None
    if days is not None and hours is not None:
        raise Stop(Code.WRONG, ["--days and --hours: give one of them."])
    wanted = hours * 3600 if hours is not None else (days or 0) * 86400
    if not 3600 <= wanted <= LONGEST * 86400:
        least, less = ("1 hour", ", or --hours 1 and more") if by_hours else ("1 day", "")
        text = f"A certificate is valid for {least} to {LONGEST} days here, because nothing ends it before its date."
        raise Stop(Code.WRONG, [f"{text} Fix: --days 1 to --days {LONGEST}{less}."])
    return wanted


@dataclass(frozen=True)
class Made:
    """A kubeconfig; its text is a secret."""

    text: str = field(repr=False)
    remarks: Sequence[str]
    honest: str
    """What ends this access, and what does not."""


async def make(kubectl: Kubectl, site: Site, name: str, wanted: int | None) -> Made:
    """The kubeconfig of a user: with a certificate for `wanted` seconds, else by the identity provider. Raises Stop."""
    subject = subject_of(site, name)
    projects = [project for project, one in site.projects.items() if name in one.members]
    remarks = [await _remark(kubectl, subject, project) for project in projects]
    if not projects:
        remarks.append(f"{name} is in no project, so this kubeconfig opens nothing yet.")
    view = ("config", "view", "--minify", "--raw", "--flatten", "-o", "jsonpath={.clusters[0].cluster}")
    cluster = json.loads(await kubectl.run(*view))
    oidc = provider(site)
    if wanted is None and oidc:
        by_email = site.users[name].subject is None and oidc.username_claim in email_claims(site)
        remarks.append(oidc_kubeconfig.remark(oidc, name, subject, by_email=by_email))
        by, honest = oidc_kubeconfig.user(oidc), oidc_kubeconfig.HONEST
    else:
        issued = await issue(kubectl, name, subject, WEEK if wanted is None else wanted)
        by, honest = certified(issued), _of_certificate(name, subject, issued.end)
    text = kubeconfig(site, name, cluster, projects, by)
    return Made(text, [remark for remark in remarks if remark], honest)


Maker = Callable[[Kubectl], Coroutine[Any, Any, Made]]


def hand_over(flags: Flags, site: Site, to: Path | None, maker: Maker) -> Code:
    """Asks whether a file that is there may be replaced, makes the kubeconfig, delivers it with its remarks.

    Raises Stop.
    """
    if not may_write(flags, to):
        return Code.NO
    made = in_cluster.with_cluster(flags, site, maker)
    deliver(flags, to, made.text)
    for remark in made.remarks:
        flags.say(f"! {remark}")
    flags.say(made.honest)
    return Code.YES


def provider(site: Site) -> Oidc | None:
    """The site's identity provider."""
    return site.kubernetes.oidc if site.kubernetes else None


def subject_of(site: Site, name: str) -> str:
    """The user's name as the API server sees it. Raises Stop for a user that the site does not have."""
    if name not in site.users:
        raise Stop(Code.WRONG, [f"{name}: there is no such user in the site. Fix: sitectl user add {name}"])
    return ground(site).subjects[name]


async def _remark(kubectl: Kubectl, subject: str, project: str) -> str:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": subject,
            "groups": ["system:authenticated"],
            "resourceAttributes": {"namespace": project, "verb": "list", "resource": "pods"},
        },
    }
    answer = json.loads(await kubectl.run("create", "-f", "-", "-o", "json", stdin=json.dumps(review)))
    return "" if answer["status"]["allowed"] else f"{project} does not let {subject} in yet. Fix: pulumi up"


def certified(issued: Issued) -> dict[str, Any]:
    """The user of a kubeconfig whose certificate was issued."""
    return {
        "client-certificate-data": base64.b64encode(issued.certificate.encode()).decode(),
        "client-key-data": base64.b64encode(issued.key.encode()).decode(),
    }


def kubeconfig(site: Site, name: str, cluster: dict[str, Any], projects: Sequence[str], by: dict[str, Any]) -> str:
    """The file: a context for each project; the first one is current."""
    there = {key: cluster[key] for key in ("server", "certificate-authority-data")}
    user = f"{name}@{site.name}"
    contexts = [
        {"name": f"{site.name}-{project}", "context": {"cluster": site.name, "user": user, "namespace": project}}
        for project in projects
    ] or [{"name": site.name, "context": {"cluster": site.name, "user": user}}]
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = False, 1 << 20
    yaml.dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": site.name, "cluster": there}],
            "users": [{"name": user, "user": by}],
            "contexts": contexts,
            "current-context": contexts[0]["name"],
        },
        text,
    )
    return text.getvalue()


def deliver(flags: Flags, to: Path | None, text: str) -> None:
    """To stdout, or into a file that only its owner may read; an existing one is replaced once that is agreed."""
    if to is None:
        typer.echo(text, nl=False)
        return
    try:
        files.write(to, text, 0o600)
    except OSError as error:
        raise Stop(Code.NO, [f"{to} cannot be written: {error.strerror}. Fix: --to another file."]) from None
    flags.say(f"{to} is written, for you alone (0600). Hand it over on a way that nobody else reads, then delete it.")


def may_write(flags: Flags, to: Path | None) -> bool:
    """Asked before the certificate is made: whether a file that is there may be replaced. Raises Stop."""
    if to is None:
        return True
    if to.is_dir():
        raise Stop(Code.WRONG, [f"{to} is a folder. Fix: --to {to / 'kubeconfig'}"])
    if not to.parent.is_dir():
        raise Stop(Code.WRONG, [f"{to.parent} is no folder. Fix: mkdir -p {to.parent}"])
    return not to.exists() or agreed(flags, f"{to} is there. Replace it", f"{to} was not replaced.")


def _of_certificate(name: str, subject: str, ends: datetime) -> str:
    end = ends.isoformat(sep=" ", timespec="minutes").replace("+00:00", " UTC")
    text = f"The certificate of {subject} ends on {end}. Nothing can revoke it before."
    return (
        f"{text} To end its access sooner: sitectl user remove {name}, then pulumi up: it opens nothing from then on."
    )
