"""The image gateway by its steps on an emulated host: installed, pulling, drifted, mended, of an older version, gone.

munge, Sanic, Flask, Celery, Redis, pip and systemd are real. The gateway is the lab's stand-in with upstream's
interface, the database FerretDB, which speaks MongoDB's protocol; registry and package index are the lab's. Not proven
here: upstream's own code, MongoDB, a parallel filesystem, RHEL's names. Other hosts: ../lab/test_story.py.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.host.packages import repositories
from components.host.repositories import AptRepository
from components.hostrun.step import Step
from components.platforms.shifter import gateway, munge, runtime
from components.platforms.shifter.config import Shifter
from lab import paths
from lab.hosts import faults, inventory, lab
from lab.parts.shifter import depot
from tests.parts.shifter.scripts.site import SECRETS, shifter, site
from tests.scripts.lab_host import LabHost, differences

pytestmark = [pytest.mark.lab, pytest.mark.row("F5")]

REGISTRY = f"{inventory.GATEWAY}:5000"
NEW, OLD = "22.02.1", "16.08.5"
SETTINGS = "/etc/shifter/imagemanager.json"
PATH = "/opt/shifter/imagegw"
LISTENS = "until ss -Hltn 'sport = :5000' | grep . >/dev/null; do sleep 0.2; done"
DATABASE = "timeout 60 bash -c 'until ss -Hltn | grep -q 127.0.0.1:27017; do sleep 0.2; done'"
URI = "mongodb://127.0.0.1:27017/?appName=p%40ss"


def wanted(host: LabHost, version: str = NEW, *, images: str = "/srv/images", **of_gateway: Any) -> Shifter:
    archive = depot.archive(version)
    base = {
        "host": host.machine.name,
        "index": depot.INDEX,
        "mongodb": {"package": "ferretdb", "service": "ferretdb"},
        "locations": {REGISTRY: {"url": f"http://{REGISTRY}"}},
    }
    source = {"version": version, "archive": {"url": archive.url, "sha256": archive.sha256}}
    places = {"path": images, "shared": False}
    return shifter(host.machine.name, source=source, gateway={**base, **of_gateway}, images=places)


def steps(host: LabHost, config: Shifter) -> list[Step]:
    """All of a host that is gateway and asks it."""
    hosts = site(host.machine)
    own = hosts[host.machine.name]
    return [
        *munge.steps(config, own, hosts),
        *runtime.source(config),
        *gateway.steps(config, own, hosts),
        *gateway.reachable(config, hosts),
    ]


def made(host: LabHost, config: Shifter, **secrets: str) -> set[str]:
    """The steps that changed."""
    done = host.run("shifter", steps(host, config), {**SECRETS, **secrets})
    assert done.returncode == 0, done.stderr
    return {line.split()[2] for line in done.stderr.splitlines() if " changed " in line}


def refused(host: LabHost, config: Shifter, **secrets: str) -> str:
    done = host.run("shifter", steps(host, config), {**SECRETS, **secrets})
    assert done.returncode == 1, done.stderr
    return done.stderr


def asked(host: LabHost, path: str, *, post: bool = False) -> Any:
    """The gateway's answer to a user with munge."""
    words = "--request POST --data '{}' --header 'content-type: application/json'" if post else ""
    ask = f"curl -sS --max-time 60 {words} --config - http://127.0.0.1:5000/api/{path}/"
    return json.loads(host.bash(f"munge -n | sed 's/.*/header = \"authentication: &\"/' | {ask}"))


def pulled(host: LabHost, tag: str = "busybox:1.36") -> str:
    """Pulls it as shifterimg does: asks again until it is there. Returns its id."""
    for _ in range(60):
        answer = asked(host, f"pull/lab/docker/{tag}", post=True)
        if answer["status"] in {"READY", "FAILURE"}:
            break
        host.bash("sleep 1")
    assert answer["status"] == "READY", answer
    return str(answer["id"])


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    spare.install()
    values = {"url": f"http://{inventory.GATEWAY}:8080/apt", "keyFile": "key.asc"}
    key = (paths.LAB / "apt" / "key.asc").read_text()
    spare.apply("sources", repositories({"lab": AptRepository.model_validate(values)}, {"lab": key}, "debian"))
    return spare.snapshot()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001
    """With the gateway, as a site first brings it."""
    made(spare, wanted(spare))
    yield spare
    spare.gpu_metal("remove")


