"""What a project has of each node pool.

Does not prove: that the documented calls are those of a real control plane.
"""

from typing import Any

import pytest

from components.platforms.runai.kinds import PoolKind
from components.platforms.runai.orgs import ProjectKind
from components.rest.error import RestError
from components.rest.kind import ensure, holds
from tests.parts.runai.unit.world import ALL, World


@pytest.fixture
def want(world: World) -> dict[str, Any]:
    quotas = {"default": {"gpus": 2, "gpuLimit": "none", "gpuWeight": 3}, "a100": {"gpus": 4, "gpuLimit": 6}}
    pool = world.want(PoolKind, ALL[3][1])
    ensure(PoolKind(), world.client(), pool, {})
    return {"name": "vision", "cluster": pool["cluster"], "quotas": quotas, "gpusElsewhere": 0}


def resources(world: World) -> dict[str, dict[str, Any]]:
    return {each["nodePool"]["name"]: each for each in world.only("projects", "vision")["resources"]}


def test_each_pool_gets_its_own(world: World, want: dict[str, Any]) -> None:
    ensure(ProjectKind(), world.client(), want, {})
    there = resources(world)
    assert there["default"]["gpu"] == {"deserved": 2, "limit": None, "overQuotaWeight": 3}
    assert there["a100"]["gpu"] == {"deserved": 4, "limit": 6}
    ids = {pool["name"]: pool["id"] for pool in world.there.of["node-pools"].values()}
    assert {name: each["nodePool"]["id"] for name, each in there.items()} == ids


def test_a_quota_by_hand_is_seen_and_mended_and_the_rest_is_kept(world: World, want: dict[str, Any]) -> None:
    kind, client = ProjectKind(), world.client()
    made = ensure(kind, client, want, {})
    project = world.only("projects", "vision")
    gpu = next(each["gpu"] for each in project["resources"] if each["nodePool"]["name"] == "a100")
    gpu["deserved"] = 8
    project["description"] = "by hand"
    theirs = {"cpu": {"deserved": 4000}, "memory": {"deserved": 1000, "units": "GB"}, "rank": "High"}
    project["resources"][0].update(theirs)
    seen = kind.read(client, made.id, want)
    assert seen is not None
    assert not holds(want, seen.values)
    assert seen.values["quotas"]["a100"]["gpus"] == 8
    kind.update(client, made.id, want, {}, {})
    there = world.only("projects", "vision")
    assert resources(world)["a100"]["gpu"]["deserved"] == 4
    assert there["description"] == "by hand"
    assert {key: there["resources"][0][key] for key in theirs} == theirs


def test_gpus_in_a_pool_that_is_not_named_are_taken_back(world: World, want: dict[str, Any]) -> None:
    kind, client = ProjectKind(), world.client()
    made = ensure(kind, client, want, {})
    less = {**want, "quotas": {"default": want["quotas"]["default"]}}
    seen = kind.read(client, made.id, less)
    assert seen is not None
    assert seen.values["gpusElsewhere"] == 4
    assert not holds(less, seen.values)
    kind.update(client, made.id, less, {}, {})
    assert resources(world)["a100"]["gpu"] == {"deserved": 0, "limit": None}


def test_a_limit_that_left_the_site_ends(world: World, want: dict[str, Any]) -> None:
    kind, client = ProjectKind(), world.client()
    made = ensure(kind, client, want, {})
    free = {**want, "quotas": {**want["quotas"], "a100": {"gpus": 4, "gpuLimit": "none"}}}
    kind.update(client, made.id, free, {}, {})
    assert resources(world)["a100"]["gpu"]["limit"] is None


def test_how_older_releases_write_no_limit_is_understood(world: World, want: dict[str, Any]) -> None:
    kind, client = ProjectKind(), world.client()
    wanted = {**want, "quotas": {**want["quotas"], "a100": {"gpus": 4, "gpuLimit": "none"}}}
    made = ensure(kind, client, wanted, {})
    for each in world.only("projects", "vision")["resources"]:
        each["gpu"]["limit"] = -1
    seen = kind.read(client, made.id, wanted)
    assert seen is not None
    assert holds(wanted, seen.values)


def test_a_pool_that_is_not_there_is_named(world: World, want: dict[str, Any]) -> None:
    wrong = {**want, "quotas": {"h100": {"gpus": 1}}}
    told = r"the cluster has no node pool h100\. Fix: write one of those that it has \(a100, default\)"
    with pytest.raises(RestError, match=told):
        ensure(ProjectKind(), world.client(), wrong, {})
