"""Docker by its steps on an emulated host: settings merged and in force, its users, logins, restarts, its removal.

One installation, which the tests change in turn; the last takes it away. Not proven here: docker-ce (its repository is
not to be had here), GPUs in containers, `dockerd --validate` (Debian 12's Docker is too old for it).
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.engine import steps
from components.engine.config import Docker
from components.engine.verify import checks
from components.hostrun.step import Step
from lab.tools.debian import unpacked
from tests.scripts import gpu_container
from tests.scripts.lab_host import LabHost, differences

pytestmark = [pytest.mark.lab, pytest.mark.row("C1")]

DAEMON = "/etc/docker/daemon.json"
MINE = {
    "debug": False,
    "registry-mirrors": ["https://mirror.example.org"],
    "exec-opts": ["native.cgroupdriver=systemd"],
}
"""What an operator had there before us."""
REGISTRY = "10.213.77.1:5000"
IMAGE = "gpu-metal/true:1"
STARTED = "systemctl show -p ActiveEnterTimestampMonotonic docker"
PASSWORD = "correct horse"
SECRETS = {"pull": PASSWORD}


def docker(extra: Mapping[str, object] | None = None, **more: Any) -> list[Step]:
    values = {"kind": "docker", "package": "docker.io", "cgroupDriver": "cgroupfs", "users": ["deploy"]}
    return steps.engine(Docker.model_validate({**values, "insecureRegistries": [REGISTRY], **more}), extra=extra)


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001
    """With Docker, and with settings of somebody else."""
    spare.bash(f"mkdir /etc/docker; cat >{DAEMON}", json.dumps(MINE))
    spare.install()
    spare.apply("engine", docker())
    yield spare
    spare.gpu_metal("remove")


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    return spare.snapshot()


def settings(host: LabHost) -> Any:
    return json.loads(host.bash(f"cat {DAEMON}"))


@pytest.mark.row("C2")
def test_settings_are_merged_and_in_force_from_the_first_start(before: Mapping[str, Any], host: LabHost) -> None:
    assert before["files"].keys().isdisjoint({DAEMON})
    assert settings(host) == {
        "debug": False,
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "insecure-registries": [REGISTRY],
        "live-restore": True,
        "log-driver": "json-file",
        "log-opts": {"max-file": "3", "max-size": "100m"},
        "registry-mirrors": ["https://mirror.example.org"],
    }
    seen = json.loads(host.bash("docker info --format '{{json .}}'"))
    assert (seen["CgroupDriver"], seen["LiveRestoreEnabled"]) == ("cgroupfs", True)
    assert host.bash("apt-mark showhold") == "docker.io\n"
    assert set(host.apply("engine", docker()).values()) == {"unchanged"}
    assert host.check() == {}


@pytest.mark.row("C2", "G8")
def test_what_docker_can_re_read_restarts_nothing_and_what_leaves_the_site_leaves_the_file(host: LabHost) -> None:
    started = host.bash(STARTED)
    mirrors = {"docker.io": ["https://hub.example.org"]}
    assert changed(host, docker(mirrors=mirrors)) == {"docker_config", "docker"}
    assert host.bash(STARTED) == started
    assert settings(host)["registry-mirrors"] == ["https://hub.example.org", "https://mirror.example.org"]
    assert "hub.example.org" in host.bash("docker info")
    assert changed(host, docker()) == {"docker_config", "docker"}
    assert settings(host)["registry-mirrors"] == MINE["registry-mirrors"]
    assert host.bash(STARTED) == started
    runtime = {"runtimes": {"nvidia": {"path": "/usr/bin/runc", "args": []}}, "default-runtime": "nvidia"}
    host.apply("engine", docker(extra=runtime))
    assert host.bash("docker info --format '{{.DefaultRuntime}}'") == "nvidia\n"
    assert host.bash(STARTED) == started
    host.apply("engine", docker(logMaxSize="10m"))
    assert host.bash(STARTED) != started
    assert "runtimes" not in settings(host)


@pytest.mark.row("C2")
def test_a_file_broken_by_hand_is_named_and_left(host: LabHost) -> None:
    whole = host.bash(f"cat {DAEMON}")
    for broken, says in (('{"debug": tru', "parse error"), ("[]", "is of another type")):
        host.bash(f"printf '%s' '{broken}' >{DAEMON}")
        refused = host.run("engine", docker(liveRestore=False))
        assert refused.returncode == 1
        assert f"{DAEMON} is not a JSON object" in refused.stderr
        assert says in refused.stderr
        assert "Nothing was changed. Fix: mend it by hand: jq . " in refused.stderr
        assert host.bash(f"cat {DAEMON}") == broken
    host.bash(f"cat >{DAEMON}", whole)
    host.apply("engine", docker())
    whole = host.bash(f"cat {DAEMON}")
    host.bash(f": >{DAEMON}")  # as a power cut leaves it
    assert host.check()["docker_config"][0] == "drift"
    host.apply("engine", docker())
    assert settings(host) == json.loads(whole)


@pytest.mark.row("C2")
def test_settings_that_docker_refuses_are_told_in_its_words(host: LabHost) -> None:
    refused = host.run("engine", docker(extra={"storage-driver": "no-such"}))
    assert "docker does not start: " in refused.stderr
    assert "driver not supported" in refused.stderr
    assert ". Fix: correct /etc/docker/daemon.json, or engine in the site" in refused.stderr
    host.apply("engine", docker())
    assert host.check() == {}


@pytest.mark.row("G8")
def test_nothing_restarts_under_a_container_with_a_gpu(host: LabHost) -> None:
    host.apply("engine", docker())
    gpu_container.start(host, "job", gpu_container.STRICT, "DeviceAllow=char-pts rw")
    started = host.bash(STARTED)
    assert set(host.apply("engine", docker()).values()) == {"unchanged"}
    refused = host.run("engine", docker(logMaxSize="11m"))
    host.bash("mkdir -p /etc/systemd/system/docker.service.d; cat >/etc/systemd/system/docker.service.d/p.conf", PROXY)
    proxy = host.run("engine", docker())
    version = host.run("engine", docker(version="99.0"))
    assert "docker.io is to change from 20.10.24" in version.stderr
    assert "to 99.0, and containers with GPUs run: job.scope" in version.stderr
    assert (refused.returncode, proxy.returncode) == (1, 1)
    for run in (refused, proxy):
        assert "must be restarted for its changed settings, and containers with GPUs run: job.scope" in run.stderr
        assert "Nothing was restarted. Fix: drain or stop them, then pulumi up" in run.stderr
    assert host.bash(STARTED) == started
    host.bash("systemctl stop job.scope")
    assert host.apply("engine", docker())["docker"] == "changed"
    assert host.bash(STARTED) != started
    assert "HTTP Proxy: http://proxy.example.org:3128" in host.bash("docker info")
    host.bash("rm -r /etc/systemd/system/docker.service.d")
    assert host.check()["docker"][1] == "systemd has not read the changed files of docker.service"
    host.apply("engine", docker())
    assert "proxy.example.org" not in host.bash("docker info")


PROXY = '[Service]\nEnvironment="HTTP_PROXY=http://proxy.example.org:3128"\n'


@pytest.mark.row("C4")
def test_a_container_runs_by_the_first_user_once_per_version(host: LabHost) -> None:
    _import(host)
    began = host.bash("date +%s").strip()
    verified = docker(verifyImage=IMAGE)
    assert host.apply("engine", verified)["container_runs"] == "changed"
    assert host.apply("engine", verified)["container_runs"] == "unchanged"
    created = f"docker events --since {began} --until $(($(date +%s) + 1)) --filter event=create"
    assert host.bash(created).count("container create") == 1
    assert host.bash("docker images -q") != ""  # it was here before
    missing = host.run("engine", docker(verifyImage="127.0.0.1:9/none:1"))
    assert "127.0.0.1:9/none:1 does not run as deploy: " in missing.stderr
    assert "connection refused" in missing.stderr
    failing = host.run("engine", docker(verifyImage=f"{REGISTRY}/busybox:1.36"))
    assert "No command specified" in failing.stderr
    assert ". Fix: see that this host reaches the image's registry" in failing.stderr
    assert host.bash("docker ps -aq") == ""


def _import(host: LabHost) -> None:
    busybox = base64.b64encode((unpacked("busybox-static") / "bin" / "busybox").read_bytes()).decode()
    host.bash("mkdir /run/image; base64 -d >/run/image/true; chmod 755 /run/image/true", busybox)
    host.bash(f"tar -C /run/image -c true | docker import -c 'CMD [\"/true\"]' - {IMAGE}; rm -r /run/image")


def test_members_of_the_group_are_the_sites_and_those_that_were_there(host: LabHost) -> None:
    host.bash("useradd ana; useradd own; usermod -aG docker own")
    host.apply("engine", docker(users=["deploy", "ana"]))
    assert members(host) == {"deploy", "ana", "own"}
    host.apply("engine", docker(users=["ana"]))
    assert members(host) == {"ana", "own"}
    unknown = host.run("engine", docker(users=["nobody-here"]))
    says = "has no user nobody-here, wants it in the group docker. Fix: write accounts: {nobody-here: {}}"
    assert says in unknown.stderr
    host.apply("engine", docker())
    assert members(host) == {"deploy", "own"}
    host.bash("userdel ana; userdel own")


def members(host: LabHost) -> set[str]:
    return set(host.bash("getent group docker | cut -d: -f4").strip().split(",")) - {""}


def test_logins_are_their_owners_alone_beside_others(host: LabHost) -> None:
    other = {"auths": {"other.example.org": {"auth": "eDp5"}, REGISTRY: {"auth": "b2xkOm9sZA=="}}}
    host.bash(
        "mkdir -p /root/.docker; cat >/root/own.json; ln -s ../own.json /root/.docker/config.json", json.dumps(other)
    )
    logged = docker(logins={REGISTRY: {"user": "site", "passwordSecret": "pull"}})
    done = host.run("engine", logged, SECRETS)
    assert done.returncode == 0, done.stderr
    assert host.check() == {}
    for file, owner in (("/root/.docker", "root"), ("/home/deploy/.docker", "deploy")):
        assert host.bash(f"stat -Lc '%U %a' {file}/config.json") == f"{owner} 600\n"
        auths = json.loads(host.bash(f"cat {file}/config.json"))["auths"]
        assert base64.b64decode(auths[REGISTRY]["auth"]).decode() == f"site:{PASSWORD}"
    assert "other.example.org" in host.bash("cat /root/.docker/config.json")
    assert PASSWORD not in host.bash("cat /var/lib/gpu-metal/log/engine/* /var/lib/gpu-metal/ledger/*")
    host.bash("chmod 644 /root/.docker/config.json")
    assert host.check()["pull_logins"][1] == "/root/.docker/config.json is missing, or not readable by root alone"
    host.apply("engine", docker())
    assert json.loads(host.bash("cat /root/own.json")) == other
    host.bash("test ! -e /home/deploy/.docker; test -L /root/.docker/config.json; rm -r /root/.docker /root/own.json")


def test_preflight_sees_a_subnet_that_the_host_has(host: LabHost) -> None:
    assert host.questions(checks(Docker.model_validate({"kind": "docker"}))) == {}
    overlapping = Docker.model_validate({"kind": "docker", "subnet": "10.213.0.1/16"})
    said = host.questions(checks(overlapping))["docker_subnet"]
    assert said.startswith("has the network 10.213.77.0/24 on host0, which overlaps Docker's 10.213.0.0/16. Fix: ")


@pytest.mark.row("C2")
def test_docker_goes_and_leaves_volumes_and_what_was_not_its_own(before: Mapping[str, Any], host: LabHost) -> None:
    host.bash("docker volume create data; touch /var/lib/docker/volumes/data/_data/x")
    done = host.gpu_metal("remove")
    assert done.returncode == 0, done.stderr
    assert settings(host) == MINE
    assert host.bash("find /var/lib/docker -type f -path '*/_data/*'") == "/var/lib/docker/volumes/data/_data/x\n"
    assert host.bash("iptables-save 2>/dev/null | grep -i docker || true; ls /sys/class/net").split() == ["host0", "lo"]
    host.bash("rm -r /etc/docker /var/lib/docker/volumes")
    assert differences(before, host.snapshot()) == {}


def changed(host: LabHost, wanted: list[Step]) -> set[str]:
    return {step for step, what in host.apply("engine", wanted).items() if what == "changed"}
