"""A Docker that others set up, with their container in it, taken over by the steps: the container runs on, or is named.

Not proven here: Docker 23 and later, which validates its settings itself; a swarm.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.engine import steps
from components.engine.config import Docker
from components.engine.verify import checks
from components.host.packages import packages
from components.hostrun.step import Step
from tests.scripts.docker_host import DAEMON, FORMER, IMAGE, THEIRS, adopted
from tests.scripts.lab_host import LabHost

pytestmark = [pytest.mark.lab, pytest.mark.row("C2", "G8")]

STARTED = "systemctl show -p ActiveEnterTimestampMonotonic docker"
BEGAN = "docker inspect -f '{{.State.Running}} {{.State.StartedAt}}' web"


@pytest.fixture(scope="module")
def host() -> Iterator[LabHost]:
    with adopted() as host:
        host.bash(f"docker run -d --name web {IMAGE} sleep 6000")
        yield host


def docker(**more: Any) -> list[Step]:
    return steps.engine(
        Docker.model_validate({"kind": "docker", "package": "docker.io", "cgroupDriver": "cgroupfs", **more})
    )


def refused(host: LabHost, wanted: list[Step]) -> str:
    """What it says; neither the container nor the daemon was touched."""
    began = host.bash(BEGAN + ";" + STARTED)
    done = host.run("engine", wanted)
    assert (done.returncode, host.bash(BEGAN + ";" + STARTED)) == (1, began), done.stderr
    return done.stderr


@pytest.mark.row("H16")
def test_another_engine_is_named_with_what_would_go_before_any_change(host: LabHost) -> None:
    def asked(**more: Any) -> dict[str, str]:
        return host.questions(checks(Docker.model_validate({"kind": "docker", **more})))

    says = asked()["engine_others"]
    assert says.startswith("has another container engine, which would be removed: containerd, docker.io, runc (")
    assert "running containers: web). Nothing was changed. Fix: engine.replace: [containerd, docker.io, runc]" in says
    assert asked(package="docker.io") == asked(replace=["containerd", "docker.io", "runc"]) == {}
    host.bash("ln -s /bin/true /usr/local/bin/dockerd")
    assert asked(package="docker.io")["engine_others"].startswith(
        "has /usr/local/bin/dockerd, a container engine of no"
    )
    host.bash("rm /usr/local/bin/dockerd")


def test_a_running_docker_takes_live_restore_before_it_restarts(host: LabHost) -> None:
    began, started = host.bash(BEGAN), host.bash(STARTED)
    assert host.apply("engine", docker())["docker"] == "changed"
    assert host.bash(BEGAN) == began
    assert host.bash(STARTED) != started
    assert host.bash(f"readlink {DAEMON}; stat -c %a {THEIRS}") == f"{THEIRS}\n640\n"
    settings = json.loads(host.bash(f"cat {THEIRS}"))
    assert (settings["log-driver"], settings["log-opts"]) == ("json-file", {"max-file": "3", "max-size": "100m"})
    assert (settings["live-restore"], settings["debug"]) == (True, False)
    assert host.check() == {}
    assert set(host.apply("engine", docker()).values()) == {"unchanged"}


def test_a_change_that_live_restore_does_not_bridge_names_the_containers(host: LabHost) -> None:
    says = refused(host, docker(subnet="172.29.0.1/16"))
    assert "these containers would stop by it: web (live-restore does not carry them over this change)" in says
    assert "Nothing was restarted. Fix: docker stop web, then pulumi up; docker start web brings them back" in says
    assert set(host.apply("engine", docker())) >= {"docker_config", "docker"}  # the change is taken back
    assert host.check() == {}
    assert refused(host, docker(liveRestore=False, logMaxSize="9m")).count("would stop by it: web (") == 1
    host.bash("docker stop -t 0 web")
    assert host.apply("engine", docker(liveRestore=False))["docker"] == "changed"
    host.bash("docker start web")
    assert "would stop by it: web (Docker runs without live-restore" in refused(
        host, docker(liveRestore=False, logMaxSize="9m")
    )
    pinned = refused(host, docker(version="99.0", liveRestore=False))
    assert "to 99.0, which would stop containers: web. Nothing was changed. Fix: docker stop web, then" in pinned
    began = host.bash(BEGAN)
    host.apply("engine", docker())
    assert (host.bash(BEGAN), host.check()) == (began, {})


def test_a_setting_that_the_unit_gives_by_a_flag_is_told_with_its_file(host: LabHost) -> None:
    text, began = host.bash("cat /etc/default/docker"), host.bash(STARTED)
    host.bash("""echo 'DOCKER_OPTS="--log-driver journald"' >>/etc/default/docker""")
    says = refused(host, docker(logMaxSize="8m"))
    assert (
        "docker.service starts Docker with --log-driver, and the site sets log-driver in /etc/docker/daemon.json"
        in says
    )
    assert "Fix: take --log-driver out of /etc/default/docker, then systemctl daemon-reload" in says
    host.bash("cat >/etc/default/docker", text)
    says = refused(host, docker(cgroupDriver="systemd"))  # the daemon would not find its containers again
    assert "live-restore does not carry them over this change" in says
    host.apply("engine", docker())
    assert (host.check(), host.bash(STARTED)) == ({}, began)


def test_an_installation_removes_nothing_that_the_site_does_not_name(host: LabHost) -> None:
    def chrony(*allowed: str) -> Step:
        return packages(["chrony"], label="time", replace=("engine.replace", allowed))

    host.bash("apt-get install -qy --no-install-recommends systemd-timesyncd")
    done = host.run("other", [chrony()])
    assert "the installation of chrony would remove systemd-timesyncd. Nothing was installed." in done.stderr
    assert "Fix: engine.replace: [systemd-timesyncd] in the site" in done.stderr
    assert host.apply("other", [chrony("systemd-timesyncd")]) == {"packages#time": "changed"}
    assert host.gpu_metal("undo other").returncode == 0
    assert "systemd-timesyncd" in host.bash("dpkg --get-selections")


def test_undo_gives_back_link_and_settings_and_stops_no_container(host: LabHost) -> None:
    began = host.bash(BEGAN)
    done = host.gpu_metal("remove")
    assert done.returncode == 0, done.stderr
    assert host.bash(f"readlink {DAEMON}; stat -c %a {THEIRS}; cat {THEIRS}") == f"{THEIRS}\n640\n{FORMER}"
    assert host.bash(BEGAN) == began
