"""What Rancher makes of projects: backing namespaces, and labels, quotas and limits of the namespaces in them."""

import json
from typing import Any

from lab.kube import CORE, Body, Kube, KubeError
from lab.parts.rancher.standin import objects
from lab.parts.rancher.standin.kinds import RANCHER
from lab.parts.rancher.standin.quantities import Limit, annotated, exceeded, hard, limit_of, plain, shown, total

PROJECT, QUOTA, STATUS = "field.cattle.io/projectId", "field.cattle.io/resourceQuota", "cattle.io/status"
CREATOR = "field.cattle.io/creatorId"
OF_DEFAULT = "resourcequota.management.cattle.io/default-resource-quota"
FINALIZER = "controller.cattle.io/mgmt-project-rbac-remove"
OF_NAMESPACE = "controller.cattle.io/namespace-auth"
VALIDATED = "ResourceQuotaValidated"
PROJECTS = f"{RANCHER}/namespaces/local/projects"
_NAMESPACES = f"{CORE}/namespaces"


def settle(kube: Kube) -> None:
    """Does it for all projects and namespaces. Raises KubeError."""
    namespaces = kube.items(_NAMESPACES)
    living: dict[str, Body] = {}
    for project in kube.items(PROJECTS):
        name = project["metadata"]["name"]
        if objects.leaving(project):
            _leave(kube, project, members(namespaces, name))
        else:
            living[name] = _back(kube, project, namespaces)
    for namespace in kube.items(_NAMESPACES):
        _namespace(kube, namespace, living)
    namespaces = kube.items(_NAMESPACES)
    for name, project in living.items():
        _quotas(kube, project, members(namespaces, name))


def members(namespaces: list[Body], project: str) -> list[Body]:
    """The namespaces of a project that are not on their way out."""
    return [each for each in namespaces if of(each) == project and not objects.leaving(each)]


def of(namespace: Body) -> str:
    """The project in a namespace's annotation; empty if there is none."""
    text = objects.annotations(namespace).get(PROJECT, "")
    cluster, _, project = text.partition(":")
    return str(project) if cluster == "local" else ""


def backing(project: Body) -> str:
    """The name of its backing namespace."""
    return str(project.get("status", {}).get("backingNamespace") or project["metadata"]["name"])


