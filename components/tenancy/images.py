"""Where images of pods in projects may come from: what the API server itself asks of each pod. Pure.

Rows: X3, S4.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROJECT = "gpu-metal/project"
"""Label of a project's namespace."""
NAME = "gpu-metal-images"
"""Of the ValidatingAdmissionPolicy, and of its binding."""
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


BINDING: dict[str, Any] = {"policyName": NAME, "validationActions": ["Deny"]}


def _within(belongs: Mapping[str, Sequence[str]]) -> str:
    """Whether the pod's namespace is a project's own, or has one of these values."""
    found = [("labels", PROJECT, ["true"]), *(("annotations", key, values) for key, values in belongs.items())]
    return " || ".join(
        f"has(namespaceObject.metadata.{kind}) && {json.dumps(key)} in namespaceObject.metadata.{kind} && "
        f"namespaceObject.metadata.{kind}[{json.dumps(key)}] in {json.dumps(list(values))}"
        for kind, key, values in found
    )


def _of(pod: str) -> str:
    lists = (f"(has({pod}.spec.{kind}) ? {pod}.spec.{kind}.map(c, c.image) : [])" for kind in _KINDS)
    volumes = f"{pod}.spec.volumes.filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference)"
    return f"({' + '.join(lists)} + (has({pod}.spec.volumes) ? {volumes} : []))"
