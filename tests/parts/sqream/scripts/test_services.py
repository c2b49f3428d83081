"""SQream's services by their steps on an emulated host: systemd's units, upgrades, and the end of Docker.

The package is the lab's stand-in. Not proven: the vendor's own, a second real host, a host of RHEL.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.hostrun.ssh import Target
from components.platforms.sqream import aside
from lab.hosts import lab
from lab.parts.sqream import depot as sqream
from tests.parts.sqream.scripts.host import TUNED, WORKERS, applied, config, package, refused, running, settled, version
from tests.scripts.lab_host import LabHost, differences, target

pytestmark = pytest.mark.lab

HOLD = "/etc/gpu-metal-sqream/hold"


@pytest.fixture(scope="module")
def host(docker: LabHost, before: Mapping[str, Any]) -> LabHost:  # noqa: ARG001
    """The stand-in's first version at work."""
    applied(docker, config(workers=WORKERS))
    return docker


def up(host: LabHost, **more: Any) -> set[str]:
    """The steps that changed."""
    done = applied(host, config(**{"workers": WORKERS, **more}))
    return {step for step, what in done.items() if what == "changed"}


@pytest.mark.row("Q6", "Q7")
def test_master_workers_and_studio_run_as_the_site_has_them(host: LabHost) -> None:
    assert up(host) == set()
    assert set(running(host)) == {3000, 3105, 5000, 5001, 5002, 5003}
    status = host.bash("sqream-status")
    assert [f":{port}->" in status for port in (3105, 3108, 5000, 5001, 5002, 5003, 3000)] == [True] * 7
    env = "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "
    seen = {
        port: dict(line.split("=", 1) for line in host.bash(env + id_).splitlines() if line)
        for port, id_ in running(host).items()
        if port >= 5000
    }
    assert {port: (of["GPU"], of["SPOOL_GB"]) for port, of in seen.items()} == {
        5000: ("0", "auto"),
        5001: ("1", "2"),
        5002: ("1", "2"),
        5003: ("2", "auto"),
    }
    assert json.loads(host.bash(f"cat {seen[5003]['CONFIG']}")) == TUNED["settings"]
    policies = "docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' $(docker ps -q) | sort -u"
    assert host.bash(policies) == "no\n"
    assert host.bash("systemctl is-active gpu-metal-sqream-{master,worker-500{0,1,2,3},studio} | sort -u") == "active\n"


@pytest.mark.row("Q6")
def test_a_worker_added_changed_or_removed_touches_no_other(host: LabHost) -> None:
    first = running(host)
    added = [*WORKERS, {"gpu": 3, "port": 5010}]
    assert "sqream_service#worker-5010" in up(host, workers=added)
    assert {port: id_ for port, id_ in running(host).items() if port != 5010} == first
    second = running(host)
    tuned = [*WORKERS[:2], {**TUNED, "settings": {"limitQueryMemoryGB": 9}}, added[-1]]
    assert up(host, workers=tuned) == {"sqream_service#worker-5003"}
    assert {port for port, id_ in running(host).items() if second[port] != id_} == {5003}
    third = running(host)
    assert up(host, workers=[*WORKERS[:2], added[-1]]) <= {"sqream_service#worker-5010", "sqream_service#studio"}
    assert running(host) == {port: id_ for port, id_ in third.items() if port != 5003}
    assert host.bash("ls /etc/systemd/system /etc/gpu-metal-sqream /etc/sqream | grep 5003 || true") == ""
    up(host)


@pytest.mark.row("Q6")
def test_settings_that_no_worker_bears_are_taken_back(host: LabHost, fault: Any) -> None:
    fault("worker")
    tuned = [*WORKERS[:2], {**TUNED, "settings": {"limitQueryMemoryGB": 1}}]
    first = running(host)
    said = refused(host, config(workers=tuned))
    assert "worker on port 5003 did not start: error: sqream_single_host_worker_" in said
    assert "sqreamd: out of memory (lab). Fix: correct what it says in the site" in said
    assert running(host) == {port: id_ for port, id_ in first.items() if port != 5003}
    host.bash("rm /run/lab-sqream")
    # A file that a hand broke: the worker does not start with it, and is started with the site's again.
    host.bash("echo '{' >/etc/sqream/gpu-metal-worker-5003.json")
    assert host.check()["sqream_service#worker-5003"][0] == "drift"
    assert up(host) == {"sqream_service#worker-5003"}


