"""When the kubernetes stand-in calls an object ready: no node runs here, so the tests write the status themselves."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.plugins.kubernetes_provider import awaits
from lab.plugins.kubernetes_provider.cluster import Cluster
from lab.plugins.values import Properties
from tests.plugins.conftest import Start
from tests.plugins.driver import AbortedError
from tests.plugins.test_kubernetes import gone, named

_POD = {"containers": [{"name": "main", "image": "nothing"}]}
_TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": _POD}


def deployment(name: str, **annotations: str) -> dict[str, Any]:
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": _TEMPLATE}
    return named("Deployment", name, "apps/v1", **annotations) | {"spec": spec}


def job(name: str) -> dict[str, Any]:
    spec = {"template": {"spec": {**_POD, "restartPolicy": "Never"}}}
    return named("Job", name, "batch/v1") | {"spec": spec}


def report(cluster: Cluster, wanted: dict[str, Any], status: dict[str, Any]) -> None:
    """Write a status, as a controller would, once the object is there."""
    kind = cluster.kind(wanted["apiVersion"], wanted["kind"])
    path = kind.path("default", wanted["metadata"]["name"])
    while gone(cluster, wanted):
        time.sleep(0.1)
    cluster.call("PATCH", f"{path}/status", {"status": status}, content_type="application/merge-patch+json")


@contextmanager
def later(cluster: Cluster, wanted: dict[str, Any], status: dict[str, Any]) -> Iterator[None]:
    """Write a status a second from now."""
    timer = threading.Timer(1.0, lambda: report(cluster, wanted, status))
    timer.start()
    yield
    timer.join()


READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def test_create_returns_when_the_pod_is_ready(start: Start, cluster: Cluster) -> None:
    pods = start("core/v1:Pod")
    wanted = named("Pod", "late") | {"spec": _POD}
    with later(cluster, wanted, READY):
        _, state = pods.create(pods.checked(wanted))
    assert state["status"]["conditions"][0]["status"] == "True"
    assert pods.engine.passing  # what is missing is said while it lasts


def test_not_ready_in_time_is_recorded_and_an_update_goes_on(start: Start, cluster: Cluster) -> None:
    pods = start("core/v1:Pod")
    wanted = named("Pod", "never", timeoutSeconds="1") | {"spec": _POD}
    inputs = pods.checked(wanted)
    with pytest.raises(AbortedError, match="failed to fully initialize or become live: timed out") as error:
        pods.create(inputs)
    assert error.value.partial.id == "default/never"
    state = {"apiVersion": "v1", "kind": "Pod", "metadata": cluster.get(wanted)["metadata"], "__inputs": inputs}
    with pytest.raises(AbortedError) as still:
        pods.read("default/never", state, inputs)
    assert still.value.partial.inputs.fields["kind"].string_value == "Pod"
    report(cluster, wanted, READY)
    pods.update(state, inputs, object_id="default/never")
    pods.read("default/never", state, inputs)


def test_custom_timeouts_come_before_the_annotation(start: Start) -> None:
    deployments = start("apps/v1:Deployment")
    begun = time.monotonic()
    with pytest.raises(AbortedError, match="live was not attained: 0/1"):
        deployments.create(deployments.checked(deployment("slow", timeoutSeconds="60")), timeout=1)
    assert time.monotonic() - begun < 20


def test_skip_await_does_not_wait(start: Start) -> None:
    deployments = start("apps/v1:Deployment")
    object_id, state = deployments.create(deployments.checked(deployment("unwaited", skipAwait="true")))
    assert object_id == "default/unwaited"
    deployments.read(object_id, state, deployments.checked(deployment("unwaited", skipAwait="true")))


def test_a_failed_job_is_not_waited_for(start: Start, cluster: Cluster) -> None:
    jobs = start("batch/v1:Job")
    now = "2026-01-01T00:00:00Z"
    failed = [
        {"type": name, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
        for name in ("FailureTarget", "Failed")
    ]
    with (
        later(cluster, job("failing"), {"startTime": now, "failed": 1, "conditions": failed}),
        pytest.raises(AbortedError, match="Job failed: BackoffLimitExceeded: too often"),
    ):
        jobs.create(jobs.checked(job("failing")))


def test_wait_for_a_condition_or_a_value(start: Start, cluster: Cluster) -> None:
    maps = start("core/v1:ConfigMap")
    wanted = named("ConfigMap", "waiting", waitFor="jsonpath={.data.b}=yes", timeoutSeconds="20") | {"data": {"a": "1"}}
    both = {**wanted, "data": {"b": "yes"}}

    def change() -> None:
        while gone(cluster, wanted):
            time.sleep(0.1)
        cluster.apply(both, "someone", force=True)

    threading.Timer(1.0, change).start()
    assert maps.create(maps.checked(wanted))[1]["data"]["b"] == "yes"
    strange = named("ConfigMap", "strange", waitFor="jsonpath={.items[*]}")
    with pytest.raises(AbortedError, match="does not know this form"):
        maps.create(maps.checked(strange))


def test_delete_waits_for_finalizers(start: Start, cluster: Cluster) -> None:
    maps = start("core/v1:ConfigMap")
    wanted = named("ConfigMap", "held-back")
    wanted["metadata"]["finalizers"] = ["example.com/hold"]
    object_id, state = maps.create(maps.checked(wanted))
    with pytest.raises(AbortedError, match="timed out waiting for 'held-back' to be deleted"):
        maps.delete(state, object_id, timeout=1)
    free: dict[str, Any] = {"metadata": {"finalizers": []}}
    path = cluster.kind("v1", "ConfigMap").path("default", "held-back")
    release = {"content_type": "application/merge-patch+json"}
    threading.Timer(1.0, lambda: cluster.call("PATCH", path, free, **release)).start()  # type: ignore[arg-type]
    maps.delete(state, object_id)
    assert gone(cluster, wanted)


_SEEN = {"generation": 2}


@pytest.mark.parametrize(
    ("live", "missing"),
    [
        ({"kind": "Deployment", "metadata": _SEEN, "spec": {}, "status": {"observedGeneration": 1}}, "generation"),
        (
            {"kind": "Deployment", "metadata": _SEEN, "spec": {"replicas": 2},
             "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}},
            "",
        ),
        (
            {"kind": "Deployment", "metadata": _SEEN, "spec": {"replicas": 2},
             "status": {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2}},
            "2/2",  # one of the old still runs
        ),
        (
            {"kind": "StatefulSet", "metadata": _SEEN, "spec": {"replicas": 1},
             "status": {"observedGeneration": 2, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"}},
            "updating",
        ),
        (
            {"kind": "DaemonSet", "metadata": _SEEN, "spec": {},
             "status": {"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2,
                        "numberReady": 1}},
            "1 of 2",
        ),
        ({"kind": "Job", "spec": {}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}, ""),
        ({"kind": "Pod", "spec": {}, "status": {"phase": "Succeeded"}}, ""),
        ({"kind": "Service", "spec": {"type": "ExternalName"}, "status": {}}, ""),
        ({"kind": "Service", "spec": {"clusterIP": "None", "selector": {"a": "b"}}, "status": {}}, ""),
        ({"kind": "Service", "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}, "IP address"),
        ({"kind": "Ingress", "spec": {}, "status": {"loadBalancer": {}}}, "hostname/IP address"),
        ({"kind": "PersistentVolume", "spec": {}, "status": {"phase": "Available"}}, ""),
        ({"kind": "PersistentVolumeClaim", "spec": {}, "status": {"phase": "Pending"}}, "Pending"),
        ({"kind": "PersistentVolumeClaim", "spec": {}, "status": {"phase": "Bound"}}, ""),
        ({"kind": "ResourceQuota", "spec": {"hard": {"cpu": "1"}}, "status": {}}, "hard limits"),
    ],
)  # fmt: skip
def test_what_counts_as_ready(cluster: Cluster, live: Properties, missing: str) -> None:
    version = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1",
               "Ingress": "networking.k8s.io/v1"}.get(live["kind"], "v1")  # fmt: skip
    whole = {"metadata": {"name": "x", "namespace": "default"}, **live, "apiVersion": version}
    rule = awaits.rule(whole)
    assert rule is not None
    said = rule.ready(cluster, whole)
    assert (missing in said) if missing else said == ""


def test_a_service_needs_a_ready_endpoint(start: Start, cluster: Cluster) -> None:
    services = start("core/v1:Service")
    wanted = named("Service", "reached", timeoutSeconds="1") | {
        "spec": {"selector": {"app": "reached"}, "ports": [{"port": 80}]}
    }
    with pytest.raises(AbortedError, match="does not target any Pods"):
        services.create(services.checked(wanted))
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "reached-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "reached"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.1.1"], "conditions": {"ready": True}}],
    }
    cluster.apply(slice_, "test", force=False)
    assert awaits._service(cluster, cluster.get(wanted)) == ""


def test_a_claim_that_waits_for_its_first_consumer(cluster: Cluster) -> None:
    late = {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"},
        "provisioner": "none", "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip
    cluster.apply(late, "test", force=False)
    claim = {"spec": {"storageClassName": "late"}, "status": {"phase": "Pending"}}
    assert awaits._claim(cluster, claim) == ""