def test_it_pulls_an_image_as_a_user_of_its_own_and_nothing_is_done_twice(host: LabHost) -> None:
    assert made(host, wanted(host)) == set()
    assert host.check() == {}
    id_ = pulled(host)
    owner = host.bash(f"stat -c '%U %a' /srv/images/{id_}.squashfs /srv/images/{id_}.meta").splitlines()
    assert owner == ["shifter 644", "shifter 644"]
    assert "bin/busybox" in host.bash(f"unsquashfs -ll /srv/images/{id_}.squashfs")
    assert [image["tag"] for image in asked(host, "list/lab")["list"]] == [["busybox:1.36"]]
    process = host.bash("systemctl show -p MainPID --value shifter_imagegw").strip()
    assert host.bash(f"stat -c %U /proc/{process}") == "shifter\n"
    assert "127.0.0.1:27017" in host.bash("ss -Hltn 'sport = :27017'")


@pytest.mark.row("F2")
def test_a_system_that_the_gateway_does_not_know_is_told_as_such(host: LabHost) -> None:
    other = wanted(host).model_copy(update={"system": "greina"})
    [question] = gateway.reachable(other, site(host.machine))[1:]
    assert host.questions([question])["imagegw_reachable"].startswith("system greina differs: the image gateway at ")
    host.bash(f'sed -i \'s/"lab"/"bal"/\' {SETTINGS}; systemctl restart shifter_imagegw; {LISTENS}')
    seen = host.check()
    assert seen["imagegw_service"][1].startswith("system lab differs: ")
    assert seen["imagegw_reachable"][1].startswith("system lab differs: ")
    assert made(host, wanted(host)) == {"imagegw_config", "imagegw_service"}


@pytest.mark.row("F4")
def test_munge_that_the_gateway_does_not_believe_is_told_as_such(host: LabHost) -> None:
    host.bash(f"sed -i 's,munge.socket.2,none,' {SETTINGS}; systemctl restart shifter_imagegw; {LISTENS}")
    assert " refuses this host's munge (HTTP " in host.check()["imagegw_reachable"][1]
    made(host, wanted(host))
    host.bash("systemctl stop munge")
    assert host.check()["imagegw_reachable"][1].startswith("munge makes no credential: ")
    assert made(host, wanted(host)) == {"munge"}


def test_requirements_that_cannot_be_installed_leave_the_old_ones_at_work(host: LabHost, tmp_path: Path) -> None:
    used = host.bash(f"readlink {PATH}/python-virtualenv")
    file = tmp_path / "requirements.txt"
    file.write_text("pymongo==0.1\nsanic\n")
    says = refused(host, wanted(host, requirements=str(file)))
    assert (
        "cannot be installed for Python 3.11: Could not find a version that satisfies the requirement pymongo==0.1"
        in says
    )
    assert "Fix: an index that has it for this Python (gateway.index), another gateway.python" in says
    assert "The previous environment stays in use." in says
    frozen = host.bash(f"{PATH}/python-virtualenv/bin/pip freeze | grep -E '^(pymongo|sanic)='").split()
    file.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in frozen))
    assert "has another hash than gateway.requirements says. Fix: " in refused(
        host, wanted(host, requirements=str(file))
    )
    file.write_text("pymongo\n")
    assert "requirements name neither sanic nor flask" in refused(host, wanted(host, requirements=str(file)))
    assert "has no python3.7, which gateway.python names" in refused(host, wanted(host, python="python3.7"))
    assert host.bash(f"readlink {PATH}/python-virtualenv") == used
    assert asked(host, "list/lab")["list"]
    assert made(host, wanted(host)) == set()


