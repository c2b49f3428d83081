"""A bad answer to each single call that an object's life needs: the next run finishes what it left.

Does not prove: that a real control plane fails like this.
"""

from collections.abc import Callable
from typing import Any

import pytest

from components.platforms.runai.clusters import ClusterKind, ConnectedKind
from components.platforms.runai.kinds import AdminKind, PoolKind
from components.platforms.runai.orgs import DepartmentKind, ProjectKind
from components.rest.error import RestError
from components.rest.kind import ensure, holds
from tests.parts.runai.unit.control_plane import ADMIN
from tests.parts.runai.unit.world import ALL, CLUSTER, IDS, World
from tests.unit.https import PASSWORD, Asked, Fault

CHANGES: dict[Any, dict[str, Any]] = {
    ClusterKind: {"name": "other"},
    DepartmentKind: {"quotas": {"default": {"gpus": 5}}},
    ProjectKind: {"quotas": {"default": {"gpus": 3}}},
    PoolKind: {"placementStrategy": {"gpu": "spread"}},
}
HOW = [400, 401, 403, 409, 429, 500, "late"]


def answered(world: World, number: int, how: Any) -> Callable[[], bool]:
    """The call of that number, from now on, is answered so; whether it came."""
    world.server.asked.clear()

    def take(asked: Asked) -> Fault | None:
        world.server.asked.append(asked)
        return Fault("", how) if len(world.server.asked) == number else None

    world.server.take = take  # type: ignore[method-assign]
    return lambda: len(world.server.asked) >= number


def twice(run: Callable[[], Any]) -> Any:
    """What a run that may fail and the next one end with."""
    try:
        return run()
    except RestError as error:
        assert "Fix: " in str(error)
        return run()


@pytest.mark.row("R4", "R6")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("kind", "given", "path"), ALL, ids=IDS)
def test_whichever_call_fails_the_next_run_ends_with_one_object_and_then_none(
    world: World, kind: Any, given: dict[str, Any], path: str, how: Any
) -> None:
    want, of = world.want(kind, given), kind()
    changed = {**want, **CHANGES.get(kind, {})}
    others = len(world.there.of.get(path, {}))
    number, came = 0, True
    while came:
        number += 1
        fault = answered(world, number, how)
        made = twice(lambda: ensure(of, world.client(), want, {}))
        assert len(world.there.of[path]) == others + 1, number
        if changed != want:
            twice(lambda: of.update(world.client(), made.id, changed, {}, {}))  # noqa: B023 - called at once
        seen = twice(lambda: of.read(world.client(), made.id, changed))  # noqa: B023
        assert holds(changed, seen.values), number
        twice(lambda: of.delete(world.client(), made.id, changed))  # noqa: B023
        assert len(world.there.of[path]) == others, number
        came = fault()
    assert number > 4


@pytest.mark.row("R3")
@pytest.mark.parametrize("how", HOW)
def test_whichever_call_fails_the_first_password_is_changed_by_the_next_run(world: World, how: Any) -> None:
    number, came = 0, True
    while came:
        number += 1
        world.there.password = "Abcd!234"
        fault = answered(world, number, how)
        twice(lambda: ensure(AdminKind(), world.client(), {"username": ADMIN}, {"initial": ["Abcd!234"]}))
        assert world.there.password == PASSWORD, number
        came = fault()
    assert number > 3


def connects(world: World, uid: str, version: str) -> None:
    """The cluster, which is asked for again and again, says after a while that it is connected in this version."""
    world.there.of["clusters"][uid].update(status={"state": "Disconnected"}, version="2.0.0")
    end = world.now + 12

    def sleep(seconds: float) -> None:
        world.now += seconds
        if world.now >= end:
            world.there.of["clusters"][uid].update(status={"state": "Connected"}, version=version)

    world.sleep = sleep  # type: ignore[method-assign]


@pytest.mark.row("R4")
@pytest.mark.parametrize("how", HOW)
def test_whichever_call_fails_the_next_run_goes_on_to_wait_until_the_cluster_is_connected(
    world: World, how: Any
) -> None:
    uid, of = ensure(ClusterKind(), world.client(), CLUSTER, {}).id, ConnectedKind()
    want = {"cluster": uid, "version": "3.0.0", "limit": 60, "state": "Connected"}
    newer = {**want, "version": "3.1.0"}
    number, came = 0, True
    while came:
        number += 1
        connects(world, uid, "3.0.0")
        fault = answered(world, number, how)
        assert twice(lambda: ensure(of, world.client(), want, {})).values == want, number
        assert holds(want, twice(lambda: of.read(world.client(), uid, want)).values), number
        connects(world, uid, "3.1.0")
        assert twice(lambda: of.update(world.client(), uid, newer, {}, {})).values == newer, number
        twice(lambda: of.delete(world.client(), uid, newer))
        assert list(world.there.of["clusters"]) == [uid], number
        came = fault()
    assert number > 8
