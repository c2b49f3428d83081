"""Which cluster of the control plane is the site's, and whether it is connected.

Does not prove: that the documented calls are those of a real control plane.
"""

from typing import Any

import pytest

from components.hostrun import ssh
from components.hostrun.ssh import Result
from components.hostrun.target import Target
from components.platforms.runai import clusters
from components.platforms.runai.api import RunaiApi
from components.platforms.runai.clusters import ClusterKind, ConnectedKind
from components.rest.error import RestError
from components.rest.kind import ensure, holds
from components.rest.retry import Patience
from tests.parts.runai.unit.control_plane import release
from tests.parts.runai.unit.world import CLUSTER, World


def registered(world: World, name: str, domain: str = CLUSTER["domain"]) -> str:
    return ensure(ClusterKind(), world.client(), {**CLUSTER, "name": name, "domain": domain}, {}).id


def test_a_pinned_uid_comes_first(world: World) -> None:
    other, same = registered(world, "other"), registered(world, "site")
    assert ensure(ClusterKind(), world.client(), {**CLUSTER, "uid": other, "name": "other"}, {}).id == other
    assert ensure(ClusterKind(), world.client(), CLUSTER, {}).id == same


def test_the_installed_release_comes_before_the_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old = registered(world, "old-name")
    registered(world, "other")
    monkeypatch.setattr(clusters, "installed_uid", lambda _: old)
    assert ensure(ClusterKind(), world.client(), CLUSTER, {}).id == old
    assert world.there.of["clusters"][old]["name"] == "site"


@pytest.mark.parametrize(("pinned", "who"), [(True, "the site pins uid"), (False, "the release runai-cluster in")])
def test_a_uid_of_another_cluster_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, pinned: bool, who: str
) -> None:
    theirs = registered(world, "theirs", "https://other.example")
    monkeypatch.setattr(clusters, "installed_uid", lambda _: theirs)
    want = {**CLUSTER, **({"uid": theirs} if pinned else {})}
    with pytest.raises(RestError) as caught:
        ensure(ClusterKind(), world.client(), want, {})
    assert who in str(caught.value)
    assert 'which is cluster "theirs" of other.example, not of ai.site.example. Fix: write' in str(caught.value)
    assert len(world.there.of["clusters"]) == 1


def test_a_uid_that_nobody_knows_is_refused(world: World) -> None:
    with pytest.raises(RestError, match=r"the site pins uid none-such, which api\.site\.example does not know"):
        ensure(ClusterKind(), world.client(), {**CLUSTER, "uid": "none-such"}, {})
    assert world.there.of["clusters"] == {}


@pytest.mark.parametrize("version", ["3.0.0", "2.25.0"])
def test_another_version_gets_its_own_secret(world: World, version: str) -> None:
    made = ensure(ClusterKind(), world.client(), CLUSTER, {})
    want = {**CLUSTER, "version": version}
    seen = ClusterKind().update(world.client(), made.id, want, {}, {})
    assert seen.id == made.id
    assert seen.outputs["secret"] != made.outputs["secret"]


@pytest.mark.parametrize("change", [{"domain": "https://new.example"}, {"uid": "uid-other"}])
def test_what_would_lose_all_projects_is_refused(world: World, change: dict[str, str]) -> None:
    made = ensure(ClusterKind(), world.client(), CLUSTER, {})
    with pytest.raises(RestError, match="take the platform out of the site before you add it again"):
        ClusterKind().update(world.client(), made.id, {**CLUSTER, **change}, {}, {})


def test_the_release_is_asked_of_the_first_control_plane_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = tuple(Target(name, "127.0.0.1", 9, "root", "ssh-ed25519 AAAA") for name in ("cp-1", "cp-2"))
    answers = {"cp-1": Result(1, "", "no API server"), "cp-2": Result(0, release("uid-7"), "")}

    async def run(target: Target, *_: Any, **__: Any) -> Result:
        return answers[target.name]

    monkeypatch.setattr(ssh, "run", run)
    assert clusters.installed_uid(planes) == "uid-7"
    answers["cp-2"] = Result(0, '{"items": []}', "")
    assert clusters.installed_uid(planes) is None
    assert clusters.installed_uid(()) is None
    answers["cp-2"] = answers["cp-1"]
    with pytest.raises(RestError, match=r"cp-1: no API server; cp-2: no API server\. Fix: bring a"):
        clusters.installed_uid(planes)


def connection(world: World) -> dict[str, Any]:
    uid = str(world.want(ConnectedKind, {})["cluster"])
    return {"cluster": uid, "version": "3.0.0", "limit": 30, "state": "Connected"}


def test_it_ends_when_the_cluster_is_connected(world: World) -> None:
    world.there.state = "WaitingToConnect"
    want = connection(world)
    cluster = world.there.of["clusters"][want["cluster"]]

    def later(seconds: float) -> None:
        world.sleep(seconds)
        if world.now > 10:
            cluster["status"] = {"state": "Connected"}

    client = RunaiApi(world.server.access(), Patience(60, lambda: world.now, later))
    assert ensure(ConnectedKind(), client, want, {}).id == want["cluster"]
    assert 10 < world.now <= 15


def test_what_is_missing_is_named(world: World) -> None:
    want = connection(world)
    status = {"state": "MissingPrerequisites", "conditions": [{"type": "Prometheus", "status": "False"}]}
    world.there.of["clusters"][want["cluster"]]["status"] = status
    told = r"after 30 s the cluster is MissingPrerequisites \(Prometheus\), not Connected\. Fix: look at the pods"
    with pytest.raises(RestError, match=told):
        ensure(ConnectedKind(), world.client(), want, {})


def test_an_old_agent_that_is_still_connected_is_waited_out(world: World) -> None:
    want = connection(world)
    cluster = world.there.of["clusters"][want["cluster"]]
    cluster |= {"version": "2.25.0", "status": {"state": "Connected"}}

    def later(seconds: float) -> None:
        world.sleep(seconds)
        if world.now > 10:
            cluster["version"] = "v3.0.0-8f2a"

    client = RunaiApi(world.server.access(), Patience(60, lambda: world.now, later))
    seen = ConnectedKind().update(client, want["cluster"], want, {}, {})
    assert 10 < world.now <= 15
    assert holds(want, seen.values)
    cluster["version"] = "2.25.0"
    told = (
        r"after 30 s the cluster is Connected with version 2\.25\.0, not Connected with 3\.0\.0\. Fix: look at the pods"
    )
    with pytest.raises(RestError, match=told):
        ConnectedKind().update(world.client(), want["cluster"], want, {}, {})
    old = ConnectedKind().read(world.client(), want["cluster"], want)
    assert old is not None
    assert not holds(want, old.values)


def test_a_cluster_that_is_not_registered_any_more_is_not_waited_for(world: World) -> None:
    want = connection(world)
    del world.there.of["clusters"][want["cluster"]]
    told = "the cluster is not registered any more. Fix: sitectl drift --record, then pulumi up registers it anew"
    with pytest.raises(RestError, match=told):
        ensure(ConnectedKind(), world.client(), want, {})
    assert world.now == 0


def test_a_cluster_that_was_lost_differs(world: World) -> None:
    want = connection(world)
    world.there.of["clusters"][want["cluster"]]["status"] = {"state": "Disconnected"}
    seen = ConnectedKind().read(world.client(), want["cluster"], want)
    assert seen is not None
    assert not holds(want, seen.values)
