"""Writes the cluster's differences into the stack's state, so that `pulumi up` mends them (record.py: the hosts').

A changed field is written as it was seen, where a refresh would write it. Objects that are missing, have additions or
hold secrets are removed from the state: `pulumi up` creates them again, over what is there.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ops.found import Found
from ops.objects import KUBECONFIG, RELEASE, Look
from ops.site import pulumi
from ops.subset import Json


def record_objects(look: Look, stack: str, folder: Path) -> list[str]:
    """The names of the resources that the next up will create or update."""
    if not look.gone and not look.found and not look.renewed:
        return []
    state = json.loads(pulumi(["stack", "export"], stack, folder))
    resources = state["deployment"].get("resources") or []
    if look.gone:
        forgotten = {each["urn"] for each in resources if each["type"].startswith("kubernetes:") and each.get("custom")}
        marked = _kubeconfig(resources)
    else:
        forgotten = {each.urn for each in look.found if _created_again(each)}
        marked = _marked(resources, [each for each in look.found if each.urn not in forgotten])
        marked += _kubeconfig(resources) if look.renewed else []
    state["deployment"]["resources"] = _without(resources, forgotten)
    pulumi(["stack", "import"], stack, folder, stdin=json.dumps(state))
    return sorted(urn.rpartition("::")[2] for urn in {*forgotten, *marked})


def _created_again(found: Found) -> bool:
    return found.difference is None or found.difference.extra or found.secret


def _kubeconfig(resources: Iterable[dict[str, Any]]) -> list[str]:
    """It is read anew: the state has a former one, or that of a cluster that is gone where its host has all else."""
    urns = []
    for resource in resources:
        if (resource.get("inputs") or {}).get("create", "").endswith(KUBECONFIG):
            resource["inputs"]["create"] = resource["outputs"]["create"] = "DRIFTED it is another now"
            urns.append(resource["urn"])
    return urns


def _marked(resources: Iterable[dict[str, Any]], found: Iterable[Found]) -> list[str]:
    by_urn = {resource["urn"]: resource for resource in resources if not resource.get("delete")}
    urns = []
    for each in found:
        assert each.difference is not None  # noqa: S101 - _created_again
        resource = by_urn[each.urn]
        path, saw = each.difference.path, each.difference.saw
        if resource["type"] == RELEASE:
            path = ("version",)
        for side in ("inputs", "outputs"):
            _set(resource[side], path, saw)
        urns.append(each.urn)
    return urns


def _set(into: Json, path: tuple[str | int, ...], value: Json) -> None:
    """As seen; what was absent goes. Nothing where the path leads nowhere."""
    with suppress(KeyError, IndexError, TypeError):
        for key in path[:-1]:
            into = into[key]
        if value is None:
            del into[path[-1]]
        else:
            into[path[-1]] = value


def _without(resources: list[dict[str, Any]], urns: set[str]) -> list[dict[str, Any]]:
    """The other resources, no longer depending on the removed ones: Pulumi refuses a state with unknown names."""
    left = [resource for resource in resources if resource["urn"] not in urns]
    for resource in left:
        if "dependencies" in resource:
            resource["dependencies"] = [urn for urn in resource["dependencies"] if urn not in urns]
        for key, of in (resource.get("propertyDependencies") or {}).items():
            resource["propertyDependencies"][key] = [urn for urn in of or [] if urn not in urns]
    return left
