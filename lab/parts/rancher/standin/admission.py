"""What Rancher's webhook refuses and completes, with its texts (rancher/webhook docs.md and its validators).

Left out: who may grant more than they have, and who may move namespaces between projects.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.kube import CORE, Body, Kube
from lab.parts.rancher.standin import passwords, quotas
from lab.parts.rancher.standin.builtin import SYSTEM_PROJECT
from lab.parts.rancher.standin.kinds import RANCHER
from lab.parts.rancher.standin.objects import DeniedError

_SUBJECTS = ("userName", "userPrincipalName", "groupName", "groupPrincipalName")
_FREE = {"metadata", "newUserDefault", "clusterCreatorDefault", "projectCreatorDefault", "locked", "status"}
"""What may be changed of a builtin role."""
IMMUTABLE = "field is immutable"


@dataclass(frozen=True)
class Request:
    """What the API server asks."""

    kube: Kube
    operation: str
    """CREATE, UPDATE or DELETE."""
    new: Body
    old: Body
    """Both are empty where there is none."""


def invalid(path: str, value: object, why: str) -> DeniedError:
    """As Kubernetes' field errors."""
    return DeniedError(f'{path}: Invalid value: "{value}": {why}')


def _project(ask: Request) -> None:
    if ask.operation == "DELETE":
        if ask.old["metadata"].get("labels", {}).get(SYSTEM_PROJECT) == "true":
            raise DeniedError("System Project cannot be deleted")
        return
    path, cluster = "project.spec.clusterName", ask.new["spec"]["clusterName"]
    if ask.operation == "UPDATE" and ask.old["spec"]["clusterName"] != cluster:
        raise invalid(path, cluster, IMMUTABLE)
    if ask.operation == "CREATE":
        if cluster != ask.new["metadata"]["namespace"]:
            raise invalid(path, cluster, "clusterName and project namespace must match")
        if ask.kube.get(f"{RANCHER}/clusters/{cluster}") is None:
            raise invalid(path, cluster, "cluster not found")
    quotas.check(ask.new["spec"], ask.old.get("spec", {}))
    before = ask.old.get("status", {}).get("backingNamespace")
    if before and ask.new.get("status", {}).get("backingNamespace") != before:
        raise invalid("project.status.backingNamespace", ask.new.get("status"), IMMUTABLE)


def _member(ask: Request) -> None:
    path = "projectroletemplatebinding"
    if ask.operation == "UPDATE":
        for key in ("roleTemplateName", "projectName", *_SUBJECTS):
            _unchanged(ask, path, key, settable=key in _SUBJECTS)
        if ask.old.get("serviceAccount") != ask.new.get("serviceAccount"):
            raise DeniedError(f"{path}.serviceAccount: Forbidden: update is not allowed")
        return
    user, group, account = (
        any(ask.new.get(key) for key in keys) for keys in (_SUBJECTS[:2], _SUBJECTS[2:], ("serviceAccount",))
    )
    if (user, group, account).count(True) != 1:
        kinds = "a user [userName]/[userPrincipalName] OR a group [groupName]/[groupPrincipalName]"
        raise DeniedError(f"{path}: Forbidden: binding must target only {kinds} OR a [serviceAccount]")
    _template(ask.kube, ask.new["roleTemplateName"])
    _of_project(ask, f"{path}.projectName", ask.new["projectName"])


def _template(kube: Kube, name: str) -> None:
    path = "projectroletemplatebinding.roleTemplate"
    template = kube.get(f"{RANCHER}/roletemplates/{name}")
    if template is None:
        raise DeniedError(f'roletemplates.management.cattle.io "{name}" not found')
    if template.get("locked"):
        shown = template.get("displayName")
        raise DeniedError(f"{path}: Forbidden: referenced role '{shown}' is locked and cannot be assigned")
    if template["context"] != "project":
        raise DeniedError(f'{path}.context: Unsupported value: "{template["context"]}": supported values: "project"')


def _of_project(ask: Request, path: str, name: str) -> None:
    cluster, _, project = name.partition(":")
    if not cluster or not project:
        form = "cluster.metadata.name:project.metadata.name, and both must refer to an existing object"
        raise invalid(path, name, f"projectName must be of the form {form}")
    if ask.kube.get(f"{RANCHER}/clusters/{cluster}") is None:
        raise invalid(path, name, f"specified cluster {cluster} not found")
    found = ask.kube.get(f"{RANCHER}/namespaces/{cluster}/projects/{project}")
    if found is None:
        raise invalid(path, name, f"specified project {project} not found in {cluster}")
    if ask.new["metadata"]["namespace"] != found.get("status", {}).get("backingNamespace"):
        raise invalid(path, name, "namespace of the binding must be the project's backing namespace")


def _holder(ask: Request) -> None:
    path = "globalrolebinding"
    if ask.operation == "UPDATE":
        for key in ("userName", "groupPrincipalName", "globalRoleName"):
            _unchanged(ask, path, key)
        return
    if ask.kube.get(f"{RANCHER}/globalroles/{ask.new['globalRoleName']}") is None:
        raise DeniedError(f'{path}.globalRoleName: Not found: "{ask.new["globalRoleName"]}"')
    if bool(ask.new.get("userName")) == bool(ask.new.get("groupPrincipalName")):
        both = "bindings can not set both userName and groupPrincipalName"
        raise DeniedError(
            f"{path}: {'Forbidden: ' + both if ask.new.get('userName') else 'Required value: no subject'}"
        )


