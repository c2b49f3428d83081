"""Projects, their quotas and who may do what in them, from the site's own projects and users. Pure.

Rows: T5.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from components.gpu.pods import RESOURCE
from components.parts.part import Folder, Ground
from components.platforms.rancher import places
from components.platforms.rancher.config import Bounds, ProjectRole, ProjectShare, Rancher, UserShare
from components.tenancy.config import Project, Share

OWNER: ProjectRole = "project-owner"
_ROLES: Mapping[str, ProjectRole] = {"edit": "project-member", "view": "read-only"}


class Membership(NamedTuple):
    """A role of a user in a project."""

    project: str
    user: str
    role: ProjectRole


def user(config: Rancher, name: str) -> UserShare:
    """What the entry says of a user."""
    return config.users.get(name, UserShare())


def share(config: Rancher, project: str) -> ProjectShare:
    """What the entry says of a project."""
    return config.projects.get(project, ProjectShare())


def first_password(config: Rancher, name: str) -> str | None:
    """Name of the secret with a user's first password."""
    return user(config, name).first_password_secret or config.first_password_secret


def personal(config: Rancher, ground: Ground) -> dict[str, Project]:
    """The projects that users have for themselves, by name."""
    of = config.personal
    if of is None:
        return {}
    bounds = {"cpu": of.cpu, "memory": of.memory, "gpus": of.gpus, "pods": of.pods, "storage": of.storage}
    return {name: Project(**bounds, members=(name,)) for name in ground.users if name not in ground.projects}


def projects(config: Rancher, ground: Ground) -> dict[str, Project]:
    """All projects, by name."""
    return {**ground.projects, **personal(config, ground)}


def belongs(config: Rancher, ground: Ground) -> dict[str, list[str]]:
    """How a namespace that people make in Rancher says whose it is: only who manages the project may write it."""
    return {places.PROJECT: [places.project_id(name) for name in projects(config, ground)]}


def folders(config: Rancher, ground: Ground) -> list[Folder]:
    """Of each project's volume: of the user whose own project it is; or, of several people, as open as /tmp."""
    of, own = config.volumes, personal(config, ground)
    found = []
    for name in projects(config, ground) if of else ():
        uid = ground.users[name].uid if name in own else 0
        if of and uid is not None:
            path, mode = f"{of.path.rstrip('/')}/{name}", "0700" if name in own else "1777"
            found.append(Folder(str(of.server), path, f"{uid}:{uid}", mode))
    return found


def memberships(config: Rancher, ground: Ground) -> Iterator[Membership]:
    """Who may do what. Groups are the API server's: Rancher's own users are in none."""
    own = personal(config, ground)
    for name, of in projects(config, ground).items():
        role = OWNER if name in own else share(config, name).role or _ROLES[of.role]
        for member in of.members:
            if member in ground.users:
                yield Membership(name, member, role)


def limit(of: Project | Bounds) -> dict[str, Any]:
    """A quota as Rancher has it: https://ranchermanager.docs.rancher.com, ResourceQuotaLimit."""
    pairs = {
        "requestsCpu": of.cpu,
        "limitsCpu": of.cpu,
        "requestsMemory": of.memory,
        "limitsMemory": of.memory,
        "requestsStorage": of.storage,
        "pods": None if of.pods is None else str(of.pods),
    }
    extended = {} if of.gpus is None else {"extended": {f"requests.{RESOURCE}": str(of.gpus)}}
    return {**{key: value for key, value in pairs.items() if value is not None}, **extended}


def namespace_limit(config: Rancher, name: str, of: Project) -> dict[str, Any]:
    """What of a project's quota its namespace gets: each key of it, as Rancher asks."""
    return {**limit(of), **limit(share(config, name).namespace)}


def spec(config: Rancher, name: str, of: Project) -> dict[str, Any]:
    """`spec` of a Project."""
    return {
        "clusterName": places.CLUSTER,
        "displayName": name,
        "resourceQuota": {"limit": limit(of)},
        "namespaceDefaultResourceQuota": {"limit": namespace_limit(config, name, of)},
    }


def shares(config: Rancher, ground: Ground) -> Mapping[str, Share]:
    """What the namespaces of the site's projects have: by it, Rancher puts each into its project."""
    return {name: _share(config, name, of) for name, of in ground.projects.items()}


def personal_shares(config: Rancher, ground: Ground) -> Mapping[str, Share]:
    """The same of the users' own."""
    return {name: _share(config, name, of) for name, of in personal(config, ground).items()}


def _share(config: Rancher, name: str, of: Project) -> Share:
    quota = json.dumps({"limit": namespace_limit(config, name, of)}, sort_keys=True, separators=(",", ":"))
    return Share(of.gpus, annotations={places.PROJECT: places.project_id(name), places.QUOTA: quota})
