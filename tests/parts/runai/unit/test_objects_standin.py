"""The same objects against the lab's stand-in, which refuses unknown keys, on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from components.platforms.runai.api import RunaiApi
from components.platforms.runai.clusters import ClusterKind
from components.platforms.runai.kinds import AdminKind, PoolKind
from components.platforms.runai.orgs import ProjectKind
from components.rest.kind import ensure, holds
from components.rest.retry import Patience
from tests.parts.runai.standin import ADMIN, PASSWORD, Backend, backend
from tests.parts.runai.unit.world import ALL, CLUSTER
from tests.unit.https import Asked, Server, https

NEW = "Changed!567"


def through(to: Backend) -> Any:
    """The stand-in behind TLS, as behind an ingress."""

    def handler(asked: Asked) -> tuple[int, Any]:
        query = f"?{urlencode(asked.query)}" if asked.query else ""
        form = asked.path.endswith("/token")
        status, answer = (
            to.form(asked.path, **asked.body)
            if form
            else to.ask(asked.method, asked.path + query, asked.body, token=asked.token)
        )
        return status, answer if answer != "" else None

    return handler


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("runai")
    with backend(folder) as running, https(through(running), folder) as server:
        yield server


def client(api: Server, password: str = NEW) -> RunaiApi:
    return RunaiApi(api.access(username=ADMIN, password=password), Patience(20))


def test_the_first_password_is_changed(api: Server) -> None:
    ensure(AdminKind(), client(api), {"username": ADMIN}, {"initial": ["Abcd!234", PASSWORD]})
    client(api).session.log_in()
    assert AdminKind().read(client(api, "Wrong!234"), ADMIN, {"username": ADMIN}) is None


def test_each_kind_is_made_found_changed_and_removed(api: Server) -> None:
    site = ensure(ClusterKind(), client(api), CLUSTER, {})
    assert site.outputs["secret"]
    for kind, given, _ in ALL[1:]:
        wanted = {"cluster": site.id, **given}
        if "scope" in wanted:
            scope = ensure(ProjectKind(), client(api), {"cluster": site.id, **ALL[2][1], "name": "scope"}, {})
            wanted |= {"subject": ADMIN, "scope": scope.id}
        made = ensure(kind(), client(api), wanted, {})
        assert ensure(kind(), client(api), wanted, {}).id == made.id
        seen = kind().read(client(api), made.id, wanted)
        assert seen is not None
        assert holds({key: value for key, value in wanted.items() if key in given}, seen.values)
        kind().delete(client(api), made.id, wanted)
        assert kind().read(client(api), made.id, wanted) is None
    ClusterKind().delete(client(api), site.id, CLUSTER)
    assert ClusterKind().read(client(api), site.id, CLUSTER) is None


def test_a_quota_is_changed_and_the_rest_is_kept(api: Server) -> None:
    site = ensure(ClusterKind(), client(api), {**CLUSTER, "name": "other"}, {})
    ensure(PoolKind(), client(api), {"cluster": site.id, **ALL[3][1]}, {})
    quotas = {"default": {"gpus": 2, "gpuLimit": "none", "gpuWeight": 3}, "a100": {"gpus": 4, "gpuLimit": 6}}
    want = {"name": "vision", "cluster": site.id, "gpusElsewhere": 0, "quotas": quotas, "namespace": "vision"}
    want |= {"defaultNodePools": ["a100"], "enforceRunaiScheduler": True}
    made = ensure(ProjectKind(), client(api), want, {})
    assert made.outputs == {"namespace": "vision"}
    assert holds(want, made.values)
    less = {**want, "quotas": {"default": {"gpus": 1, "gpuLimit": 1}}}
    seen = ProjectKind().update(client(api), made.id, less, {}, {})
    assert holds(less, seen.values)
    assert seen.values["gpusElsewhere"] == 0
