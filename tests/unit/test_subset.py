"""An object held against its inputs. Does not prove: what an API server fills in; tests/lab/test_site.py does."""

from typing import Any

import pytest

from ops.subset import differences, shown

QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "project", "labels": {"a": "1"}, "annotations": {"pulumi.com/patchForce": "true"}},
    "spec": {"hard": {"requests.cpu": "8", "limits.memory": "16Gi", "pods": "100"}},
}
POLICY: dict[str, Any] = {
    "kind": "NetworkPolicy",
    "metadata": {"name": "project"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]},
}


def fields(inputs: dict[str, Any], live: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Field → what was seen and wanted."""
    return {each.field: (shown(each.saw), shown(each.want)) for each in differences(inputs, live)}


def test_what_the_api_server_adds_or_writes_otherwise_is_no_difference() -> None:
    live = {
        **QUOTA,
        "metadata": {**QUOTA["metadata"], "uid": "1", "labels": {"a": "1", "theirs": "2"}, "annotations": {"x": "y"}},  # type: ignore[dict-item]
        "spec": {"hard": {"requests.cpu": "8000m", "limits.memory": "17179869184", "pods": 100}, "scopes": ["x"]},
        "status": {"used": {}},
    }
    assert fields(QUOTA, live) == {}
    assert fields(POLICY, {**POLICY, "spec": {**POLICY["spec"], "podSelector": None}}) == {}


@pytest.mark.parametrize(
    ("hard", "seen"),
    [
        ({"requests.cpu": "80", "limits.memory": "16Gi", "pods": "100"}, {"spec.hard.requests.cpu": ("80", "8")}),
        ({"requests.cpu": "8", "limits.memory": "16G", "pods": "100"}, {"spec.hard.limits.memory": ("16G", "16Gi")}),
        ({"requests.cpu": "8", "limits.memory": "16Gi"}, {"spec.hard.pods": ("absent", "100")}),
    ],
)
def test_each_changed_field_is_named(hard: dict[str, str], seen: dict[str, tuple[str, str]]) -> None:
    assert fields(QUOTA, {**QUOTA, "spec": {"hard": hard}}) == seen


def test_a_label_of_ours_that_is_gone_is_named() -> None:
    assert fields(QUOTA, {**QUOTA, "metadata": {"name": "project"}}) == {"metadata.labels.a": ("absent", "1")}


def test_who_opens_a_network_policy_by_one_more_key_is_seen() -> None:
    """`from` with a podSelector alone is this namespace; with an empty namespaceSelector beside it, all of them."""
    peer: dict[str, Any] = {"podSelector": {}, "namespaceSelector": {}}
    live = {**POLICY, "spec": {**POLICY["spec"], "ingress": [{"from": [peer]}]}}
    assert fields(POLICY, live) == {"spec.ingress[0].from[0].namespaceSelector": ("{}", "absent")}
    assert set(fields(POLICY, {**POLICY, "spec": {**POLICY["spec"], "ingress": [{}]}})) == {"spec.ingress[0].from"}


def test_a_subject_that_somebody_added_is_seen() -> None:
    ana, eve = ({"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"} for name in ("ana", "eve"))
    inputs = {"kind": "RoleBinding", "metadata": {"name": "project"}, "subjects": [ana]}
    assert set(fields(inputs, {**inputs, "subjects": [ana, eve]})) == {"subjects"}


def test_a_secrets_text_is_compared_as_the_api_server_keeps_it() -> None:
    inputs = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "value"}}
    assert fields(inputs, {"metadata": {}, "data": {"key": "dmFsdWU="}}) == {}
    assert set(fields(inputs, {"metadata": {}, "data": {"key": "b3RoZXI="}})) == {"data.key"}