@pytest.mark.long
@pytest.mark.row("Q6")
def test_former_settings_serve_while_new_ones_do_not(host: LabHost) -> None:
    # A second worker cannot have the port that another program has.
    host.bash("systemd-run -q --unit=other python3 -m http.server 5020")
    moved = [*WORKERS[:2], TUNED, {"gpu": 3, "port": 5020}]
    said = refused(host, config(workers=moved))
    host.bash("systemctl stop other")
    assert "worker on port 5020 did not start: " in said
    assert "in use" in said or "already allocated" in said
    up(host)
    # GPU 8 is not there: the worker that served on GPU 2 does so again.
    said = refused(host, config(workers=[*WORKERS[:2], {**TUNED, "gpu": 8}]))
    assert "error: gpu 8: this host has 8 GPUs. It runs with its previous settings again. Fix: " in said
    assert host.bash("cat /run/gpu-metal-sqream/worker-5003").splitlines()[1] == "gpu=2"
    up(host)
    assert host.check() == {}


@pytest.mark.row("Q7")
def test_a_query_is_answered_and_the_guides_password_is_said(host: LabHost, fault: Any) -> None:
    asked = "check --json sqream-query"
    assert "SQream accepts the password of its guide for its first account, sqream: " in host.gpu_metal(asked).stdout
    fault("password")
    said = "no query was run: SQream refuses the password of its guide, as it should (error: login failed)"
    answer = host.gpu_metal(asked).stdout
    assert said in answer, answer[-500:]
    host.bash("rm /run/lab-sqream; systemctl stop 'gpu-metal-sqream-worker-*'")
    assert host.check()["sqream_query"][1].startswith("SQream answers no query: error: no worker serves. Fix: ")
    host.bash("gpu-metal-sqream start-all")
    assert host.check() == {}


@pytest.mark.long
@pytest.mark.row("Q1")
def test_a_new_ingest_folder_waits_for_the_window_before_anything_changes(host: LabHost) -> None:
    day = host.bash("date -d '3 days' +%a").strip()
    first = running(host)
    wanted = {"folders": {"storage": "/srv/sqreamdb", "ingest": "/srv/later"}, "window": f"{day} 02:00-03:00"}
    said = refused(host, config(workers=WORKERS, **wanted))
    assert "the ingest folder has changed, and all services must be started anew, but only in the window" in said
    assert running(host) == first
    up(host)
    assert running(host) == first
    assert host.check() == {}


@pytest.mark.row("Q7")
def test_what_differs_is_said_and_mended(host: LabHost) -> None:
    first = running(host)
    said = host.bash(f"docker kill {first[5000]} >/dev/null; ! gpu-metal-sqream fault worker-5000 2>&1")
    assert said == "does not run\n"
    settled(host)
    folder = f"/home/sqream/{sqream.FIRST}"
    console = f"cd {folder}; setpriv --reuid sqream --regid sqream --init-groups script -qec ./sqream-console /dev/null"
    host.bash(console, "sqream worker --start 1 -g 3 -p 5030\nexit\n")
    said = host.check()["sqream_status"][1]
    assert said.startswith("runs sqream_single_host_worker_") and said.endswith("or add it to workers")
    host.bash(
        "docker stop $(docker ps -q --filter publish=5030) >/dev/null; systemctl stop gpu-metal-sqream-worker-5000"
    )
    host.bash(console, "sqream worker --start 1 -g 4 -p 5000\nexit\n")
    said = host.check()["sqream_service#worker-5000"][1]
    assert "has its port taken by sqream_single_host_worker_" in said and said.endswith(", which systemd did not start")
    assert up(host) == {"sqream_service#worker-5000"}
    assert host.bash("cat /run/gpu-metal-sqream/worker-5000").splitlines()[1] == "gpu=0"
    assert host.check() == {}


