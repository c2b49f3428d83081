"""Makes of roles and bindings of Rancher those of Kubernetes, and removes what none of them has any more."""

from lab.kube import CORE, RBAC, Body, Kube, KubeError, within
from lab.parts.rancher.standin import grants, objects, projects, users
from lab.parts.rancher.standin.kinds import RANCHER

OF_MEMBER, OF_HOLDER = (f"controller.cattle.io/mgmt-auth-{name}-controller" for name in ("prtb", "grb"))
_LABEL = next(f"{key}={value}" for key, value in grants.MADE.items())
_PLURALS = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")


def settle(kube: Kube) -> None:
    """Does it for all of them. Raises KubeError."""
    members, holders = kube.items(users.MEMBERS), kube.items(users.HOLDERS)
    members = [_held(kube, users.member_path(each), each, OF_MEMBER) for each in members]
    holders = [_held(kube, f"{users.HOLDERS}/{each['metadata']['name']}", each, OF_HOLDER) for each in holders]
    _principals(kube, members)
    _apply(kube, grants.wanted(_state(kube, members, holders)))
    for member in filter(objects.leaving, members):
        objects.release(kube, users.member_path(member), member, OF_MEMBER)
    for holder in filter(objects.leaving, holders):
        objects.release(kube, f"{users.HOLDERS}/{holder['metadata']['name']}", holder, OF_HOLDER)


def _held(kube: Kube, path: str, body: Body, finalizer: str) -> Body:
    return body if objects.leaving(body) else objects.hold(kube, path, body, finalizer)


def _principals(kube: Kube, members: list[Body]) -> None:
    """Writes the principal beside the user's name."""
    for member in members:
        name = member.get("userName")
        if name and not member.get("userPrincipalName") and not objects.leaving(member):
            user = kube.get(f"{users.USERS}/{name}")
            principal = next(iter((user or {}).get("principalIds", [])), "")
            if principal:
                kube.ask("PATCH", users.member_path(member), {"userPrincipalName": principal})


def _state(kube: Kube, members: list[Body], holders: list[Body]) -> grants.State:
    namespaces = [each for each in kube.items(f"{CORE}/namespaces") if not objects.leaving(each)]
    there = {each["metadata"]["name"] for each in namespaces}
    living = [each for each in kube.items(projects.PROJECTS) if not objects.leaving(each)]
    return grants.State(
        {each["metadata"]["name"]: each for each in kube.items(f"{RANCHER}/roletemplates")},
        kube.items(f"{RANCHER}/globalroles"),
        [each for each in holders if not objects.leaving(each)],
        [each for each in members if not objects.leaving(each)],
        {
            each["metadata"]["name"]: (projects.backing(each), _own(namespaces, each["metadata"]["name"]))
            for each in living
            if projects.backing(each) in there
        },
    )


def _own(namespaces: list[Body], project: str) -> list[str]:
    return sorted(each["metadata"]["name"] for each in projects.members(namespaces, project))


def _apply(kube: Kube, wanted: grants.Wanted) -> None:
    there = {_path(plural, each): each for plural in _PLURALS for each in kube.items(f"{RBAC}/{plural}", _LABEL)}
    for path in there.keys() - wanted.keys():
        kube.remove(path)
    for path, body in wanted.items():
        if path not in there:
            _make(kube, path, body)
        elif body.get("roleRef") != there[path].get("roleRef"):  # which nobody may change
            kube.remove(path)
            _make(kube, path, body)
        elif not within(body, there[path]):
            kube.ask("PATCH", path, body)


def _make(kube: Kube, path: str, body: Body) -> None:
    try:
        kube.ask("POST", path.rpartition("/")[0], body)
    except KubeError as error:
        if error.status != 409:  # somebody else's object of that name, such as a role of the site's own
            raise


def _path(plural: str, body: Body) -> str:
    metadata = body["metadata"]
    space = f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{RBAC}/{space}{plural}/{metadata['name']}"
