"""The kinds of management.cattle.io/v3 with their documented fields; an API server refuses, or drops, all others."""

from collections.abc import Mapping
from typing import Any

from lab.kube import Body

GROUP = "management.cattle.io"
RANCHER = f"/apis/{GROUP}/v3"
"""Where the API server has their objects."""
TEXT: Body = {"type": "string"}
FLAG: Body = {"type": "boolean"}
NUMBER: Body = {"type": "integer", "format": "int64"}
TEXTS: Body = {"type": "array", "items": TEXT}
MAP: Body = {"type": "object", "additionalProperties": TEXT}
OPEN: Body = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
LIMIT_KEYS = {
    "pods": "pods",
    "services": "services",
    "replicationControllers": "replicationcontrollers",
    "secrets": "secrets",
    "configMaps": "configmaps",
    "persistentVolumeClaims": "persistentvolumeclaims",
    "servicesNodePorts": "services.nodeports",
    "servicesLoadBalancers": "services.loadbalancers",
    "requestsCpu": "requests.cpu",
    "requestsMemory": "requests.memory",
    "requestsStorage": "requests.storage",
    "limitsCpu": "limits.cpu",
    "limitsMemory": "limits.memory",
}
"""Keys of a limit, and what a ResourceQuota calls them; `extended` has more, by the names of resources."""


def _object(properties: Mapping[str, Body], *required: str) -> Body:
    return {"type": "object", "properties": dict(properties), **({"required": list(required)} if required else {})}


def _list(item: Body) -> Body:
    return {"type": "array", "items": item}


_LIMIT = _object({**dict.fromkeys(LIMIT_KEYS, TEXT), "extended": MAP})
_CONTAINER = _object(dict.fromkeys(("requestsCpu", "requestsMemory", "limitsCpu", "limitsMemory"), TEXT))
_CONDITION = _object(
    dict.fromkeys(("type", "status", "lastUpdateTime", "lastTransitionTime", "reason", "message"), TEXT),
    *("type", "status"),
)
_RULE = _object(dict.fromkeys(("apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs"), TEXTS), "verbs")
_PROJECT = {
    "spec": _object(
        {
            **dict.fromkeys(("displayName", "description", "clusterName"), TEXT),
            "resourceQuota": _object({"limit": _LIMIT, "usedLimit": _LIMIT}),
            "namespaceDefaultResourceQuota": _object({"limit": _LIMIT}),
            "containerDefaultResourceLimit": _CONTAINER,
        },
        *("displayName", "clusterName"),
    ),
    "status": _object({"conditions": _list(_CONDITION), "backingNamespace": TEXT}),
}
_USER = {
    **dict.fromkeys(("displayName", "description", "username", "password"), TEXT),
    **dict.fromkeys(("mustChangePassword", "me", "enabled"), FLAG),
    "principalIds": TEXTS,
    "spec": _object({}),
    "status": _object({"conditions": _list(_CONDITION)}),
}
_SUBJECT = ("userName", "userPrincipalName", "groupName", "groupPrincipalName")
_MEMBER = dict.fromkeys((*_SUBJECT, "projectName", "roleTemplateName", "serviceAccount"), TEXT)
_ROLE = {"displayName": TEXT, "description": TEXT, "rules": _list(_RULE), "builtin": FLAG}
_GLOBAL_ROLE = {
    **_ROLE,
    "newUserDefault": FLAG,
    "inheritedClusterRoles": TEXTS,
    "namespacedRules": {"type": "object", "additionalProperties": _list(_RULE)},
    "inheritedFleetWorkspacePermissions": _object({"resourceRules": _list(_RULE), "workspaceVerbs": TEXTS}),
    "status": OPEN,
}
_BINDING = {**dict.fromkeys(("userName", "groupPrincipalName", "globalRoleName"), TEXT), "status": OPEN}
_TEMPLATE = {
    **_ROLE,
    **dict.fromkeys(("external", "hidden", "locked", "administrative"), FLAG),
    **dict.fromkeys(("clusterCreatorDefault", "projectCreatorDefault"), FLAG),
    "externalRules": _list(_RULE),
    "context": {"type": "string", "enum": ["project", "cluster", ""]},
    "roleTemplateNames": TEXTS,
}
_SETTING = dict.fromkeys(("value", "default", "source"), TEXT) | {"customized": FLAG}
_TOKEN = {
    **dict.fromkeys(("token", "userId", "authProvider", "description", "expiresAt", "clusterName"), TEXT),
    **dict.fromkeys(("expired", "isDerived", "current"), FLAG),
    "ttl": NUMBER,
}

_KINDS: dict[str, tuple[str, bool, Body]] = {
    "Cluster": ("clusters", False, _object({"spec": OPEN, "status": OPEN})),
    "Project": ("projects", True, _object(_PROJECT)),
    "User": ("users", False, _object(_USER)),
    "GlobalRole": ("globalroles", False, _object(_GLOBAL_ROLE)),
    "GlobalRoleBinding": ("globalrolebindings", False, _object(_BINDING, "globalRoleName")),
    "RoleTemplate": ("roletemplates", False, _object(_TEMPLATE)),
    "ProjectRoleTemplateBinding": (
        *("projectroletemplatebindings", True),
        _object(_MEMBER, "projectName", "roleTemplateName"),
    ),
    "Setting": ("settings", False, _object(_SETTING)),
    "Token": ("tokens", False, _object(_TOKEN)),
}
"""Kind → its plural, whether it is in namespaces, and its schema."""


def definitions() -> list[Body]:
    """A CustomResourceDefinition of each kind."""
    return [_definition(kind, *of) for kind, of in _KINDS.items()]


def _definition(kind: str, plural: str, namespaced: bool, schema: dict[str, Any]) -> Body:
    top = {"apiVersion": TEXT, "kind": TEXT, "metadata": {"type": "object"}}
    whole = {**schema, "properties": {**top, **schema["properties"]}}
    version = {"name": "v3", "served": True, "storage": True, "schema": {"openAPIV3Schema": whole}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [version],
        },
    }
