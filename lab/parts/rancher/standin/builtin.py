"""What Rancher makes when it starts: kinds, the cluster local, roles, settings, two projects, an administrator."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path

from lab.kube import CORE, CRDS, Body, Kube, KubeError
from lab.parts.rancher.standin import passwords
from lab.parts.rancher.standin.kinds import GROUP, RANCHER, definitions

SYSTEM = "cattle-system"
ADMIN_LABEL = {"authz.management.cattle.io/bootstrapping": "admin-user"}
DEFAULT_PROJECT, SYSTEM_PROJECT = (f"authz.management.cattle.io/{name}-project" for name in ("default", "system"))
SETTINGS = {
    "first-login": "true",
    "server-url": "",
    "eula-agreed": "",
    "password-min-length": "12",
    "auth-user-session-ttl-minutes": "960",
    "auth-token-max-ttl-minutes": "129600",
    "kubeconfig-default-token-ttl-minutes": "43200",
    "agent-tls-mode": "strict",
    "cacerts": "",
    "telemetry-opt": "",
    "ui-pl": "rancher",
}
"""Name → default."""
READ_ONLY = {"cacerts": "cacerts", "server-version": "server-version"}
"""Settings that nobody may set through the API."""
_LISTS = {"ro": ["get", "list", "watch"]}


def begin(kube: Kube, version: str) -> None:
    """Makes what is not there yet, and leaves what is. Raises KubeError."""
    for definition in definitions():
        kube.ensure(CRDS, definition)
    _established(kube)
    for name in ("local", passwords.NAMESPACE):
        _once(kube, f"{CORE}/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    cluster = {"displayName": "local", "internal": True}
    _once(kube, f"{RANCHER}/clusters", rancher("Cluster", "local", spec=cluster))
    for collection, role in _roles():
        kube.ensure(f"{RANCHER}/{collection}", role)
    for name, default in {**SETTINGS, "server-version": f"v{version}"}.items():
        _once(kube, f"{RANCHER}/settings", rancher("Setting", name, value="", default=default, customized=False))
    for label, display in ((DEFAULT_PROJECT, "Default"), (SYSTEM_PROJECT, "System")):
        _project(kube, label, display)
    _admin(kube)


def rancher(kind: str, name: str, **top: object) -> Body:
    """An object of Rancher's."""
    return {"apiVersion": f"{GROUP}/v3", "kind": kind, "metadata": {"name": name}, **top}


def _once(kube: Kube, collection: str, body: Body) -> None:
    if kube.get(f"{collection}/{body['metadata']['name']}") is None:
        kube.ask("POST", collection, body)


def _established(kube: Kube) -> None:
    """Waits until the API server serves each kind."""
    for definition in definitions():
        while not _served(kube, f"{RANCHER}/{definition['spec']['names']['plural']}"):
            time.sleep(0.1)


def _served(kube: Kube, collection: str) -> bool:
    try:
        return kube.get(collection) is not None
    except KubeError as error:
        if error.status not in (429, 503):  # its storage is being made
            raise
        return False


def _roles() -> Iterator[tuple[str, Body]]:
    """Collection and role, as roles.txt has them."""
    lines = (Path(__file__).parent / "roles.txt").read_text().splitlines()
    role: Body = {}
    for line in [*(line for line in lines if not line.startswith("#")), "global"]:
        if line.startswith(" "):
            role["rules"].append(_rule(*line.split()))
            continue
        if role:
            yield ("globalroles" if role["kind"] == "GlobalRole" else "roletemplates"), role
        role = _role(*line.split())


def _role(context: str, name: str = "", display: str = "", *more: str) -> Body:
    top: Body = {"displayName": display.replace("_", " "), "rules": [], "builtin": True}
    if context == "global":
        return rancher("GlobalRole", name, newUserDefault=name == "user", **top)
    top |= {"context": context, "description": "", "locked": False}
    top |= {"external": "external" in more, "hidden": "external" in more}
    return rancher("RoleTemplate", name, roleTemplateNames=list(more[1:]) if "inherits" in more else [], **top)


def _rule(group: str, resources: str, verbs: str, names: str = "") -> Body:
    rule: Body = {"apiGroups": ["" if group == "core" else group], "resources": resources.split(",")}
    named = {"resourceNames": names.split(",")} if names else {}
    return {**rule, "verbs": _LISTS.get(verbs, verbs.split(",")), **named}


def _project(kube: Kube, label: str, display: str) -> None:
    collection = f"{RANCHER}/namespaces/local/projects"
    if kube.items(collection, f"{label}=true"):
        return
    body = rancher("Project", "", spec={"displayName": display, "clusterName": "local"})
    name = f"p-{passwords.letters(5)}"
    body["metadata"] = {"name": name, "labels": {label: "true"}}
    body["status"] = {"backingNamespace": f"local-{name}"}
    kube.ask("POST", collection, body)


def _admin(kube: Kube) -> None:
    """The first administrator, with the bootstrap password, if there is no user yet."""
    marker = f"{CORE}/namespaces/{SYSTEM}/configmaps"
    if kube.get(f"{marker}/admincreated") is not None:
        return
    if not kube.items(f"{RANCHER}/users"):
        _first_user(kube)
    kube.ask("POST", marker, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "admincreated"}})


def _first_user(kube: Kube) -> None:
    password, name = _bootstrap(kube), f"user-{passwords.letters(5)}"
    user = rancher("User", name, username="admin", displayName="Default Admin", enabled=True, mustChangePassword=True)
    user["metadata"]["labels"] = ADMIN_LABEL
    user["principalIds"] = [f"local://{name}"]
    made = kube.ask("POST", f"{RANCHER}/users", user)
    kube.ask("POST", f"{CORE}/namespaces/{passwords.NAMESPACE}/secrets", passwords.secret(made, password))
    binding = rancher("GlobalRoleBinding", "", globalRoleName="admin", userName=name)
    binding["metadata"] = {"name": f"globalrolebinding-{passwords.letters(5)}", "labels": ADMIN_LABEL}
    kube.ask("POST", f"{RANCHER}/globalrolebindings", binding)


def _bootstrap(kube: Kube) -> str:
    """The bootstrap password: the chart's, or a random one that is kept in the same place."""
    secrets, name, key = f"{CORE}/namespaces/{SYSTEM}/secrets", "bootstrap-secret", "bootstrapPassword"
    kept = kube.get(f"{secrets}/{name}")
    if kept is None:
        data = {key: passwords.letters(54)}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        kept = kube.ask("POST", secrets, body)
    return base64.b64decode(kept["data"][key]).decode()
