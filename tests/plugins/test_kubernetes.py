"""The kubernetes stand-in's rules, each against a real API server (no nodes: Pods never start)."""

import threading
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from lab.plugins.kubernetes_provider import resources
from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster
from lab.plugins.values import UNKNOWN, Properties, Secret
from tests.plugins.conftest import Start
from tests.plugins.driver import AbortedError

NONE = provider_pb2.DiffResponse.DIFF_NONE


def named(kind: str, name: str, api_version: str = "v1", **annotations: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "default"}
    if annotations:
        metadata["annotations"] = {f"pulumi.com/{key}": text for key, text in annotations.items()}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def config_map(name: str, **data: str) -> dict[str, Any]:
    return named("ConfigMap", name) | {"data": data}


def gone(cluster: Cluster, wanted: dict[str, Any]) -> bool:
    try:
        cluster.get(wanted)
    except ApiError as error:
        return error.status == 404
    return False


def test_create_update_and_delete_by_server_side_apply(start: Start, cluster: Cluster) -> None:
    service = start("core/v1:Service")
    wanted = named("Service", "plain") | {"spec": {"ports": [{"port": 80}]}}
    inputs = service.checked(wanted)
    object_id, state = service.create(inputs)
    assert object_id == "default/plain"
    assert state["spec"]["clusterIP"].startswith("10.0.0.")
    manager = state["__fieldManager"]
    owners = cluster.get(wanted)["metadata"]["managedFields"]
    assert [(owner["manager"], owner["operation"]) for owner in owners] == [(manager, "Apply")]

    assert service.diff(state, inputs).changes == NONE
    changed = service.checked(wanted | {"spec": {"ports": [{"port": 81}]}}, inputs)
    answer = service.diff(state, changed)
    assert (list(answer.detailedDiff), list(answer.replaces)) == (["spec.ports[0].port"], [])
    state = service.update(state, changed, object_id=object_id)
    assert cluster.get(wanted)["spec"]["ports"][0]["port"] == 81
    assert state["__fieldManager"] == manager

    service.delete(state, object_id)
    assert gone(cluster, wanted)
    service.delete(state, object_id)  # what is gone already is fine


def test_what_exists_already_is_not_taken_over(start: Start, cluster: Cluster) -> None:
    cluster.apply(config_map("taken", a="theirs"), "someone", force=False)
    maps = start("core/v1:ConfigMap")
    with pytest.raises(AbortedError, match=r'not successfully created .* configmaps "taken" already exists'):
        maps.create(maps.checked(config_map("taken", a="ours")))
    adopting = start("core/v1:ConfigMap", upsertExistingObjects="true", enablePatchForce="true")
    adopting.create(adopting.checked(config_map("taken", a="ours")))
    assert cluster.get(config_map("taken"))["data"] == {"a": "ours"}


def test_a_name_is_made_up_and_kept(start: Start) -> None:
    maps = start("core/v1:ConfigMap")
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
    inputs = maps.checked(bare)
    name = inputs["metadata"]["name"]
    assert name.startswith("thing-") and len(name) == len("thing-") + 8
    assert inputs["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    _, state = maps.create(inputs)
    again = maps.checked(bare | {"data": {"a": "2"}}, inputs)
    assert again["metadata"]["name"] == name
    answer = maps.diff(state, again)
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["data"], False)  # the new one gets a new name


def test_immutable_fields_replace_and_a_named_object_goes_first(start: Start) -> None:
    maps = start("core/v1:ConfigMap")
    inputs = maps.checked(config_map("fixed", a="1"))
    _, state = maps.create(inputs)
    answer = maps.diff(state, maps.checked(config_map("fixed", a="2"), inputs))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["data"], True)
    renamed = maps.diff(state, maps.checked(config_map("other", a="1"), inputs))
    assert (list(renamed.replaces), renamed.deleteBeforeReplace) == (["metadata"], False)
    mutable = start("core/v1:ConfigMap", enableConfigMapMutable="true")
    assert list(mutable.diff(state, mutable.checked(config_map("fixed", a="2"), inputs)).replaces) == []