@pytest.mark.row("Q7")
def test_a_worker_that_is_stopped_while_it_starts_leaves_no_container(host: LabHost, fault: Any) -> None:
    fault("slow")
    unit, there = "gpu-metal-sqream-worker-5001", "docker ps -q --filter publish=5001 | grep -q ."
    begun = f"systemctl stop {unit}; systemctl start --no-block {unit}; until {there}; do sleep 0.1; done"
    said = host.bash(f"{begun}; systemctl is-active {unit} || true; systemctl stop {unit}; rm /run/lab-sqream")
    assert (said, 5001 in running(host)) == ("activating\n", False)
    assert up(host) == {"sqream_service#worker-5001"}


@pytest.mark.long
@pytest.mark.row("Q7")
def test_with_the_master_all_of_them_are_started_anew(host: LabHost) -> None:
    host.bash(f"docker kill {running(host)[3105]} >/dev/null")
    host.bash("while gpu-metal-sqream fault studio >/dev/null 2>&1; do sleep 0.5; done")
    settled(host)


@pytest.mark.row("Q6")
def test_they_come_back_in_order_after_a_reboot(host: LabHost) -> None:
    lab.stop(host.machine)
    lab.start(host.machine)
    settled(host)
    order = "docker inspect -f '{{.State.StartedAt}} {{.Name}}' $(docker ps -q) | sort | cut -d_ -f2-"
    names = [line.strip() for line in host.bash(order).splitlines()]
    assert names[0] == "single_host_master"
    assert names[-1].startswith("editor")
    assert up(host) == set()


@pytest.mark.long
@pytest.mark.row("Q8")
def test_an_upgrade_waits_for_its_window_and_stops_before_harm(host: LabHost, fault: Any) -> None:
    first = running(host)
    next_ = package(sqream.NEXT)
    day = host.bash("date -d '3 days' +%a").strip()
    said = refused(host, config(workers=WORKERS, installer=next_, window=f"{day} 02:00-03:00"))
    assert f"SQreamDB 2020.3 ({sqream.NEXT}) is due instead of SQreamDB 2019.2.1 ({sqream.FIRST}), but only in" in said
    assert running(host) == first
    said = refused(host, config(workers=WORKERS, installer=next_))
    assert "changes the metadata structure from 27 to 28" in said
    assert f"and got no answer. {sqream.FIRST} runs again. Fix: make a copy of the metadata; metadataChange: " in said
    assert version(host) == {"sqream:2019.2.1"}
    fault("load")
    said = refused(host, config(workers=WORKERS, installer=package(sqream.PATCH)))
    assert f"{sqream.FIRST} runs again. Fix: mend what it says; then pulumi up" in said
    assert version(host) == {"sqream:2019.2.1"}
    assert set(running(host)) == set(first)
    assert host.bash(f"ls {HOLD} 2>/dev/null || true") == ""
    up(host)
    assert host.check() == {}


@pytest.mark.row("Q8")
def test_an_upgrade_to_the_same_metadata_needs_no_word(host: LabHost) -> None:
    changed = up(host, installer=package(sqream.PATCH), window="daily 00:00-24:00")
    assert "sqream_upgrade" in changed
    assert version(host) == {"sqream:2019.2.1.4"}
    assert up(host, installer=package(sqream.PATCH), window="daily 00:00-24:00") == set()


