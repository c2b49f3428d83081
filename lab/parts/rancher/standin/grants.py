"""The roles and bindings of Kubernetes that Rancher's come to: plain data, for one state of the cluster."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from lab.kube import RBAC, Body

GROUP = "rbac.authorization.k8s.io"
MADE = {"lab.gpu-metal/made-by": "stand-in-of-rancher"}
"""Label of all that is made here."""
OWNER = "authz.cluster.cattle.io/rtb-owner-updated"
_PROMOTED = {"nodes", "persistentvolumes", "storageclasses", "apiservices", "clusterrepos", "clusters"}
"""Kinds outside of namespaces: a binding in a namespace gives nothing of them, so that a cluster-wide one does."""

Wanted = dict[str, Body]
"""Objects by their path."""


@dataclass(frozen=True)
class State:
    """What there is, without what is on its way out."""

    templates: dict[str, Body]
    global_roles: list[Body]
    holders: list[Body]
    """GlobalRoleBindings."""
    members: list[Body]
    """ProjectRoleTemplateBindings."""
    projects: dict[str, tuple[str, list[str]]]
    """Name → backing namespace, and its namespaces."""


def wanted(state: State) -> Wanted:
    """All of it."""
    made = [*_global(state), *_templates(state), *_spaces(state)]
    for member in state.members:
        made += _member(state, member)
    return dict(made)


def _global(state: State) -> Iterator[tuple[str, Body]]:
    for role in state.global_roles:
        yield _role(f"cattle-globalrole-{role['metadata']['name']}", role.get("rules", []))
    for holder in state.holders:
        name, role = holder["metadata"]["name"], holder["globalRoleName"]
        subject = _subject(holder)
        yield _bound(f"cattle-globalrolebinding-{name}", f"cattle-globalrole-{role}", subject)
        if role == "admin":
            yield _bound(f"globaladmin-{subject['name']}", "cluster-admin", subject)


def _templates(state: State) -> Iterator[tuple[str, Body]]:
    for name, template in state.templates.items():
        rules = template.get("rules", [])
        if not template.get("external"):
            yield _role(name, rules)
        if template["context"] == "project":
            yield _role(f"{name}-promoted", [*_promoted(rules)])


def _promoted(rules: list[Body]) -> Iterator[Body]:
    for rule in rules:
        resources = [each for each in rule["resources"] if each in _PROMOTED]
        if rule["resources"] == ["namespaces"] and rule["verbs"] == ["create"]:
            resources = ["namespaces"]
        if resources:
            yield {**rule, "resources": resources}


def _spaces(state: State) -> Iterator[tuple[str, Body]]:
    """Of each project: who may see its namespaces, and who may change them; and who may see itself."""
    for name, (_, namespaces) in state.projects.items():
        for suffix, verb in (("readonly", "get"), ("edit", "*")):
            rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": [verb], "resourceNames": namespaces}
            yield _role(f"{name}-namespaces-{suffix}", [rule] if namespaces else [])
        rule = {"apiGroups": ["management.cattle.io"], "resources": ["projects"], "resourceNames": [name]}
        yield _role(f"{name}-projectmember", [{**rule, "verbs": ["get"]}], "local")
        yield _role(f"{name}-projectowner", [{**rule, "verbs": ["*"]}], "local")


def _member(state: State, member: Body) -> Iterator[tuple[str, Body]]:
    project = member["projectName"].partition(":")[2]
    if project not in state.projects or member["roleTemplateName"] not in state.templates:
        return
    backing, namespaces = state.projects[project]
    metadata, subject = member["metadata"], _subject(member)
    owner = {OWNER: f"{metadata['namespace']}_{metadata['name']}"}
    roles = gathered(state.templates, member["roleTemplateName"])
    own = any("own" in rule["verbs"] for role in roles for rule in state.templates[role].get("rules", []))
    yield _bound("", f"{project}-namespaces-{'edit' if own else 'readonly'}", subject, owner)
    kind = f"{project}-project{'owner' if own else 'member'}"
    yield _bound("", kind, subject, owner, "local", "Role")
    for role in roles:
        yield _bound("", f"{role}-promoted", subject, owner)
        rules = [each for each in state.templates[role].get("rules", []) if "management.cattle.io" in each["apiGroups"]]
        if rules:
            yield _role(role, rules, backing)
            yield _bound("", role, subject, owner, backing, "Role")
        for namespace in namespaces:
            yield _bound("", role, subject, owner, namespace)


def gathered(templates: dict[str, Body], name: str) -> list[str]:
    """A role template and all that it inherits."""
    found: list[str] = []
    todo = [name]
    while todo:
        each = todo.pop()
        if each in templates and each not in found:
            found.append(each)
            todo += templates[each].get("roleTemplateNames", [])
    return found


def _subject(binding: Body) -> Body:
    """Who is bound."""
    user = binding.get("userName") or binding.get("userPrincipalName", "").removeprefix("local://")
    if user:
        return {"kind": "User", "apiGroup": GROUP, "name": user}
    if account := binding.get("serviceAccount"):
        namespace, _, name = account.partition(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    group = binding.get("groupName") or binding.get("groupPrincipalName", "")
    return {"kind": "Group", "apiGroup": GROUP, "name": group}


def _place(plural: str, namespace: str) -> str:
    return f"{RBAC}/namespaces/{namespace}/{plural}" if namespace else f"{RBAC}/cluster{plural}"


def _role(name: str, rules: list[Body], namespace: str = "") -> tuple[str, Body]:
    """A ClusterRole, or a Role of a namespace."""
    kind = "Role" if namespace else "ClusterRole"
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name, "labels": MADE}, "rules": rules}
    return f"{_place('roles', namespace)}/{name}", body


def _bound(
    name: str, role: str, subject: Body, labels: Body | None = None, namespace: str = "", kind: str = "ClusterRole"
) -> tuple[str, Body]:
    """A ClusterRoleBinding, or a RoleBinding of a namespace; its name comes from what it binds, unless one is given."""
    content = f"{role}/{kind}/{subject['kind']}/{subject['name']}/{labels}".encode()
    name = name or f"{'rb' if namespace else 'crb'}-{hashlib.sha256(content).hexdigest()[:10]}"
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, "labels": {**MADE, **(labels or {})}},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
        "subjects": [subject],
    }
    return f"{_place('rolebindings', namespace)}/{name}", body
