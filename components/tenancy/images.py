"""Where images of pods in projects may come from: what the API server itself asks of each pod. Pure.

Rows: X3, S4.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROJECT = "gpu-metal/project"
"""Label of a project's namespace."""
NAME, KEPT = "gpu-metal-images", "gpu-metal-namespaces"
"""Of the ValidatingAdmissionPolicies of images, and of what keeps a namespace in that; and of their bindings."""
LISTED = "gpu-metal/registries"
"""The policy's annotation that names the registries, for the policy pack (policy/rules.py)."""
SINCE = (1, 30)
"""The first Kubernetes with admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"""

_WHOLE = (
    "variables.images.map(i, i.startsWith('sha256:') ? i : !i.contains('/') ? 'docker.io/library/' + i : "
    "i.split('/')[0].matches('[.:A-Z]') || i.startsWith('localhost/') ? i : 'docker.io/' + i)"
)
"""An image without a registry is one of docker.io, as containerd reads it; a first word with a capital letter is a
registry. One that is named by its digest alone is whatever lies on the node, of no registry.
https://github.com/distribution/reference/blob/main/normalize.go, splitDockerDomain"""
_KINDS = ("containers", "initContainers", "ephemeralContainers")


_PODS = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["pods", "pods/ephemeralcontainers"],
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What images of pods in projects may be."""

    registries: Sequence[str] = ()
    """Where they come from; none: from anywhere."""
    belongs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Annotations, by key and values, of namespaces that people make for a project by themselves: there, too."""


def policy(allowed: Allowed) -> dict[str, Any]:
    """`spec` of the policy. A pod that was there before may change in all but its images.

    A selector knows labels only, so that with annotations the policy looks at the namespace of every pod. An annotation
    is there from the first moment; a label that a controller makes of it comes later.
    """
    registries, belongs = allowed.registries, allowed.belongs
    listed = json.dumps(list(registries))
    selector = {} if belongs else {"namespaceSelector": {"matchLabels": {PROJECT: "true"}}}
    ours = [{"name": "ours", "expression": _within(belongs)}] if belongs else []
    fits = "variables.others.size() == 0"
    says = f"is of none of the site's allowedRegistries, which are {', '.join(registries)}"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {**selector, "resourceRules": [_PODS]},
        "matchConditions": [
            {"name": "images-are-new", "expression": f"oldObject == null || {_of('object')} != {_of('oldObject')}"}
        ],
        "variables": [
            *ours,
            {"name": "images", "expression": _of("object")},
            {"name": "whole", "expression": _WHOLE},
            {"name": "others", "expression": f"variables.whole.filter(i, !{listed}.exists(r, i.startsWith(r + '/')))"},
        ],
        "validations": [
            {
                "expression": f"!variables.ours || {fits}" if belongs else fits,
                "messageExpression": f"'image ' + variables.others[0] + {json.dumps(f' {says}')}",
                "reason": "Forbidden",
            }
        ],
    }


def kept(belongs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """`spec` of the policy by which only who may change the first policy takes a namespace out of it.

    The owner of a project in such a part may change the labels and annotations of its namespaces. A change of their
    subresources brings labels and annotations along, and who has all rights within a namespace has those, too.
    """
    resources = ["namespaces", "namespaces/finalize", "namespaces/status"]
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": resources}
    still = (f"(!({_has('oldObject', *each)}) || {_has('object', *each)})" for each in _marks(belongs))
    may = "authorizer.group('admissionregistration.k8s.io').resource('validatingadmissionpolicies')"
    says = "this would take the namespace out of its project, in which the site bounds images: only who may change"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [
            {
                "expression": f"{' && '.join(still)} || {may}.check('update').allowed()",
                "message": f"{says} the policy {NAME} may do that",
                "reason": "Forbidden",
            }
        ],
    }


def binding(policy: str) -> dict[str, Any]:
    """`spec` of a policy's binding."""
    return {"policyName": policy, "validationActions": ["Deny"]}


def _marks(belongs: Mapping[str, Sequence[str]]) -> list[tuple[str, str, Sequence[str]]]:
    """By what a namespace is a project's: labels or annotations, the key, and its values."""
    return [("labels", PROJECT, ["true"]), *(("annotations", key, values) for key, values in belongs.items())]


def _within(belongs: Mapping[str, Sequence[str]]) -> str:
    """Whether the pod's namespace is a project's own, or has one of these values."""
    return " || ".join(_has("namespaceObject", *each) for each in _marks(belongs))


def _has(of: str, kind: str, key: str, values: Sequence[str]) -> str:
    at, name = f"{of}.metadata.{kind}", json.dumps(key)
    return f"has({at}) && {name} in {at} && {at}[{name}] in {json.dumps(list(values))}"


def _of(pod: str) -> str:
    lists = (f"(has({pod}.spec.{kind}) ? {pod}.spec.{kind}.map(c, c.image) : [])" for kind in _KINDS)
    volumes = f"{pod}.spec.volumes.filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)"
    return f"({' + '.join(lists)} + (has({pod}.spec.volumes) ? {volumes} : []))"
