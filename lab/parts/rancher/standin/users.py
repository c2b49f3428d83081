"""What Rancher makes of users: their principal, and the end of everything that is theirs when they go."""

from lab.kube import CORE, Body, Kube
from lab.parts.rancher.standin import objects, passwords
from lab.parts.rancher.standin.kinds import RANCHER

USERS = f"{RANCHER}/users"
FINALIZER = "controller.cattle.io/mgmt-auth-users-controller"
MEMBERS, HOLDERS, TOKENS = (
    f"{RANCHER}/{plural}" for plural in ("projectroletemplatebindings", "globalrolebindings", "tokens")
)


def settle(kube: Kube) -> None:
    """Does it for all users. Raises KubeError."""
    for user in kube.items(USERS):
        name = user["metadata"]["name"]
        if objects.leaving(user):
            _leave(kube, name)
            objects.release(kube, f"{USERS}/{name}", user, FINALIZER)
            continue
        user = objects.hold(kube, f"{USERS}/{name}", user, FINALIZER)  # noqa: PLW2901 - the object as it is now
        if not any(each.startswith("local://") for each in user.get("principalIds", [])):
            principals = [*user.get("principalIds", []), f"local://{name}"]
            kube.ask("PATCH", f"{USERS}/{name}", {"principalIds": principals})


def _leave(kube: Kube, name: str) -> None:
    for binding in kube.items(MEMBERS):
        if binding.get("userName") == name:
            kube.remove(member_path(binding))
    for collection, key in ((HOLDERS, "userName"), (TOKENS, "userId")):
        for each in kube.items(collection):
            if each.get(key) == name:
                kube.remove(f"{collection}/{each['metadata']['name']}")
    kube.remove(f"{CORE}/namespaces/{passwords.NAMESPACE}/secrets/{name}")


def member_path(binding: Body) -> str:
    """Where a ProjectRoleTemplateBinding is."""
    metadata = binding["metadata"]
    return f"{RANCHER}/namespaces/{metadata['namespace']}/projectroletemplatebindings/{metadata['name']}"
