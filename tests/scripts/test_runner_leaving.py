"""A layer leaves a host that stays: what the layers below have lost waits for it."""

import json

import pytest

from tests.scripts.runner_host import FILE, Host
from tests.scripts.test_runner import ORDERED


def listed(host: Host, *layers: str) -> None:
    """What install writes: the layers that the site has for this host."""
    host.home.mkdir(exist_ok=True)
    (host.home / "site").write_text("".join(f"{layer}\n" for layer in layers))


def test_what_a_layer_lost_waits_for_the_layers_that_leave_the_host(host: Host) -> None:
    ref, log = host.step("ordered", ORDERED), host.root / "list"

    def step(name: str) -> list[str]:
        return [f"{ref}#{name}", f"name={name}", f"list={log}"]

    listed(host, "base", "db*")
    host.apply("base", step("a"), step("user"), step("tool"))
    host.apply("db", step("run"))
    host.apply("db-more", step("more"))
    listed(host, "base")
    said = host.apply("base", step("a"), step("new")).stderr
    assert "base undo ordered#tool waits until this has left: db db-more" in said
    assert log.read_text().split() == ["a", "user", "tool", "run", "more", "new"]
    gone = json.loads(host.run("check", "--json").stdout)["layers"]
    assert [(each["layer"], row["step"]) for each in gone for row in each["steps"] if row["status"] != "ok"] == [
        ("db", "run"),
        ("db-more", "run"),
    ]
    host.run("undo", "db-more")
    assert log.read_text().splitlines()[6:] == ["undo more"]
    assert "base undo ordered#user undone" in host.run("undo", "db").stderr
    assert log.read_text().splitlines()[6:] == ["undo more", "undo run", "undo tool", "undo user"]
    lines = host.ledger().read_text().splitlines()[1:-1]
    assert [line.split("\t")[0] for line in lines] == ["ordered#a", "ordered#new"]
    assert host.run("check").returncode == 0
    assert not list((host.home / "waiting").iterdir())


def test_what_waits_stays_when_the_layer_comes_back_and_goes_when_none_leaves(host: Host) -> None:
    listed(host, "base", "db")
    a, b = host.file("a", "1"), host.file("b", "2", "b")
    host.apply("base", a, b)
    host.apply("db", host.file("c", "3"))
    listed(host, "base")
    host.apply("base", a)
    listed(host, "base", "db")
    assert "file#b unchanged" in host.apply("base", a, b).stderr
    host.run("undo", "db")
    assert host.path("b").exists()
    host.apply("base", a)
    assert not host.path("b").exists()


def test_an_undo_that_waited_and_failed_is_seen_and_tried_again(host: Host) -> None:
    ref = host.step("stuck", FILE.replace("restore", f"[[ ! -e {host.root}/stuck ]] || return 7; restore"))
    stuck = [ref, f"path={host.path('b')}", "text=x"]
    listed(host, "base", "db")
    host.apply("base", host.file("a", "1"), stuck)
    host.apply("db", host.file("c", "3"))
    listed(host, "base")
    host.apply("base", host.file("a", "1"))
    (host.root / "stuck").touch()
    failed = host.run("undo", "db")
    assert (failed.returncode, host.path("c").exists()) == (1, False)
    assert "undo ended with status 7" in failed.stderr
    assert host.run("check").returncode == 1
    (host.root / "stuck").unlink()
    assert host.run("undo", "db").returncode == 0
    assert not host.path("b").exists()
    assert host.run("check").returncode == 0


def test_a_pure_check_does_not_wait(host: Host) -> None:
    ref = host.step("question", "# It is so.\ncheck() { :; }\n")
    listed(host, "preflight", "db")
    host.apply("preflight", [ref])
    host.apply("db", host.file("c", "3"))
    listed(host, "preflight")
    assert "waits" not in host.apply("preflight", host.file("a", "1")).stderr


def db_taken_out(host: Host) -> tuple[list[str], list[str]]:
    """base, db and other are there, and the site has no db any more; gives the steps of base."""
    listed(host, "base", "db", "other")
    a, b = host.file("a", "1"), host.file("b", "2", "b")
    host.apply("base", a, b)
    host.apply("db", host.file("c", "3"))
    host.apply("other", host.file("d", "4"))
    listed(host, "base", "other")
    return a, b


def test_what_a_failed_run_would_leave_waiting_is_not_undone_by_another_layers_end(host: Host) -> None:
    """The run failed, and the operator took the edit back: Pulumi sees no difference, and runs the layer no more."""
    never = host.step("never", "# It never holds.\ncheck() { untrue no; }\n")
    a, _ = db_taken_out(host)
    host.apply("base", a, [never], status=1)
    listed(host, "base", "db")
    host.run("undo", "other")
    assert host.path("b").exists()
    assert host.run("check").returncode == 0


@pytest.mark.parametrize("members", ["members-07", "member-gpu-1"])
def test_members_of_a_former_control_plane_do_not_leave_and_a_layer_above_does_not_wait(
    host: Host, members: str
) -> None:
    listed(host, "base", "gpu", "engine")
    host.apply("base", host.file("a", "1"), host.file("b", "2", "b"))
    host.apply("gpu", host.file("c", "3"))
    host.apply("engine", host.file("d", "4"), host.file("e", "5", "e"))
    host.apply(members, host.file("f", "6"))
    assert host.run("check").returncode == 0
    host.apply("base", host.file("a", "1"))
    assert not host.path("b").exists()
    listed(host, "base", "engine")
    host.apply("engine", host.file("d", "4"))
    assert not host.path("e").exists()


def test_an_applied_layer_is_the_sites_whatever_an_interrupted_run_listed(host: Host) -> None:
    host.apply("base", host.file("a", "1"))
    host.apply("db", host.file("c", "3"))
    listed(host, "base")
    assert host.run("check").returncode == 1
    host.apply("db", host.file("c", "3"))
    assert host.run("check").returncode == 0


def test_a_layer_that_left_stays_begun_until_what_waited_for_it_has_gone(host: Host) -> None:
    """Else an edit that is taken back here would leave no layer, and no difference to see."""
    ref = host.step("stuck", FILE.replace("restore", "return 7; restore"))
    listed(host, "base", "db")
    host.apply("base", host.file("a", "1"), [ref, f"path={host.path('b')}", "text=x"])
    host.apply("db", host.file("c", "3"))
    listed(host, "base")
    host.apply("base", host.file("a", "1"))
    assert host.run("undo", "db").returncode == 1
    listed(host, "base", "db")
    rows = {each["layer"]: each["steps"] for each in json.loads(host.run("check", "--json").stdout)["layers"]}
    assert [row["step"] for row in rows["db"]] == ["run"]
    host.apply("db", host.file("c", "3"))
    assert host.path("c").exists()


def test_what_waited_for_a_layer_that_came_back_is_not_undone_by_the_end_of_another(host: Host) -> None:
    """Killed after the change below, recovered, taken back: Pulumi does not run the layer below again."""
    a, b = db_taken_out(host)
    host.apply("base", a)
    listed(host, "base", "db")
    host.run("undo", "other")
    assert host.path("b").exists()
    assert "waiting for no layer" in host.run("check").stdout
    host.apply("base", a, b)
    assert host.run("check").returncode == 0
