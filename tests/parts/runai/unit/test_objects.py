"""Run:ai's objects against the documented calls: adoption, half-made calls, changes, removal.

Does not prove: that the documented calls are those of a real control plane.
"""

from typing import Any

import pytest

from components.platforms.runai.api import RunaiApi
from components.platforms.runai.kinds import PoolKind, RuleKind, UserKind
from components.platforms.runai.orgs import DepartmentKind, ProjectKind
from components.rest.error import RestError, UnsureError
from components.rest.kind import Seen, ensure, holds
from components.rest.retry import Patience
from tests.parts.runai.unit.world import ALL, IDS, World


def named(want: dict[str, Any]) -> str:
    return str(want.get("name") or want.get("email") or want.get("scope"))


@pytest.mark.parametrize(("kind", "given", "path"), ALL, ids=IDS)
def test_an_object_is_made_once_and_then_found(world: World, kind: Any, given: dict[str, Any], path: str) -> None:
    want = world.want(kind, given)
    made = ensure(kind(), world.client(), want, {})
    again = ensure(kind(), world.client(), want, {})
    assert again.id == made.id
    world.only(path, named(want))
    seen = kind().read(world.client(), made.id, want)
    assert seen is not None
    assert holds(want, seen.values)
    kind().delete(world.client(), made.id, want)
    assert kind().read(world.client(), made.id, want) is None
    kind().delete(world.client(), made.id, want)


@pytest.mark.parametrize("how", [500, 502, 503, 504, "cut", "late"])
@pytest.mark.parametrize(("kind", "given", "path"), ALL, ids=IDS)
def test_a_create_that_ends_in_the_middle_makes_one_object(
    world: World, kind: Any, given: dict[str, Any], path: str, how: Any
) -> None:
    want = world.want(kind, given)
    world.server.fault(f"POST /api/.*{path}$", how)
    ensure(kind(), world.client(), want, {})
    world.only(path, named(want))


@pytest.mark.parametrize(("kind", "given", "path"), ALL[1:5], ids=IDS[1:5])
def test_what_another_one_made_meanwhile_is_taken_over(
    world: World, kind: Any, given: dict[str, Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    want, made, find = world.want(kind, given), kind(), kind.find
    ensure(made, world.client(), want, {})
    looks: list[Seen | None] = [None]
    monkeypatch.setattr(kind, "find", lambda *args: looks.pop() if looks else find(*args))
    ensure(made, world.client(), want, {})
    world.only(path, named(want))


def test_a_409_of_what_is_not_there_is_an_error(world: World) -> None:
    world.server.fault("POST .*/users", 409)
    with pytest.raises(RestError, match=r"POST /api/v1/users: 409 Conflict: fault 409\. Fix: look what has this name"):
        ensure(UserKind(), world.client(), {"email": "a@b.c"}, {})


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("kind", "given", "path"), ALL, ids=IDS)
def test_who_may_not_is_told_at_once(world: World, kind: Any, given: dict[str, Any], path: str, status: int) -> None:
    want = world.want(kind, given)
    world.server.fault(path, status, 99)
    with pytest.raises(RestError, match=f"{status} (Unauthorized|Forbidden): fault {status}. Fix: "):
        ensure(kind(), world.client(), want, {})
    assert world.now == 0


def test_two_ends_in_the_middle_are_an_error(world: World) -> None:
    world.server.fault("POST .*/users", "cut", 2)
    with pytest.raises(UnsureError, match="POST /api/v1/users: the connection ended"):
        ensure(UserKind(), world.client(), {"email": "a@b.c"}, {})


class TestLeaving:
    """What removal must not take with it."""

    def test_a_project_that_is_being_removed_is_waited_for(self, world: World) -> None:
        want = world.want(ProjectKind, ALL[2][1])
        kind, client = ProjectKind(), world.client()
        made = ensure(kind, client, want, {})
        world.there.graceful = True
        kind.delete(client, made.id, want)
        assert kind.read(client, made.id, want) is None
        sleep = world.sleep

        def confirmed(seconds: float) -> None:
            sleep(seconds)
            world.there.of["projects"].pop(made.id, None)

        other = RunaiApi(world.server.access(), Patience(60, lambda: world.now, confirmed))
        assert ensure(kind, other, want, {}).id != made.id

    def test_a_cluster_that_never_confirms_is_named(self, world: World) -> None:
        want = world.want(ProjectKind, ALL[2][1])
        kind, client = ProjectKind(), world.client()
        world.there.graceful = True
        kind.delete(client, ensure(kind, client, want, {}).id, want)
        with pytest.raises(RestError, match=r"vision is still being removed there after 60 s\. Fix: look whether the"):
            ensure(kind, client, want, {})

    def test_a_department_with_others_projects_stays(self, world: World) -> None:
        want = world.want(DepartmentKind, ALL[1][1])
        kind, client = DepartmentKind(), world.client()
        made = ensure(kind, client, want, {})
        theirs = {**world.want(ProjectKind, ALL[2][1]), "name": "theirs", "department": made.id}
        ensure(ProjectKind(), client, theirs, {})
        with pytest.raises(RestError, match=r"has projects that are not of the site: theirs\. Fix: move"):
            kind.delete(client, made.id, want)
        assert kind.read(client, made.id, want)

    def test_what_is_every_clusters_own_stays(self, world: World) -> None:
        uid = world.want(PoolKind, {})["cluster"]
        for kind, path in ((DepartmentKind(), "departments"), (PoolKind(), "node-pools")):
            id_ = str(world.only(path, "default")["id"])
            kind.delete(world.client(), id_, {"name": "default", "cluster": uid})
            world.only(path, "default")


def test_a_role_that_is_not_there_is_named(world: World) -> None:
    want = {**ALL[5][1], "role": "L9 researcher"}
    told = 'there is no role "L9 researcher". Fix: write one of: L1 researcher, L2 researcher, System administrator'
    with pytest.raises(RestError, match=told):
        ensure(RuleKind(), world.client(), want, {})


def test_one_login_serves_a_run_and_long_lists_are_read_whole(world: World) -> None:
    client = RunaiApi.of(world.server.access(), None)
    assert RunaiApi.of(world.server.access(), None) is client
    uid = world.want(PoolKind, {})["cluster"]
    names = [f"pool-{number}" for number in range(5)]
    for name in names:
        ensure(PoolKind(), client, {"name": name, "cluster": uid, "labelKey": "k", "labelValue": name}, {})
    assert [each["name"] for each in client.all("/api/v1/node-pools")] == ["default", *names]
    assert world.there.logins == 2  # the other one made the cluster