def _unchanged(ask: Request, path: str, key: str, *, settable: bool = False) -> None:
    before, after = ask.old.get(key, ""), ask.new.get(key, "")
    if before != after and (before or not settable):
        raise invalid(f"{path}.{key}", after, IMMUTABLE)


def _user(ask: Request) -> None:
    before, after = ask.old.get("username", ""), ask.new.get("username", "")
    if before and before != after:
        raise invalid("user.username", after, IMMUTABLE)
    if after and not before and any(each.get("username") == after for each in ask.kube.items(f"{RANCHER}/users")):
        raise DeniedError("username already exists")


def _builtin(ask: Request) -> None:
    before, after = bool(ask.old.get("builtin")), bool(ask.new.get("builtin"))
    if ask.operation == "DELETE":
        if before:
            raise DeniedError("cannot delete builtin roles")
    elif ask.operation == "CREATE":
        if after:
            raise DeniedError("cannot create builtin roles")
    elif before != after:
        raise invalid("builtin", after, IMMUTABLE)
    elif before:
        for key in (ask.new.keys() | ask.old.keys()) - _FREE:
            _unchanged(ask, "builtin role", key)


def _complete_project(ask: Request) -> Body:
    """The backing namespace; and a name, which the namespace's comes from, where one is to be made up."""
    metadata = dict(ask.new["metadata"])
    before = ask.new.get("status", {}).get("backingNamespace")
    if ask.operation == "UPDATE":
        return {} if before else {"status": {**ask.new.get("status", {}), "backingNamespace": metadata["name"]}}
    if not metadata.get("name"):
        metadata["name"] = f"{metadata.get('generateName', 'p-')}{passwords.letters(5)}"
    backing = f"{ask.new['spec'].get('clusterName')}-{metadata['name']}".lower()
    if ask.kube.get(f"{CORE}/namespaces/{backing}") is not None:
        raise DeniedError(f"failed to create project namespace : namespace {backing} already exists")
    roles = {"authz.management.cattle.io/creator-role-bindings": "{}"}
    metadata["annotations"] = {**metadata.get("annotations", {}), **roles}
    return {"metadata": metadata, "status": {**ask.new.get("status", {}), "backingNamespace": backing}}


def _complete_holder(ask: Request) -> Body:
    role = ask.kube.get(f"{RANCHER}/globalroles/{ask.new['globalRoleName']}")
    if ask.operation == "UPDATE" or role is None:
        return {}
    owner = {"apiVersion": role["apiVersion"], "kind": "GlobalRole", **_identity(role)}
    return {"metadata": {**ask.new["metadata"], "ownerReferences": [owner]}}


def _identity(body: Body) -> Body:
    return {key: body["metadata"][key] for key in ("name", "uid")}


def _complete_password(ask: Request) -> Body:
    """The hash in place of the password."""
    name, data = ask.new["metadata"]["name"], ask.new.get("data", {})
    if ask.operation != "CREATE" or passwords.HASHED in ask.new["metadata"].get("annotations", {}):
        return {}
    user = ask.kube.get(f"{RANCHER}/users/{name}")
    if user is None:
        raise DeniedError(f'users.management.cattle.io "{name}" not found')
    password = base64.b64decode(data.get("password", "")).decode()
    if why := passwords.weak(user.get("username", ""), password, passwords.least(ask.kube)):
        raise DeniedError(why)
    made = passwords.secret(user, password)
    metadata: dict[str, Any] = {**ask.new["metadata"]}
    metadata["annotations"] = {**metadata.get("annotations", {}), **made["metadata"]["annotations"]}
    metadata["ownerReferences"] = made["metadata"]["ownerReferences"]
    return {"metadata": metadata, "data": made["data"]}


VALIDATE: dict[str, Callable[[Request], None]] = {
    "projects": _project,
    "projectroletemplatebindings": _member,
    "globalrolebindings": _holder,
    "users": _user,
    "globalroles": _builtin,
    "roletemplates": _builtin,
}
MUTATE: dict[str, Callable[[Request], Body]] = {
    "projects": _complete_project,
    "globalrolebindings": _complete_holder,
    "secrets": _complete_password,
}


def reviewed(kube: Kube, path: str, review: Body) -> Body:
    """The answer to an AdmissionReview that came to /v1/webhook/validation or /v1/webhook/mutation."""
    asked = review["request"]
    ask = Request(kube, asked["operation"], asked.get("object") or {}, asked.get("oldObject") or {})
    resource, answer = asked["resource"]["resource"], {"uid": asked["uid"], "allowed": True}
    try:
        if path.endswith("/mutation"):
            changes = MUTATE[resource](ask)
            patch = [{"op": "add", "path": f"/{key}", "value": value} for key, value in changes.items()]
            text = base64.b64encode(json.dumps(patch).encode()).decode()
            answer |= {"patchType": "JSONPatch", "patch": text} if patch else {}
        elif "deletionTimestamp" not in ask.new.get("metadata", {}):
            VALIDATE[resource](ask)
    except DeniedError as denied:
        status = {"status": "Failure", "message": str(denied), "reason": "BadRequest", "code": 400}
        answer |= {"allowed": False, "status": status}
    return {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": answer}