def test_what_was_changed_by_hand_is_seen_and_mended(host: LabHost) -> None:
    rounds = (
        {
            f"echo >>{PATH}/shifter_imagegw/api.py": "imagegw_code",
            f"rm -r {PATH}/python-virtualenv/lib/python3.11/site-packages/sanic": "imagegw_environment",
            f"chmod 644 {SETTINGS}": "imagegw_config",
            "chown root /srv/images": "imagegw_folders",
            "systemctl disable -q --now shifter_imagegw": "imagegw_service",
            "systemctl stop ferretdb": "mongodb_service",
        },
        {
            f"truncate -s 0 {PATH}/.gpu-metal": "imagegw_code",
            f"ln -sfn environments/other {PATH}/python-virtualenv": "imagegw_environment",
            f"truncate -s 9 {SETTINGS}": "imagegw_config",
            "rm /etc/systemd/system/shifter_imagegw.service": "imagegw_service",
        },
    )
    for harms in rounds:
        host.bash("; ".join(harms))
        assert set(harms.values()) <= set(host.check())
        assert set(harms.values()) <= made(host, wanted(host))
        assert host.check() == {}


def test_a_database_that_everyone_reaches_is_no_database(host: LabHost) -> None:
    host.bash("cp -a /etc/default/ferretdb /run/before; sed -i s/127.0.0.1// /etc/default/ferretdb")
    host.bash("systemctl restart ferretdb")
    host.bash("for i in $(seq 600); do ss -Hltn | grep -q :27017 && break; sleep 0.2; done")
    says = host.check()["mongodb_service"][1]
    assert says.startswith("ferretdb listens on *:27017: whoever reaches this host could change what images there are.")
    host.bash("cp -a /run/before /etc/default/ferretdb; systemctl restart ferretdb")
    host.bash(DATABASE)
    assert host.check() == {}


def test_a_host_without_a_source_of_the_database_says_what_to_write(host: LabHost) -> None:
    config = wanted(host, mongodb={"package": "mongodb-org=7.0.*", "service": "mongod"})
    says = refused(host, config)
    assert (
        "no package source of this host has mongodb-org, the image gateway's database. Fix: its vendor's source" in says
    )
    assert made(host, wanted(host)) <= {"packages#mongodb", "mongodb_service", "imagegw_service", "imagegw_config"}


def test_a_database_elsewhere_is_reached_by_a_uri_that_nobody_reads(host: LabHost) -> None:
    config = wanted(host, mongodb={"uriSecret": "database"})
    # The same one, which asks for no password: what counts here is where the URI goes. It stays as the other step's.
    host.bash("apt-mark manual ferretdb >/dev/null; cp -a /var/lib/ferretdb /run/data")
    assert "is not a URI of a MongoDB" in refused(host, config, database="127.0.0.1")
    host.bash(
        f"DEBIAN_FRONTEND=noninteractive apt-get install -qq ferretdb >/dev/null; systemctl start ferretdb; {DATABASE}"
    )
    changed = made(host, config, database=URI)
    assert {"imagegw_config", "imagegw_service"} <= changed
    assert made(host, config, database=URI) == set()
    assert made(host, config, database=URI + "2") == {"imagegw_config", "imagegw_service"}
    assert host.bash(f"stat -c %a:%U:%G {SETTINGS}") == "640:root:shifter\n"
    logs = host.bash("cat /var/lib/gpu-metal/log/*/* /var/lib/gpu-metal/ledger/*; journalctl -o cat; ps -ef")
    assert "p%40ss" not in logs
    host.bash("systemctl disable -q --now ferretdb; apt-get purge -qq ferretdb >/dev/null")
    assert "mongodb_service" in made(host, wanted(host))