@pytest.mark.parametrize(
    ("token", "kind", "version", "old", "new", "replaces"),
    [
        ("batch/v1:Job", "Job", "batch/v1", {"template": {"a": 1}}, {"template": {"a": 2}}, True),
        ("batch/v1:Job", "Job", "batch/v1", {"suspend": True}, {"suspend": False}, False),
        ("apps/v1:StatefulSet", "StatefulSet", "apps/v1", {"serviceName": "a"}, {"serviceName": "b"}, True),
        ("apps/v1:Deployment", "Deployment", "apps/v1", {"replicas": 1}, {"replicas": 2}, False),
        ("core/v1:PersistentVolume", "PersistentVolume", "v1", {"nfs": {"path": "/a"}}, {"nfs": {"path": "/b"}}, True),
        ("core/v1:Pod", "Pod", "v1", {"containers": [{"image": "a"}]}, {"containers": [{"image": "b"}]}, True),
        ("core/v1:Pod", "Pod", "v1", {"tolerations": []}, {"tolerations": [{"key": "a"}]}, False),
        ("core/v1:Pod", "Pod", "v1", {}, {"containers": [{"image": "b"}]}, True),
    ],
)
def test_which_fields_replace(
    start: Start, token: str, kind: str, version: str, old: Properties, new: Properties, replaces: bool
) -> None:
    driver = start(token)
    before, after = (named(kind, "x", version) | {"spec": spec} for spec in (old, new))
    answer = driver.diff(before | {"__inputs": before}, after)
    assert bool(answer.replaces) == replaces
    assert answer.changes != NONE


def test_the_default_namespace_is_no_change(start: Start) -> None:
    maps = start("core/v1:ConfigMap")
    before, after = config_map("x"), config_map("x")
    del after["metadata"]["namespace"]
    assert maps.diff(before | {"__inputs": before}, after).changes == NONE


def test_the_providers_namespace_is_for_namespaced_kinds(start: Start) -> None:
    bare: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    assert start("core/v1:ConfigMap", namespace="other").checked(bare)["metadata"]["namespace"] == "other"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
    assert start("core/v1:Namespace", namespace="other").checked(space) == space


def test_secrets_stay_secret(start: Start) -> None:
    secrets = start("core/v1:Secret")
    wanted = named("Secret", "hidden") | {"stringData": {"a": Secret("one"), "b": "two"}}
    inputs = secrets.checked(wanted)
    assert inputs["stringData"] == {"a": Secret("one"), "b": "two"}
    _, state = secrets.create(inputs)
    assert state["data"] == {"a": Secret("b25l"), "b": "dHdv"}
    assert state["__inputs"]["stringData"]["a"] == Secret("one")
    assert secrets.diff(state, inputs).changes == NONE
    whole = secrets.checked(named("Secret", "whole") | {"data": Secret({"a": "b25l"})})
    assert secrets.create(whole)[1]["data"] == Secret({"a": "b25l"})


def test_preview_asks_the_server_and_changes_nothing(start: Start, cluster: Cluster) -> None:
    service = start("core/v1:Service")
    inputs = service.checked(named("Service", "unborn") | {"spec": {"ports": [{"port": 80}]}})
    object_id, state = service.create(inputs, preview=True)
    assert (object_id, state["spec"]["type"]) == ("", "ClusterIP")  # the server's default
    assert "status" not in state
    assert gone(cluster, named("Service", "unborn"))


def test_preview_of_what_cannot_be_asked_gives_the_inputs(start: Start) -> None:
    maps = start("core/v1:ConfigMap")
    unknown = maps.checked(named("ConfigMap", "x") | {"data": {"a": UNKNOWN}})
    assert maps.create(unknown, preview=True) == ("", unknown)
    elsewhere = maps.checked({**config_map("x", a="1"), "metadata": {"name": "x", "namespace": "not-there"}})
    assert maps.create(elsewhere, preview=True) == ("", elsewhere)
    custom = start("example.org/v1:Thing")
    strange = custom.checked(named("Thing", "x", "example.org/v1"))
    assert custom.create(strange, preview=True) == ("", strange)


def test_an_unknown_name_is_left_alone(start: Start) -> None:
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": UNKNOWN}
    assert start("core/v1:ConfigMap").checked(wanted) == wanted


def test_a_namespace_that_comes_later_is_waited_for(
    start: Start, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_RETRIES", (0.5,) * 6)
    maps = start("core/v1:ConfigMap")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}}
    threading.Timer(0.7, lambda: cluster.apply(space, "test", force=False)).start()
    inputs = maps.checked({**config_map("x", a="1"), "metadata": {"name": "x", "namespace": "later"}})
    assert maps.create(inputs)[0] == "later/x"


