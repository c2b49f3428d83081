"""What refresh and import see, against a real API server."""

from lab.plugins.kubernetes_provider.cluster import Cluster
from lab.plugins.values import Secret, plain
from tests.plugins.conftest import Start
from tests.plugins.test_kubernetes import NONE, config_map, named


def test_read_puts_drift_into_the_inputs(start: Start, cluster: Cluster) -> None:
    maps = start("core/v1:ConfigMap", enableConfigMapMutable="true")
    inputs = maps.checked(config_map("drifting", a="1", b=Secret("2")))  # type: ignore[arg-type]
    object_id, state = maps.create(inputs)
    same_id, same_state, same = maps.read(object_id, state, inputs)
    assert (same_id, same, maps.diff(same_state, inputs).changes) == (object_id, inputs, NONE)
    cluster.apply(config_map("drifting", a="drifted", b="3", c="new"), "someone", force=True)
    _, state, now = maps.read(object_id, state, inputs)
    assert now["data"] == {"a": "drifted", "b": Secret("3")}  # c is nobody's input
    assert sorted(maps.diff(state, inputs).detailedDiff) == ["data.a", "data.b"]
    cluster.delete(inputs, "Background")
    assert maps.read(object_id, state, inputs) == ("", {}, {})


def test_read_sees_no_drift_in_the_servers_own_spelling(start: Start) -> None:
    quota = start("core/v1:ResourceQuota")
    wanted = named("ResourceQuota", "spelled", skipAwait="true") | {"spec": {"hard": {"cpu": "1000m", "pods": 5}}}
    inputs = quota.checked(wanted)
    object_id, state = quota.create(inputs)
    assert state["spec"]["hard"] == {"cpu": "1", "pods": "5"}
    assert quota.diff(state, inputs).changes == NONE
    _, state, now = quota.read(object_id, state, inputs)
    assert now == inputs
    assert quota.diff(state, inputs).changes == NONE


def test_read_imports_by_id(start: Start, cluster: Cluster) -> None:
    cluster.apply(config_map("found", a="1"), "someone", force=False)
    _, state, inputs = start("core/v1:ConfigMap").read("default/found")
    assert inputs == config_map("found", a="1")
    assert plain(state)["metadata"]["uid"]
