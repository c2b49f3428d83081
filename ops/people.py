"""`sitectl user list` and `sitectl project list`: the site's people, and what the cluster has of them.

Rows: S4, X14, N6.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import typer

from ops import in_cluster, namespaces, render
from ops import site as sites
from ops.certificate import left, subject_and_end
from ops.flags import Flags, Output
from ops.in_cluster import Kubectl
from ops.stop import Code, Stop
from stacks.ground import ground
from stacks.model import Site


@dataclass(frozen=True)
class Live:
    """What the cluster has of projects and users."""

    phases: Mapping[str, str] = field(default_factory=dict)
    """Active or Terminating, by namespace that was made for a project."""
    quotas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Status of each one's quota: hard and used."""
    subjects: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Kind and name of everybody whom a role binding in that namespace names."""
    ends: Mapping[str, datetime] = field(default_factory=dict)
    """The last end of a certificate, by subject. The cluster forgets requests about an hour after it signed them."""
    made: Mapping[str, str] = field(default_factory=dict)
    """When each namespace of a project was made, as the API server writes times."""
    worked: Mapping[str, str] = field(default_factory=dict)
    """When the newest job or pod that a namespace still has was made."""


def users(flags: Flags) -> Code:
    """Prints the users. Raises Stop."""
    site = sites.load(flags)
    live, code = _live(flags, site)
    rows = {name: _user(site, name, subject, live) for name, subject in ground(site).subjects.items()}
    _print(
        flags,
        rows,
        ["USER", "PROJECTS", "UID", "EMAIL", "CERTIFICATE", "CREATED", "LAST JOB"],
        list(_strangers(site, live)),
    )
    return code


def projects(flags: Flags) -> Code:
    """Prints the projects. Raises Stop."""
    site = sites.load(flags)
    live, code = _live(flags, site)
    rows = {name: _project(site, name, live) for name in site.projects}
    heads = ["PROJECT", "STATE", "GPUS", "CPU", "MEMORY", "PODS", "STORAGE", "ROLE", "MEMBERS", "CREATED", "LAST JOB"]
    _print(flags, rows, heads, list(_leavings(site, live)))
    return code


def _print(flags: Flags, rows: Mapping[str, Mapping[str, str]], heads: Sequence[str], more: Sequence[str]) -> None:
    if flags.form is Output.NAME:
        typer.echo("\n".join(rows))
    elif flags.form is Output.TABLE:
        render.table(flags, heads, [[name, *row.values()] for name, row in rows.items()])
    else:
        render.data(flags, {heads[0].lower() + "s": [{"name": n, **r} for n, r in rows.items()], "besides": more})
    for line in more:
        flags.say(f"! {line}")


def _live(flags: Flags, site: Site) -> tuple[Live | None, Code]:
    """None, with why on stderr, where the cluster cannot be asked: the site's own part is shown all the same."""
    if site.kubernetes is None:
        return None, Code.YES
    try:
        return in_cluster.with_cluster(flags, site, _look), Code.YES
    except Stop as stop:
        for line in stop.lines:
            flags.say(f"? {line}")
        return None, stop.code


async def _look(kubectl: Kubectl) -> Live:
    spaces = [each for each in await kubectl.items("namespaces") if namespaces.ours(each)]
    phases = {each["metadata"]["name"]: each["status"]["phase"] for each in spaces}
    quotas, subjects, ends = {}, {name: list[tuple[str, str]]() for name in phases}, dict[str, datetime]()
    for quota in await kubectl.items("resourcequotas", "-A", "--field-selector", "metadata.name=project"):
        quotas[quota["metadata"]["namespace"]] = quota.get("status", {})
    for binding in await kubectl.items("rolebindings", "-A"):
        found = [(each["kind"], each["name"]) for each in binding.get("subjects") or ()]
        subjects.get(binding["metadata"]["namespace"], []).extend(found)
    for request in await kubectl.items("certificatesigningrequests"):
        if signed := subject_and_end(request):
            ends[signed[0]] = max(signed[1], ends.get(signed[0], signed[1]))
    made, worked = {each["metadata"]["name"]: _time(each) for each in spaces}, dict[str, str]()
    for each in await kubectl.items("jobs.batch,pods", "-A"):
        place = each["metadata"]["namespace"]
        worked[place] = max(_time(each), worked.get(place, ""))
    return Live(phases, quotas, subjects, ends, made, worked)


def _time(thing: Mapping[str, Any]) -> str:
    return str(thing["metadata"]["creationTimestamp"])


def _shown(time: str) -> str:
    """2026-03-12T08:30:45Z as people read it; it is UTC."""
    return time[:16].replace("T", " ") if time else "-"


def _user(site: Site, name: str, subject: str, live: Live | None) -> dict[str, str]:
    user = site.users[name]
    inside = [project for project, one in site.projects.items() if name in one.members]
    own = [f"{project} ({site.projects[project].role})" for project in inside]
    made = [live.made[each] for each in inside if each in live.made] if live else []
    worked = [live.worked[each] for each in inside if each in live.worked] if live else []
    return {
        "projects": ", ".join(own) or "-",
        "uid": str(user.uid or "-"),
        "email": user.email or "-",
        "certificate": left(live.ends[subject]) if live and subject in live.ends else "-",
        "created": _shown(min(made, default="")),
        "last job": _shown(max(worked, default="")),
    }


def _project(site: Site, name: str, live: Live | None) -> dict[str, str]:
    project = site.projects[name]
    phase = live.phases.get(name, "") if live else ""
    state = {"Active": "ok", "Terminating": "still ends", "": "not made" if live else "unknown"}[phase]
    quota = live.quotas.get(name, {}) if live else {}

    def used(key: str, hard: object) -> str:
        return "-" if hard is None else f"{quota.get('used', {}).get(key, '?')}/{hard}"

    return {
        "state": state,
        "gpus": used("requests.nvidia.com/gpu", project.gpus),
        "cpu": used("requests.cpu", project.cpu),
        "memory": used("requests.memory", project.memory),
        "pods": used("pods", project.pods),
        "storage": used("requests.storage", project.storage),
        "role": project.role,
        "members": ", ".join([*project.members, *project.groups]) or "-",
        "created": _shown(live.made.get(name, "") if live else ""),
        "last job": _shown(live.worked.get(name, "") if live else ""),
    }


def _strangers(site: Site, live: Live | None) -> Iterator[str]:
    """Everybody whom the cluster lets into a project and the site does not."""
    known = {subject: name for name, subject in ground(site).subjects.items()}
    for name, subjects in (live.subjects if live else {}).items():
        project = site.projects.get(name)
        groups = set(project.groups) if project else set()
        members = set(project.members) if project else set()
        for kind, subject in sorted(set(subjects)):
            inside = subject in groups if kind == "Group" else known.get(subject) in members
            if kind != "ServiceAccount" and not inside:
                see = f"On a control plane: kubectl get rolebindings -n {name} -o wide"
                yield f"{name} lets the {kind.lower()} {subject} in, and the site does not. {see}"


def _leavings(site: Site, live: Live | None) -> Iterator[str]:
    """Namespaces of projects that are not in the site any more."""
    for name, phase in (live.phases if live else {}).items():
        if name not in site.projects:
            ends = ", and is ending" if phase == "Terminating" else ""
            fix = f"Fix: sitectl project purge {name}"
            yield f"{name}: the cluster has its namespace{ends}, and the site has no such project. {fix}"