def test_a_parallel_filesystem_and_a_taken_port_are_told_before(host: LabHost) -> None:
    config, hosts = wanted(host), site(host.machine)
    checks = gateway.checks(config, hosts[host.machine.name], hosts)
    assert host.questions(checks) == {}
    fake = 'case "$*" in *FSTYPE*) echo lustre ;; *) echo mds@tcp:/scratch ;; esac'
    host.bash("printf '#!/bin/sh\\n%s\\n' " + f"'{fake}' >/run/findmnt; chmod +x /run/findmnt")
    host.bash("mount --bind /run/findmnt /usr/bin/findmnt")
    says = host.questions(checks)["imagegw_expand"]
    host.bash("umount /usr/bin/findmnt")
    assert says.startswith(
        "images.expand, /var/shifter/expand, is on lustre (mds@tcp:/scratch): pulls would take up to 40"
    )
    host.bash(f"systemctl stop shifter_imagegw; systemd-run -q --unit=taken python3 -m http.server 5000; {LISTENS}")
    assert host.questions(checks)["imagegw_port"].startswith("has in use: port 5000 (python3, process ")
    assert "port 5000 is in use by python3, process " in refused(host, config)
    host.bash("systemctl stop taken")
    assert made(host, config) == {"imagegw_service"}


def test_a_run_that_is_cut_is_gone_on_with(host: LabHost) -> None:
    config = wanted(host, also=["daint"])
    cut = (
        f"rm -rf {PATH}/environments/*; mkdir -p {PATH}/environments/half {PATH}/.fresh; printf none >{PATH}/.gpu-metal"
    )
    host.bash(cut)
    assert {"imagegw_code", "imagegw_environment", "imagegw_config", "imagegw_service"} <= made(host, config)
    assert host.check() == {}
    assert len(host.bash(f"ls {PATH}/environments").split()) == 1
    assert host.bash(f"ls -d {PATH}/.fresh 2>/dev/null || true") == ""
    assert asked(host, "list/daint")["list"] == []
    made(host, wanted(host))
    faults.power_cut(host.machine)
    lab.start(host.machine)
    host.bash(f"for i in $(seq 300); do systemctl is-active -q shifter_imagegw && break; sleep 1; done; {LISTENS}")
    assert host.check() == {}


@pytest.mark.long
def test_an_older_version_pulls_by_celery_and_leaves_nothing_of_it(host: LabHost) -> None:
    old = wanted(host, OLD)
    changed = made(host, old)
    assert {"packages#redis", "imagegw_workers", "imagegw_code", "imagegw_environment", "imagegw_service"} <= changed
    assert made(host, old) == set()
    assert host.check() == {}
    assert host.bash(f"test -f /srv/images/{pulled(host, 'pause:3.10.1')}.squashfs && echo there") == "there\n"
    assert host.bash("systemctl is-active shifter_imagegw_worker@lab redis-server") == "active\nactive\n"
    host.bash("systemctl stop shifter_imagegw_worker@lab")
    assert host.check()["imagegw_workers"][1].startswith("shifter_imagegw_worker@lab does not run. Fix: journalctl -u")
    assert made(host, old) == {"imagegw_workers"}
    assert {"imagegw_workers", "imagegw_redis"} & made(host, wanted(host)) == set()
    assert host.check() == {}
    assert host.bash("ls /etc/systemd/system/*worker* /usr/bin/redis-server 2>/dev/null || true") == ""
    assert host.bash("systemctl is-active shifter_imagegw_worker@lab || true") == "inactive\n"


def test_images_stay_with_their_owner_and_without_images_nothing_does(before: Mapping[str, Any], host: LabHost) -> None:
    id_ = pulled(host)
    assert host.gpu_metal("undo shifter").returncode == 0
    assert host.bash(f"stat -c %U /srv/images/{id_}.squashfs") == "shifter\n"
    [folders] = [step for step in steps(host, wanted(host)) if step.id == "imagegw_folders"]
    host.apply("shifter", [folders])
    host.bash("find /srv/images -mindepth 1 -delete")
    assert host.gpu_metal("undo shifter").returncode == 0
    assert host.bash("getent passwd shifter || true") == ""
    # There before it was taken into use again, so it stays, and root's.
    assert host.bash("stat -c %U /srv/images; rmdir /srv/images") == "root\n"
    left = differences(before, host.snapshot())
    assert not [path for path in left if not path.startswith("/var/lib/gpu-metal")], left
