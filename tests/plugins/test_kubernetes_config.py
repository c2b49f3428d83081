"""The kubernetes stand-in's own configuration: another cluster or not, unreachable ones, nothing secret on disk."""

import asyncio
from pathlib import Path

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2

from lab.plugins.kubernetes_provider import config
from lab.plugins.kubernetes_provider.provider import make
from lab.plugins.values import UNKNOWN, Properties, encode
from tests.plugins.conftest import Start
from tests.plugins.driver import AbortedError, Driver
from tests.plugins.sshd import free_port
from tests.plugins.test_kubernetes import config_map


def kubeconfig(server: str, current: str = "a") -> str:
    names = ("a", "b")
    return yaml.safe_dump(
        {
            "clusters": [{"name": name, "cluster": {"server": f"https://{server}/{name}"}} for name in names],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in names],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "current-context": current,
        }
    )


A, B = kubeconfig("one"), kubeconfig("two")


@pytest.mark.parametrize(
    ("olds", "news", "replaces"),
    [
        ({"kubeconfig": A}, {"kubeconfig": B}, {"kubeconfig"}),
        ({"kubeconfig": A}, {"kubeconfig": kubeconfig("one", "b")}, {"kubeconfig"}),
        ({"kubeconfig": A}, {"kubeconfig": A + "# rotated\n"}, set()),
        ({"kubeconfig": A}, {"kubeconfig": A, "context": "b"}, {"context"}),
        ({"kubeconfig": A}, {"kubeconfig": A, "namespace": "n"}, set()),
        ({"kubeconfig": A}, {"kubeconfig": UNKNOWN}, {"kubeconfig"}),
        ({"kubeconfig": A, "clusterIdentifier": "i"}, {"kubeconfig": B, "clusterIdentifier": "i"}, set()),
        ({"kubeconfig": A, "clusterIdentifier": "i"}, {"kubeconfig": UNKNOWN, "clusterIdentifier": "i"}, set()),
        (
            {"kubeconfig": A, "clusterIdentifier": "i"},
            {"kubeconfig": A, "clusterIdentifier": "j"},
            {"clusterIdentifier"},
        ),
        ({"kubeconfig": A}, {"kubeconfig": A, "clusterIdentifier": "i"}, set()),
    ],
)
def test_what_means_another_cluster(olds: Properties, news: Properties, replaces: set[str]) -> None:
    differing, replacing = config.changed(olds, news)
    assert replacing == replaces
    assert differing or olds == news


def test_diff_config_over_the_wire(runner: asyncio.Runner) -> None:
    driver = Driver.start(runner, make, "pulumi:providers:kubernetes")
    request = provider_pb2.DiffRequest(olds=encode({"kubeconfig": A}), news=encode({"kubeconfig": B}))
    assert list(driver.call("DiffConfig", request).replaces) == ["kubeconfig"]


def test_strict_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    default = "urn:pulumi:dev::test::pulumi:providers:kubernetes::default_4_34_2"
    assert config.check({}, default) == []
    monkeypatch.setenv("PULUMI_CONFIG", '{"strictMode": "true"}')
    assert [name for name, _ in config.check({}, default)] == ["", "kubeconfig", "context"]
    assert config.check({"kubeconfig": A, "context": "a"}, default.replace("default_4_34_2", "own")) == []


@pytest.mark.parametrize(("key", "text"), [("enableServerSideApply", "false"), ("renderYamlToDirectory", "somewhere")])
def test_what_only_the_official_plugin_does_is_refused(start: Start, key: str, text: str) -> None:
    with pytest.raises(AbortedError, match=key):
        start("core/v1:ConfigMap", **{key: text})


def test_a_kubeconfig_by_path_or_by_environment(
    start: Start, kubeconfig: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(kubeconfig)
    by_path = start("core/v1:ConfigMap", kubeconfig=str(tmp_path / "config"))
    by_path.create(by_path.checked(config_map("by-path", a="1")))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    ambient = start("core/v1:ConfigMap", kubeconfig="")
    ambient.create(ambient.checked(config_map("ambient", a="1")))


def test_no_key_is_written_to_disk(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    maps = start("core/v1:ConfigMap")
    maps.create(maps.checked(config_map("in-memory", a="1")))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def away() -> dict[str, str]:
    """Options of a provider whose cluster does not answer."""
    return {"kubeconfig": kubeconfig(f"127.0.0.1:{free_port()}")}


def test_an_unreachable_cluster(start: Start, away: dict[str, str]) -> None:
    maps = start("core/v1:ConfigMap", **away)
    inputs = maps.checked(config_map("x", a="1"))
    assert maps.create(inputs, preview=True) == ("", inputs)
    state = {**inputs, "__inputs": inputs, "__fieldManager": "m"}
    changed = maps.checked(config_map("x", a="2"), inputs)
    assert maps.update(state, changed, preview=True) == changed
    assert list(maps.diff(state, changed).replaces) == ["data"]
    for act in (lambda: maps.create(inputs), lambda: maps.update(state, changed), lambda: maps.delete(state)):
        with pytest.raises(AbortedError, match="configured Kubernetes cluster is unreachable"):
            act()
    with pytest.raises(AbortedError, match="failed to read resource state due to unreachable cluster"):
        maps.read("default/x", state, inputs)


def test_delete_unreachable_forgets(start: Start, away: dict[str, str]) -> None:
    maps = start("core/v1:ConfigMap", **away, deleteUnreachable="true")
    inputs = maps.checked(config_map("x", a="1"))
    maps.delete({**inputs, "__inputs": inputs})
    assert maps.read("default/x", inputs, inputs) == ("", {}, {})


def test_skip_update_unreachable_keeps_the_old_inputs(start: Start, away: dict[str, str]) -> None:
    maps = start("core/v1:ConfigMap", **away, skipUpdateUnreachable="true")
    old = config_map("x", a="1")
    assert maps.checked(config_map("x", a="2"), old) == old
    assert "skipping" in maps.engine.lines[0]
    assert maps.read("default/x", old, old) == ("default/x", old, old)


def test_credentials_that_are_refused_are_unreachable(start: Start, kubeconfig: str) -> None:
    parsed = yaml.safe_load(kubeconfig)
    parsed["users"][0]["user"] = {"token": "nonsense"}
    maps = start("core/v1:ConfigMap", kubeconfig=yaml.safe_dump(parsed))
    with pytest.raises(AbortedError, match="unreachable: Unauthorized"):
        maps.create(maps.checked(config_map("x", a="1")))
