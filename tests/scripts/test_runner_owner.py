"""Whose host it is: the host refuses another stack, another state of the same stack, and a call that comes too late.

Does not prove: that a stack says who it is (tests/unit/test_owner.py), how runs meet (tests/lab/test_bad_luck.py).
"""

import json
import subprocess
from pathlib import Path

import pytest

from components.hostrun import library
from tests.scripts.runner_host import Host, snapshot
from tests.scripts.test_install import Machine

FIRST, LATER = "gpu-metal lab - 1111", "gpu-metal lab - 2222"
SECOND = "gpu-metal dev - 3333"


def files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, mode and change time of what is no folder."""
    return {path: seen for path, seen in snapshot(folder).items() if not Path(path).is_dir()}


def apply(host: Host, owner: str, text: str = "x", status: int = 0) -> str:
    words = ("apply", "base", "::", *host.file("a", text))
    done = host.run(*words, payload=f"owner {owner}\n" if owner else "")
    assert done.returncode == status, done.stderr
    return done.stderr


def says(host: Host, *words: str, owner: str, status: int = 0) -> str:
    done = host.run(*words, payload=f"owner {owner}\n" if owner else "")
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def test_the_first_stack_that_changes_a_host_has_it_and_another_is_refused_by_name(host: Host) -> None:
    apply(host, FIRST)
    own = (host.home / "owner").read_text().split()
    assert (own[:4], own[5:]) == (FIRST.split(), ["-"])
    assert (host.home / "owner").stat().st_mode & 0o777 == 0o600
    before = snapshot(host.ledger().parent) | snapshot(host.path(""))
    refused = apply(host, SECOND, "y", status=1)
    assert f"[owner] belongs to stack gpu-metal/lab since {own[4]}; this run is of stack gpu-metal/dev. " in refused
    assert "Nothing was changed. Fix: " in refused
    assert "sitectl adopt" in refused
    assert snapshot(host.ledger().parent) | snapshot(host.path("")) == before
    assert "unchanged" in apply(host, FIRST)


@pytest.mark.parametrize("words", [("undo", "base"), ("remove",)])
def test_another_stack_undoes_nothing_and_its_delete_ends_well(host: Host, words: tuple[str, ...]) -> None:
    apply(host, FIRST)
    before = snapshot(host.home) | snapshot(host.path(""))
    told = says(host, *words, owner=SECOND, status=3 if words[0] == "remove" else 0)
    assert "[owner] belongs to stack gpu-metal/lab since" in told
    assert "Nothing was undone here, and this stack forgets it." in told
    assert snapshot(host.home) | snapshot(host.path("")) == before
    says(host, *words, owner=FIRST)
    assert not host.path("a").exists()


def test_a_host_whose_owner_nobody_can_read_is_changed_by_nobody_until_it_is_adopted(host: Host) -> None:
    apply(host, FIRST)
    (host.home / "owner").write_text("gpu-metal la")
    before = snapshot(host.home / "ledger") | snapshot(host.path(""))
    for told in (apply(host, FIRST, "y", status=1), says(host, "remove", owner=FIRST, status=1)):
        assert "[owner] belongs to somebody whose name cannot be read" in told
        assert "Nothing was changed. Fix: if this stack has it, sitectl adopt " in told
    assert snapshot(host.home / "ledger") | snapshot(host.path("")) == before
    assert json.loads(host.run("check", "--json").stdout)["owner"] is None
    says(host, "adopt", owner=FIRST)
    assert "unchanged" in apply(host, FIRST)


def test_a_stack_whose_site_got_an_id_keeps_its_hosts_and_a_namesake_with_another_id_is_refused(host: Host) -> None:
    apply(host, FIRST)
    assert says(host, "adopt", owner="gpu-metal lab rack7 1111") == "adopted\n"
    apply(host, "gpu-metal lab rack7 1111")
    refused = apply(host, "gpu-metal lab rack8 4444", "y", status=1)
    assert "belongs to stack gpu-metal/lab (site rack7) since" in refused
    assert "this run is of stack gpu-metal/lab (site rack8)" in refused


def test_a_later_state_of_the_stack_has_the_host_and_the_earlier_one_is_told_so(host: Host) -> None:
    apply(host, FIRST)
    says(host, "adopt", owner=LATER)
    apply(host, LATER, "of the later one")
    assert "[owner] belongs to another state of stack gpu-metal/lab since" in apply(host, FIRST, "y", status=1)
    assert "left alone" in says(host, "undo", "base", owner=FIRST)
    assert host.path("a").read_text() == "of the later one\n"
    says(host, "adopt", owner=FIRST)
    apply(host, FIRST, "y")
    assert "has two states" in apply(host, LATER, "z", status=1)


def test_adopt_changes_the_owner_and_nothing_else_and_the_next_apply_does_the_rest(host: Host) -> None:
    apply(host, FIRST)
    text, ledger = host.path("a").read_text(), host.ledger().read_text()
    says(host, "adopt", owner=SECOND)
    assert (host.path("a").read_text(), host.ledger().read_text()) == (text, ledger)
    assert "changed" in apply(host, SECOND, "y")
    assert "stack gpu-metal/dev" in apply(host, FIRST, "x", status=1)
    assert "adopted by gpu-metal dev - 3333" in (host.home / "history").read_text()
    assert host.run("adopt").returncode == 2


@pytest.mark.parametrize("words", [("undo", "base"), ("remove",)])
def test_what_an_interrupted_run_left_on_its_way_is_refused_once_a_newer_run_has_been_here(
    host: Host, words: tuple[str, ...]
) -> None:
    apply(host, FIRST)
    says(host, "adopt", "20261129T214000Z", owner=FIRST)
    late = says(host, *words, owner=FIRST, status=1)
    assert "[owner] a newer run of stack gpu-metal/lab" in late
    assert "Nothing was undone. Fix: pulumi up" in late
    assert "a newer run" in says(host, *words, "20261129T210000Z", owner=FIRST, status=1)
    assert host.path("a").exists()
    says(host, *words, "20261129T214000Z", owner=FIRST)
    assert not host.path("a").exists()


@pytest.mark.parametrize("words", [("undo", "base"), ("remove",)])
def test_a_delete_of_a_run_that_was_interrupted_again_is_newer_than_what_the_host_was_told(
    host: Host, words: tuple[str, ...]
) -> None:
    apply(host, FIRST)
    says(host, "adopt", "20261129T214000Z", owner=FIRST)
    says(host, *words, "20261130T080000Z", owner=FIRST)
    assert not host.path("a").exists()


def test_root_at_the_console_and_a_stack_of_an_earlier_release_are_not_judged(host: Host) -> None:
    apply(host, FIRST)
    apply(host, "", "y")
    says(host, "undo", "base", owner="")
    assert not host.path("a").exists()
    assert host.run("remove").returncode == 0


def test_check_and_facts_say_who_has_the_host(host: Host) -> None:
    assert json.loads(host.run("check", "--json").stdout)["owner"] is None
    apply(host, "gpu-metal lab rack7 1111")
    own = json.loads(host.run("check", "--json").stdout)["owner"]
    since = own.pop("since")
    assert own == {"project": "gpu-metal", "stack": "lab", "site": "rack7", "state": "1111"}
    assert since == (host.home / "owner").read_text().split()[4]


def sent(machine: Machine, owner: str, *words: str, run: str = "") -> "subprocess.CompletedProcess[str]":
    return machine.bash(library.install_text(owner, run).encode(), *words)


def brought(machine: Machine, owner: str, run: str = "") -> "subprocess.CompletedProcess[str]":
    staged = machine.root / "staged.tar.gz"
    staged.write_bytes(library.archive())
    return sent(machine, owner, "install", library.digest(), str(staged), "gpu-1", run=run)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_install_refuses_another_stack_before_anything_changes_and_remove_leaves_all_there(machine: Machine) -> None:
    assert brought(machine, FIRST).returncode == 0
    before = files(machine.home)
    refused = brought(machine, SECOND)
    assert refused.returncode == 1
    assert "✗ gpu-1 [owner] belongs to stack gpu-metal/lab since" in refused.stderr
    left = sent(machine, SECOND, "remove")
    assert (left.returncode, "this stack forgets it" in left.stderr) == (0, True)
    assert files(machine.home) == before
    assert machine.bin.exists()
    assert sent(machine, FIRST, "remove").returncode == 0
    assert not machine.home.exists()


def test_a_state_that_was_lost_goes_on_by_itself_and_the_old_one_may_not_come_back(machine: Machine) -> None:
    brought(machine, FIRST)
    taken = brought(machine, LATER)
    assert taken.returncode == 0, taken.stderr
    assert "! gpu-1 [owner] was set up by another state of stack gpu-metal/lab since" in taken.stderr
    assert "has two states" in brought(machine, FIRST).stderr
    assert sent(machine, FIRST, "remove").returncode == 0
    assert machine.home.exists()
    assert sent(machine, LATER, "remove").returncode == 0
    assert not machine.home.exists()


def test_an_install_of_a_newer_run_is_what_a_late_remove_meets(machine: Machine) -> None:
    brought(machine, FIRST)
    brought(machine, FIRST, "20261129T214000Z")
    late = sent(machine, FIRST, "remove")
    assert (late.returncode, "a newer run of stack gpu-metal/lab" in late.stderr) == (1, True)
    assert machine.bin.exists()
    assert sent(machine, FIRST, "remove", "20261129T214000Z").returncode == 0
    assert not machine.home.exists()
