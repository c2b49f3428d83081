"""helm.sh/v3:Release by the real helm against a real API server."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.plugins.kubernetes_provider.cluster import Cluster
from lab.plugins.values import UNKNOWN, Asset, Properties, Secret
from tests.plugins.charts import chart
from tests.plugins.conftest import Start
from tests.plugins.driver import AbortedError, Driver
from tests.plugins.sshd import free_port, listening
from tests.plugins.test_kubernetes import config_map, gone
from tests.plugins.tools import tool


@pytest.fixture(autouse=True)
def _helm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(tool('helm')).parent}:/usr/bin:/bin")


@pytest.fixture
def releases(start: Start) -> Driver:
    return start("helm.sh/v3:Release")


def release(source: Path, name: str, **given: Any) -> Properties:
    return {"chart": str(source), "name": name, "namespace": "default", "compat": "true", **given}


def test_install_upgrade_and_uninstall(releases: Driver, cluster: Cluster, tmp_path: Path) -> None:
    source = chart(tmp_path)
    inputs = releases.checked(release(source, "story", values={"greeting": "hello"}))
    assert (inputs["version"], inputs["timeout"]) == ("1.2.3", 300)
    assert "compat" not in inputs
    object_id, state = releases.create(inputs)
    assert object_id == "default/story"
    assert state["status"] == {
        "appVersion": "7", "chart": "greeting", "name": "story", "namespace": "default", "revision": 1,
        "status": "deployed", "version": "1.2.3",
    }  # fmt: skip
    assert state["resourceNames"] == {"ConfigMap/v1": ["story-greeting"]}
    assert isinstance(state["__inputs"], Secret)
    assert cluster.get(config_map("story-greeting"))["data"] == {"greeting": "hello"}
    assert not releases.diff(state, inputs).diffs

    changed = releases.checked(release(source, "story", values={"greeting": "again"}), inputs)
    answer = releases.diff(state, changed)
    assert (list(answer.detailedDiff), list(answer.replaces)) == (["values.greeting"], [])
    state = releases.update(state, changed, object_id=object_id)
    assert (state["status"]["revision"], state["status"]["status"]) == (2, "deployed")
    assert cluster.get(config_map("story-greeting"))["data"] == {"greeting": "again"}

    cluster.delete(config_map("story-greeting"), "Background")
    same_id, _, now = releases.read(object_id, state, changed)
    assert (same_id, now) == (object_id, changed)  # what a release made is not looked at
    releases.delete(state, object_id)
    assert releases.read(object_id, state, changed) == ("", {}, {})
    with pytest.raises(AbortedError, match="not found"):
        releases.delete(state, object_id)


def test_another_name_or_namespace_replaces_create_first(releases: Driver, tmp_path: Path) -> None:
    old = releases.checked(release(chart(tmp_path), "one"))
    state = {**old, "__inputs": Secret(old)}
    for change in ({"name": "two"}, {"namespace": "other"}):
        answer = releases.diff(state, {**old, **change})
        assert (list(answer.replaces), answer.deleteBeforeReplace) == (list(change), False)


def test_a_name_is_made_up_and_kept(releases: Driver, tmp_path: Path) -> None:
    given = {"chart": str(chart(tmp_path))}
    inputs = releases.checked(given)
    assert inputs["name"].startswith("thing-")
    assert releases.checked(given, inputs)["name"] == inputs["name"]
    assert inputs["namespace"] == "default"


def test_a_chart_change_is_seen_by_its_version_only(releases: Driver, tmp_path: Path) -> None:
    source = chart(tmp_path)
    old = releases.checked(release(source, "seen"))
    (source / "values.yaml").write_text("greeting: edited\n")
    assert releases.checked(release(source, "seen"), old) == old
    newer = releases.checked(release(chart(tmp_path, "1.2.4"), "seen"), old)
    assert list(releases.diff({**old, "__inputs": Secret(old)}, newer).detailedDiff) == ["version"]


def test_check_needs_the_chart(releases: Driver, tmp_path: Path) -> None:
    _, failures = releases.check(release(tmp_path / "missing", "x"))
    assert failures[0][0] == "chart"
    assert failures[0][1].endswith("; check the chart name and repository configuration.")
    inputs, failures = releases.check(release(tmp_path / "missing", "x", values={"a": UNKNOWN}))
    assert (failures, inputs["values"]) == ([], {"a": UNKNOWN})  # with unknowns it is not looked at


def test_a_chart_from_a_repository_at_an_exact_version(releases: Driver, tmp_path: Path) -> None:
    served, port = tmp_path / "served", free_port()
    served.mkdir()
    for version in ("1.0.0", "2.0.0"):
        subprocess.run([tool("helm"), "package", chart(tmp_path, version), "-d", served], check=True)
    subprocess.run([tool("helm"), "repo", "index", served, "--url", f"http://127.0.0.1:{port}"], check=True)
    server = subprocess.Popen(["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", served])
    try:
        listening(port)
        repository = {"repo": f"http://127.0.0.1:{port}"}
        given = {"chart": "greeting", "version": "1.0.0", "repositoryOpts": repository, "name": "pulled"}
        inputs = releases.checked(given)
        object_id, state = releases.create(inputs)
        assert state["status"]["version"] == "1.0.0"
        releases.delete(state, object_id)
    finally:
        server.terminate()
        server.wait()


def test_values_from_files_come_first(releases: Driver, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("greeting: file\nkept: {a: 1}\n")
    files = [
        Asset(False, {"hash": "1", "path": str(tmp_path / "one.yaml")}),
        Asset(False, {"hash": "2", "text": "kept: {b: 2}\nnothing: null\n"}),
    ]
    inputs = releases.checked(release(chart(tmp_path), "x", valueYamlFiles=files, values={"greeting": "own"}))
    assert inputs["values"] == {"greeting": "own", "kept": {"a": 1, "b": 2}, "nothing": None}
    assert "valueYamlFiles" not in inputs


def test_secret_values_stay_secret(releases: Driver, tmp_path: Path) -> None:
    values = {"greeting": Secret("hidden"), "open": 1}
    inputs = releases.checked(release(chart(tmp_path), "hiding", values=values))
    assert inputs["values"] == values
    object_id, state = releases.create(inputs)
    assert state["values"] == values
    _, state, now = releases.read(object_id, state, inputs)
    assert state["values"] == now["values"] == values
    releases.delete(state, object_id)


def test_a_failed_install_is_recorded_and_upgraded(releases: Driver, tmp_path: Path) -> None:
    source = chart(tmp_path)
    inputs = releases.checked(release(source, "failing", timeout=2, values={"fail": True}))
    with pytest.raises(AbortedError, match="was created, but failed to initialize completely") as error:
        releases.create(inputs)
    partial = error.value.partial
    assert partial.id == "default/failing"
    assert partial.properties.fields["status"].struct_value.fields["status"].string_value == "failed"
    better = releases.checked(release(source, "failing", timeout=20, values={"fail": False}), inputs)
    state = releases.update({**inputs, "__inputs": Secret(inputs)}, better, object_id="default/failing")
    assert state["status"]["status"] == "deployed"
    releases.delete(state, "default/failing")


def test_a_failed_atomic_install_leaves_nothing(releases: Driver, cluster: Cluster, tmp_path: Path) -> None:
    inputs = releases.checked(release(chart(tmp_path), "atomic", timeout=2, atomic=True, values={"fail": True}))
    with pytest.raises(AbortedError) as error:
        releases.create(inputs)
    assert error.value.partial is None
    assert gone(cluster, config_map("atomic-greeting"))


def test_skip_await_does_not_wait(releases: Driver, tmp_path: Path) -> None:
    inputs = releases.checked(release(chart(tmp_path), "unwaited", skipAwait=True, values={"fail": True}))
    assert "timeout" not in inputs
    object_id, state = releases.create(inputs)
    assert state["status"]["status"] == "deployed"
    releases.delete(state, object_id)


def test_a_taken_name_is_refused(releases: Driver, tmp_path: Path) -> None:
    inputs = releases.checked(release(chart(tmp_path), "taken"))
    object_id, state = releases.create(inputs)
    with pytest.raises(AbortedError, match="cannot re-use a name") as error:
        releases.create(inputs)
    assert error.value.partial is None
    releases.delete(state, object_id)


def test_create_namespace(releases: Driver, cluster: Cluster, tmp_path: Path) -> None:
    given = release(chart(tmp_path), "inside", namespace="made-by-helm")
    with pytest.raises(AbortedError, match="not found"):
        releases.create(releases.checked(given))
    object_id, state = releases.create(releases.checked({**given, "createNamespace": True}))
    assert not gone(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made-by-helm"}})
    releases.delete(state, object_id)


def test_preview_installs_nothing(releases: Driver, tmp_path: Path) -> None:
    inputs = releases.checked(release(chart(tmp_path), "unborn"))
    object_id, state = releases.create(inputs, preview=True)
    assert (object_id, "status" in state) == ("", False)  # unknown until it is there
    assert releases.read("default/unborn", state, inputs) == ("", {}, {})


def test_an_unreachable_cluster(start: Start, kubeconfig: str, tmp_path: Path) -> None:
    parsed = yaml.safe_load(kubeconfig)
    parsed["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    away = start("helm.sh/v3:Release", kubeconfig=yaml.safe_dump(parsed), deleteUnreachable="true")
    inputs = away.checked(release(chart(tmp_path), "away"))  # the chart is looked at all the same
    state = {**inputs, "__inputs": Secret(inputs)}
    with pytest.raises(AbortedError, match="can't create Helm Release with unreachable cluster"):
        away.create(inputs)
    with pytest.raises(AbortedError, match="can't update Helm Release with unreachable cluster"):
        away.update(state, inputs)
    with pytest.raises(AbortedError, match="can't delete Helm Release with unreachable cluster"):
        away.delete(state)  # deleteUnreachable is for objects only
    assert away.read("default/away", state, inputs) == ("", {}, {})


def test_a_repository_password_is_refused(releases: Driver) -> None:
    given = {"chart": "c", "repositoryOpts": {"repo": "http://r", "username": "u", "password": Secret("p")}}
    assert releases.check(given)[1][0][0] == "repositoryOpts"


def test_helm_absent(releases: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "helm is not on PATH" in releases.check(release(chart(tmp_path), "x"))[1][0][1]
    assert shutil.which("helm") is None


def test_helms_command_line_has_no_secret(
    releases: Driver, tmp_path: Path, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "helm"
    fake.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" >>{tmp_path}/words\nenv >>{tmp_path}/words\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    given = release(chart(tmp_path), "x", values={"password": Secret("very hidden")})
    with pytest.raises(AbortedError):
        releases.create(given)
    words = (tmp_path / "words").read_text()
    assert "install" in words
    key = yaml.safe_load(kubeconfig)["users"][0]["user"]["client-key-data"]
    assert "very hidden" not in words and key not in words