def test_a_kind_that_does_not_exist(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_RETRIES", (0.1,))
    custom = start("example.org/v1:Thing")
    with pytest.raises(AbortedError, match="Verify that any required CRDs have been created") as error:
        custom.create(custom.checked(named("Thing", "x", "example.org/v1")))
    assert 'no matches for kind "Thing" in version "example.org/v1"' in str(error.value)


def test_a_custom_resource_and_its_definition(start: Start, cluster: Cluster) -> None:
    definitions = start("apiextensions.k8s.io/v1:CustomResourceDefinition")
    schema: dict[str, Any] = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"}
    wanted = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    inputs = definitions.checked(wanted)
    _, state = definitions.create(inputs)
    live_schema = state["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert live_schema["x_kubernetes_preserve_unknown_fields"] is True  # spelled as the SDK does
    assert definitions.diff(state, inputs).changes == NONE
    more = {**wanted, "spec": {**wanted["spec"], "names": {**names, "shortNames": ["gd"]}}}  # type: ignore[dict-item]
    state = definitions.update(state, definitions.checked(more, inputs), object_id="gadgets.example.com")
    assert state["spec"]["names"]["shortNames"] == ["gd"]

    gadgets = start("example.com/v1:Gadget")
    thing = named("Gadget", "g", "example.com/v1", deletionPropagationPolicy="background") | {"spec": {"size": 3}}
    object_id, gadget = gadgets.create(gadgets.checked(thing))
    assert (object_id, gadget["spec"]) == ("default/g", {"size": 3})
    gadgets.delete(gadget, object_id)
    definitions.delete(state, "gadgets.example.com")
    assert gone(cluster, wanted)


def test_a_field_of_another_manager_is_a_conflict_unless_forced(start: Start, cluster: Cluster) -> None:
    maps = start("core/v1:ConfigMap", enableConfigMapMutable="true")
    inputs = maps.checked(config_map("shared", a="ours"))
    object_id, state = maps.create(inputs)
    cluster.apply(config_map("shared", a="theirs"), "someone", force=True)
    changed = maps.checked(config_map("shared", a="ours again"), inputs)
    with pytest.raises(AbortedError, match="Server-Side Apply field conflict detected") as error:
        maps.update(state, changed, object_id=object_id)
    assert error.value.partial.id == object_id  # recorded, as a failed initialization
    forced = named("ConfigMap", "shared", patchForce="true") | {"data": {"a": "ours again"}}
    maps.update(state, maps.checked(forced, inputs), object_id=object_id)
    assert cluster.get(forced)["data"] == {"a": "ours again"}


def test_a_patch_holds_its_fields_and_gives_them_up(start: Start, cluster: Cluster) -> None:
    cluster.apply(config_map("theirs", theirs="1"), "someone", force=False)
    patch = start("core/v1:ConfigMapPatch")
    inputs = patch.checked(config_map("theirs", ours="1"))
    assert patch.create(inputs, preview=True) == ("", inputs)
    object_id, state = patch.create(inputs)
    assert cluster.get(inputs)["data"] == {"theirs": "1", "ours": "1"}
    changed = patch.checked(config_map("theirs", ours="2"), inputs)
    assert list(patch.diff(state, changed).replaces) == []  # immutable or not
    state = patch.update(state, changed, object_id=object_id)
    assert cluster.get(inputs)["data"] == {"theirs": "1", "ours": "2"}
    patch.delete(state, object_id)
    assert cluster.get(inputs)["data"] == {"theirs": "1"}
    renamed = patch.diff(state, patch.checked(config_map("others", ours="2"), inputs))
    assert list(renamed.replaces) == ["metadata"]


def test_a_patch_of_what_others_hold_needs_force(start: Start, cluster: Cluster) -> None:
    cluster.apply(config_map("held", a="theirs"), "someone", force=False)
    patch = start("core/v1:ConfigMapPatch")
    with pytest.raises(AbortedError, match="field conflict"):
        patch.create(patch.checked(config_map("held", a="ours")))
    forced = named("ConfigMap", "held", patchForce="true", patchFieldManager="lab") | {"data": {"a": "ours"}}
    _, state = patch.create(patch.checked(forced))
    assert state["__fieldManager"] == "lab"
    assert cluster.get(forced)["data"] == {"a": "ours"}


def test_a_patch_needs_a_name(start: Start) -> None:
    with pytest.raises(AbortedError, match=r"patch resources require the `.metadata.name` field to be set"):
        start("core/v1:ConfigMapPatch").check({"apiVersion": "v1", "kind": "ConfigMap", "data": {}})


def test_several_operations_at_once(start: Start, cluster: Cluster) -> None:
    maps = start("core/v1:ConfigMap")
    requests = [
        provider_pb2.CreateRequest(urn=maps.urn, properties=maps.encoded(maps.checked(config_map(f"many-{i}", a="1"))))
        for i in range(20)
    ]
    maps.together("Create", requests)
    assert not any(gone(cluster, named("ConfigMap", f"many-{i}")) for i in range(20))