def _back(kube: Kube, project: Body, namespaces: list[Body]) -> Body:
    """Gives a project its backing namespace; returns it as it is then."""
    name = backing(project)
    project = objects.hold(kube, f"{PROJECTS}/{project['metadata']['name']}", project, FINALIZER)
    if name not in {each["metadata"]["name"] for each in namespaces}:
        metadata = {"name": name, "annotations": {"management.cattle.io/system-namespace": "true"}}
        kube.ask("POST", _NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    conditions = project.get("status", {}).get("conditions", [])
    if not any(each["type"] == "BackingNamespaceCreated" for each in conditions):
        made = [{"type": each, "status": "True"} for each in ("BackingNamespaceCreated", "InitialRolesPopulated")]
        status = {"backingNamespace": name, "conditions": [*conditions, *made]}
        return kube.ask("PATCH", f"{PROJECTS}/{project['metadata']['name']}", {"status": status})
    return project


def _leave(kube: Kube, project: Body, own: list[Body]) -> None:
    """Namespaces that Rancher's own API made go with their project; all others stay without it."""
    name = project["metadata"]["name"]
    for namespace in own:
        path = f"{_NAMESPACES}/{namespace['metadata']['name']}"
        if CREATOR in objects.annotations(namespace):
            kube.remove(path)
        else:
            kube.ask("PATCH", path, {"metadata": {"annotations": {PROJECT: None}}})
    kube.remove(f"{_NAMESPACES}/{backing(project)}")
    objects.release(kube, f"{PROJECTS}/{name}", project, FINALIZER)


def _namespace(kube: Kube, namespace: Body, projects: dict[str, Body]) -> None:
    path, project = f"{_NAMESPACES}/{namespace['metadata']['name']}", of(namespace)
    if objects.leaving(namespace):
        objects.release(kube, path, namespace, OF_NAMESPACE)
        return
    label = namespace["metadata"].get("labels", {}).get(PROJECT)
    if project in projects:
        namespace = objects.hold(kube, path, namespace, OF_NAMESPACE)
        if label != project:
            kube.ask("PATCH", path, {"metadata": {"labels": {PROJECT: project}}})
    elif label:
        if not project:
            gone: Body = {"labels": {PROJECT: None}, "annotations": {QUOTA: None, STATUS: None}}
            kube.ask("PATCH", path, {"metadata": gone})
        _default(kube, namespace, "resourcequotas", None)
        _default(kube, namespace, "limitranges", None)


def _quotas(kube: Kube, project: Body, own: list[Body]) -> None:
    spec = project["spec"]
    most, default = (spec.get(key, {}).get("limit") for key in ("resourceQuota", "namespaceDefaultResourceQuota"))
    taken: list[Limit] = []
    for namespace in sorted(own, key=_in_turn):
        if most is None or default is None:
            _without(kube, namespace)
        else:
            taken.append(_quota(kube, namespace, hard(default), hard(most), taken))
        _default(kube, namespace, "limitranges", _range(spec.get("containerDefaultResourceLimit")))
    if most is not None:
        used, before = limit_of(total(taken)), spec["resourceQuota"].get("usedLimit", {})
        if before != used:
            written = {"usedLimit": {**dict.fromkeys(before), **used}}
            path = f"{PROJECTS}/{project['metadata']['name']}"
            kube.ask("PATCH", path, {"metadata": _version(project), "spec": {"resourceQuota": written}})


def _version(body: Body) -> Body:
    return {"resourceVersion": body["metadata"]["resourceVersion"]}


def _in_turn(namespace: Body) -> tuple[bool, str]:
    """Those whose quota holds come before new ones."""
    return _validated(namespace) != "True", namespace["metadata"]["creationTimestamp"]


def _quota(kube: Kube, namespace: Body, default: Limit, most: Limit, taken: list[Limit]) -> Limit:
    """Gives a namespace its quota; returns what of the project's it takes.

    A value that the namespace has already goes before the project's default; keys are those of the default.
    """
    asked = annotated(objects.annotations(namespace).get(QUOTA)) or {}
    wanted = {key: asked.get(key, value) for key, value in default.items()}
    bad = exceeded(total([*taken, wanted]), most)
    there = kube.items(_of_default(namespace, "resourcequotas"), f"{OF_DEFAULT}=true")
    message = f"Resource quota [{shown(bad)}] exceeds project limit, or is based on negative values" if bad else ""
    _tell(kube, namespace, wanted, message)
    if bad and there:
        return {}
    given = {key: "0" if key in bad else value for key, value in wanted.items()}
    _default(kube, namespace, "resourcequotas", {"hard": given})
    return {} if bad else wanted


def _without(kube: Kube, namespace: Body) -> None:
    if QUOTA in objects.annotations(namespace):
        path = f"{_NAMESPACES}/{namespace['metadata']['name']}"
        kube.ask("PATCH", path, {"metadata": {"annotations": {QUOTA: None}}})
    _default(kube, namespace, "resourcequotas", None)


def _tell(kube: Kube, namespace: Body, limit: Limit, message: str) -> None:
    """Writes the quota and whether it fits into the namespace's annotations."""
    annotations = objects.annotations(namespace)
    conditions = [_condition("ResourceQuotaInit", True, ""), _condition(VALIDATED, not message, message)]
    wanted: dict[str, Any] = {}
    if annotated(annotations.get(QUOTA)) != limit:
        wanted[QUOTA] = json.dumps({"limit": limit_of(limit)}, separators=(",", ":"))
    status = json.dumps({"Conditions": conditions}, separators=(",", ":"))
    if annotations.get(STATUS) != status:
        wanted[STATUS] = status
    if wanted:
        kube.ask("PATCH", f"{_NAMESPACES}/{namespace['metadata']['name']}", {"metadata": {"annotations": wanted}})


def _condition(kind: str, holds: bool, message: str) -> dict[str, str]:
    return {"Type": kind, "Status": "True" if holds else "False", "Message": message, "LastUpdateTime": ""}


def _validated(namespace: Body) -> str:
    try:
        found = json.loads(objects.annotations(namespace).get(STATUS, "{}")).get("Conditions", [])
    except ValueError:
        return ""
    return next((str(each["Status"]) for each in found if each["Type"] == VALIDATED), "")


def _range(limit: Body | None) -> Body | None:
    """The LimitRange for a project's limits of containers."""
    if not limit:
        return None
    given = {name: {key: limit[f"{name}{part}"] for key, part in _PARTS if f"{name}{part}" in limit} for name in _SIDES}
    return {"limits": [{"type": "Container", "default": given["limits"], "defaultRequest": given["requests"]}]}


_SIDES = ("limits", "requests")
_PARTS = (("cpu", "Cpu"), ("memory", "Memory"))


def _of_default(namespace: Body, plural: str) -> str:
    return f"{_NAMESPACES}/{namespace['metadata']['name']}/{plural}"


def _default(kube: Kube, namespace: Body, plural: str, spec: Body | None) -> None:
    """Makes the namespace's one default object of a kind what it must be; None: there is none."""
    collection = _of_default(namespace, plural)
    there = kube.items(collection, f"{OF_DEFAULT}=true")
    if spec is None:
        for each in there:
            kube.remove(f"{collection}/{each['metadata']['name']}")
    elif not there:
        kind = {"resourcequotas": "ResourceQuota", "limitranges": "LimitRange"}[plural]
        metadata = {"generateName": "default-", "labels": {OF_DEFAULT: "true"}}
        kube.ask("POST", collection, {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})
    elif plain(there[0]["spec"]) != plain(spec):
        try:
            kube.ask("PUT", f"{collection}/{there[0]['metadata']['name']}", {**there[0], "spec": spec})
        except KubeError as error:
            if error.status != 409:
                raise
