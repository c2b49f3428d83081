"""Which steps the engine gets from its config. That they do what they say is proven in tests/scripts only."""

import json
from typing import Any

import pytest

import versions
from components.engine import needed, steps
from components.engine.config import Containerd, Docker, Registry
from components.engine.registry import registry, registry_checks
from components.engine.verify import checks, full_name
from components.host.config import Host
from components.hostrun.step import Step

HOST = Host.model_validate({"name": "store-1", "address": "10.0.0.9", "hostKey": "ssh-ed25519 AAAA"})


def engine(**values: Any) -> dict[str, Step]:
    return {step.id: step for step in steps.engine(Containerd.model_validate(values))}


def test_the_package_is_held_before_it_is_configured_and_the_service_comes_last() -> None:
    made = engine()
    assert list(made) == ["engine_at_rest", "packages#containerd", "containerd_config", "containerd"]
    inputs = made["packages#containerd"].inputs
    assert (inputs["names"], inputs["hold"]) == ("containerd.io", "yes")
    assert "/var/lib/containerd" in inputs["folders"].split()
    assert made["containerd_config"].inputs == {
        "cgroup_driver": "systemd",
        "restrict_oom_score_adj": "false",
        "sandbox_image": versions.PAUSE_IMAGE,
    }


def test_the_sites_choices_reach_the_steps() -> None:
    made = engine(package="containerd", version="1.6.20~ds1-1", cgroupDriver="cgroupfs", restrictOomScoreAdj=True)
    assert made["packages#containerd"].inputs["names"] == "containerd=1.6.20~ds1-1"
    assert next(iter(made)) == "engine_at_rest"
    assert made["containerd_config"].inputs["cgroup_driver"] == "cgroupfs"
    assert made["containerd_config"].inputs["restrict_oom_score_adj"] == "true"
    [config] = [s for s in steps.engine(Containerd(), sandbox_image="r:5000/pause:1") if s.id == "containerd_config"]
    assert config.inputs["sandbox_image"] == "r:5000/pause:1"


def test_the_gpu_rooms_settings_reach_containerd() -> None:
    made = {step.id: step for step in steps.engine(Containerd(), extra={"enable_cdi": "true"})}
    assert made["containerd_config"].inputs["enable_cdi"] == "true"


def test_mirrors_keep_their_order() -> None:
    made = engine(mirrors={"docker.io": ["http://a:5000", "https://b/v2/hub"], "r:5000": ["http://r:5000"]})
    assert list(made)[1:] == ["packages#containerd", "containerd_config", "registry_mirrors", "containerd"]
    assert made["registry_mirrors"].inputs == {"docker.io": "http://a:5000 https://b/v2/hub", "r:5000": "http://r:5000"}


def docker(extra: dict[str, object] | None = None, **values: Any) -> dict[str, Step]:
    config = Docker.model_validate({"kind": "docker", **values})
    return {step.id: step for step in steps.engine(config, extra=extra)}


def test_dockers_settings_stand_before_its_first_start() -> None:
    made = docker(users=["ana"], verifyImage="hello-world:linux")
    order = ["packages#jq", "docker_traces", "docker_config", "packages#docker", "docker", "docker_users"]
    assert list(made) == [*order, "container_runs"]
    assert made["container_runs"].inputs == {"engine": "docker", "image": "hello-world:linux", "user": "ana"}
    assert made["packages#docker"].inputs["names"] == "docker-ce docker-ce-cli containerd.io"
    pinned = docker(version="5:28.3.3-1~debian.12~bookworm")["packages#docker"].inputs["names"]
    assert pinned.split()[:2] == [
        "docker-ce=5:28.3.3-1~debian.12~bookworm",
        "docker-ce-cli=5:28.3.3-1~debian.12~bookworm",
    ]


def test_daemon_json_has_what_is_said_and_leaves_the_rest_to_others() -> None:
    said = docker({"default-runtime": "nvidia"}, subnet="172.30.0.1/16", mirrors={"docker.io": ["https://m"]})
    inputs = {key: json.loads(text) for key, text in said["docker_config"].inputs.items()}
    assert inputs == {
        "bip": "172.30.0.1/16",
        "default-runtime": "nvidia",
        "exec-opts": ["native.cgroupdriver=systemd"],
        "live-restore": True,
        "log-driver": "json-file",
        "log-opts": {"max-file": "3", "max-size": "100m"},
        "registry-mirrors": ["https://m"],
    }