@pytest.mark.long
@pytest.mark.row("Q8")
def test_an_upgrade_that_was_cut_holds_all_until_it_is_done(host: LabHost, fault: Any) -> None:
    wanted = {"installer": package(sqream.NEXT), "metadataChange": "2020.3"}
    fault("migrate")
    said = refused(host, config(workers=WORKERS, **wanted))
    assert f"the upgrade to SQreamDB 2020.3 ({sqream.NEXT}) was interrupted: " in said
    assert running(host) == {}
    assert host.check()["sqream_upgrade"][1].startswith(f"the upgrade to {sqream.NEXT} was begun (")
    assert host.bash("systemctl start gpu-metal-sqream-master; docker ps -q --filter name=^sqream_") == ""
    assert "older version must not touch it" in host.bash("gpu-metal-sqream resume 2>&1 || true")
    said = refused(host, config(workers=WORKERS, installer=package(sqream.PATCH)))
    assert f"the metadata may be changed for {sqream.NEXT}, and {sqream.PATCH} must not touch it." in said
    host.bash("rm /run/lab-sqream")
    up(host, **wanted)
    assert version(host) == {"sqream:2020.3"}
    assert set(running(host)) == {8080, 3105, 5000, 5001, 5002, 5003}
    assert host.check() == {}
    said = refused(host, config(workers=WORKERS, installer=package(sqream.PATCH)))
    assert "the metadata was changed for SQreamDB 2020.3, which 2019.2.1.4 cannot read. Nothing was changed." in said
    up(host, **wanted)


@pytest.mark.long
@pytest.mark.row("Q8")
def test_workers_of_another_version_stand_aside_until_theirs_comes(host: LabHost) -> None:
    wanted = {"installer": package(sqream.NEXT), "metadataChange": "2020.3"}
    name = host.machine.name

    async def ask(package: str, window: str | None = None, *others: Target) -> None:
        targets = {of.name: of for of in (target(host.machine), *others)}
        await aside.stand_aside(list(targets), package, window)(targets)

    first = running(host)
    asyncio.run(ask(sqream.NEXT))
    with pytest.raises(aside.NotAsideError) as closed:
        day = host.bash("date -d '3 days' +%a").strip()
        asyncio.run(ask(sqream.PATCH, f"{day} 02:00-03:00"))
    assert f"{name} [sqream] workers of {sqream.NEXT} must stop for {sqream.PATCH}, but only in the window" in str(
        closed.value
    )
    nobody = Target("db-9", "10.213.77.250", 22, "nobody", target(host.machine).host_key)
    with pytest.raises(aside.NotAsideError, match=r"db-9 .* nothing was stopped"):
        asyncio.run(ask(sqream.PATCH, None, nobody))
    assert running(host) == first
    asyncio.run(ask(sqream.PATCH))
    assert running(host) == {}
    assert f"package={sqream.PATCH}\n" in host.bash(f"cat {HOLD}")
    host.bash("gpu-metal-sqream resume")
    assert set(running(host)) == set(first)
    assert up(host, **wanted) == set()


@pytest.mark.row("Q9")
def test_the_storage_is_handed_over(host: LabHost) -> None:
    wanted = {"installer": package(sqream.PATCH if version(host) == {"sqream:2019.2.1.4"} else sqream.NEXT)}
    assert host.bash("find /srv/sqreamdb -user root | head -n 1") != ""
    assert "sqream_hand_over" in up(host, **wanted, handOver=True)
    assert running(host) == {}
    assert host.bash("find /srv/sqreamdb ! -user sqream") == ""
    assert host.bash("ls /etc/systemd/system | grep sqream || true") == ""
    host.bash("chown root /srv/sqreamdb/leveldb")
    assert host.check()["sqream_hand_over"][1] == "/srv/sqreamdb/leveldb is not sqream's"
    assert up(host, **wanted, handOver=True) == {"sqream_hand_over"}


@pytest.mark.row("Q6", "Q9")
def test_undo_leaves_nothing_of_the_services(host: LabHost, before: Mapping[str, Any]) -> None:
    for layer in ("sqream-query", "sqream-run", "sqream"):
        done = host.gpu_metal(f"undo {layer}")
        assert done.returncode == 0, done.stderr
    left = differences(before, host.snapshot())
    # The runner's own records stay until the host is left.
    records = (f"/var/lib/gpu-metal/{each}" for each in ("history", "kept", "log", "secrets"))
    theirs = ("/srv/sqreamdb", "/var/log/sqream", *records)
    assert {path for path in left if not path.startswith(theirs)} == set(), list(left)