def test_logins_go_by_name_and_only_where_they_are_asked_for() -> None:
    login = {"r:5000": {"user": "site", "passwordSecret": "pull"}}
    kept = docker(logins=login, users=["ana"])["pull_logins"]
    assert kept.inputs == {"users": "root ana", "registries": "r:5000", "user_r:5000": "site"}
    assert kept.secrets == {"r:5000": "pull"}
    made = engine(logins=login, insecureRegistries=["r:5000"])
    order = ["containerd_config", "registry_mirrors", "pull_logins", "containerd"]
    assert list(made) == ["packages#jq", "engine_at_rest", "packages#containerd", *order]
    assert made["registry_mirrors"].inputs == {"r:5000": "", "skip_verify": "r:5000", "user_r:5000": "site"}
    assert made["registry_mirrors"].secrets == {"r:5000": "pull"}
    assert made["pull_logins"].inputs["file"] == "/var/lib/kubelet/config.json"


def test_authorities_lie_where_each_engine_looks() -> None:
    for config, folder in ((Containerd(), "/etc/containerd/certs.d"), (Docker(kind="docker"), "/etc/docker/certs.d")):
        made = {s.id: s for s in steps.engine(config, authorities={"r:5000": "PEM"})}["registry_authorities"]
        assert made.inputs == {"folder": folder, "registries": "r:5000"}
        assert made.bulk == {"r:5000": "PEM"}


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("hello-world:1", "docker.io/library/hello-world:1"),
        ("nvidia/cuda:12", "docker.io/nvidia/cuda:12"),
        ("r:5000/a/b:1", "r:5000/a/b:1"),
        ("nvcr.io/a:1", "nvcr.io/a:1"),
    ],
)
def test_containerd_is_given_whole_names(image: str, full: str) -> None:
    assert full_name(image) == full
    assert engine(verifyImage=image)["container_runs"].inputs["image"] == full


def test_the_registry_is_its_hosts_under_all_its_names() -> None:
    image = {"archive": "/srv/a.tar", "sha256": "0" * 64}
    config = Registry.model_validate({"host": "store-1", "passwordSecret": "p", "images": {"a/b:1": image}})
    made = {s.id: s for s in registry(config, HOST, domain="example.org")}
    assert made["registry_certificate"].inputs["names"] == "store-1 store-1.example.org 10.0.0.9"
    assert made["registry_user"].secrets == {"password": "p"}
    assert made["registry_images"].inputs == {"a/b:1": f"/srv/a.tar {'0' * 64}"}
    [asked] = registry_checks(config)
    assert (asked.inputs, asked.bulk) == ({"port": "5000"}, {"archives": "/srv/a.tar"})
    assert [(o.port, o.sources) for o in needed.of_registry(config).listening] == [("5000", "site")]
    own = config.model_copy(update={"key_secret": "k"})
    [trust] = [s for s in registry(own, HOST, certificate="PEM") if s.id == "registry_certificate"]
    assert (trust.inputs["certificate_from"], trust.bulk, trust.secrets) == (
        "site",
        {"certificate": "PEM"},
        {"key": "k"},
    )


def test_preflight_asks_about_dockers_bridge_and_other_engines() -> None:
    def asked(config: Containerd | Docker) -> dict[str, Step]:
        return {step.id: step for step in checks(config)}

    others = asked(Containerd.model_validate({"replace": ["podman", "runc"]}))
    assert list(others) == ["engine_others"]
    assert others["engine_others"].inputs == {
        "conflicts": "containerd moby-containerd runc",
        "replace": "podman runc",
        "units": "containerd",
        "programs": "/usr/local/bin/containerd /usr/local/sbin/containerd",
    }
    default = asked(Docker(kind="docker"))
    assert default["docker_subnet"].inputs == {"subnet": "172.17.0.0/16"}
    assert {"docker.io", "podman-docker", "runc"} <= set(default["engine_others"].inputs["conflicts"].split())
    own = asked(Docker.model_validate({"kind": "docker", "subnet": "172.30.0.1/24"}))["docker_subnet"]
    assert own.inputs == {"subnet": "172.30.0.0/24"}


def test_only_what_the_site_names_may_be_removed_by_the_engines_packages() -> None:
    for made, label in ((engine(replace=["runc"]), "containerd"), (docker(replace=["runc"]), "docker")):
        inputs = made[f"packages#{label}"].inputs
        assert (inputs["replace_key"], inputs["replace"]) == ("engine.replace", "runc")


def test_only_docker_publishes_ports_behind_the_firewalls_back() -> None:
    assert needed.needed(Docker(kind="docker"), HOST).publishes
    assert not needed.needed(Containerd(), HOST).publishes


def test_a_pinned_docker_asks_for_all_its_containers() -> None:
    assert docker(version="1")["engine_at_rest"].inputs["engine"] == "docker"


def test_containerd_asks_for_the_pods_that_are_on_it_with_a_version_or_without() -> None:
    assert engine()["engine_at_rest"].inputs == {
        "names": "containerd.io",
        "engine": "containerd",
        "replaces": "containerd moby-containerd runc",
    }
    assert engine(version="1")["engine_at_rest"].inputs["names"] == "containerd.io=1"
