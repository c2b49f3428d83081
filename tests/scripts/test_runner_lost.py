"""gpu-metal where its own things are lost or cannot be written, and where a step is killed: what is said, what is kept.

Does not prove: how Pulumi shows it.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from components.hostrun import library
from components.hostrun.target import HAS_RUNNER
from tests.scripts.runner_host import Host, until
from tests.scripts.test_install import Machine

BEGIN = "✗ gpu-1 [install] gpu-metal could not be put here: "


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With gpu-metal on it, and a ledger of the layer base without a step."""
    made = Machine(tmp_path)
    assert made.install(library.archive()).returncode == 0
    (made.home / "ledger").mkdir()
    (made.home / "ledger/base").write_text("gpu-metal ledger 1\nend 0\n")
    return made


def removed(machine: Machine) -> "subprocess.CompletedProcess[str]":
    return machine.bash(library.INSTALL.encode(), "remove")


def test_a_host_whose_link_alone_is_gone_is_undone_by_the_runner_that_is_left(machine: Machine) -> None:
    machine.bin.unlink()
    (machine.home / "ledger/base").write_text("cut")
    refused = removed(machine)
    assert refused.returncode == 1
    assert "the ledger of base is cut short" in refused.stderr
    assert machine.home.exists()
    (machine.home / "ledger/base").write_text("gpu-metal ledger 1\nend 0\n")
    assert removed(machine).returncode == 0
    assert not machine.home.exists()


def test_without_any_runner_what_was_applied_is_not_forgotten(machine: Machine) -> None:
    shutil.rmtree(machine.home / "runner")
    refused = removed(machine)
    assert refused.returncode == 1
    assert "and what it applied is not: base. Nothing was undone. Fix: " in refused.stderr
    assert (machine.home / "ledger/base").exists()
    assert machine.install(library.archive()).returncode == 0
    assert removed(machine).returncode == 0


def test_a_ledger_that_is_gone_is_said(machine: Machine) -> None:
    shutil.rmtree(machine.home)
    done = removed(machine)
    assert done.returncode == 0
    assert "is gone: nothing tells what was applied here, and nothing was undone." in done.stderr
    assert not machine.bin.is_symlink()


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        ("mount -t tmpfs -o size=300k t {home}", "is full; free some space"),
        ("mount -t tmpfs -o nr_inodes=20 t {home}", "has no free inodes"),
        ("mount --bind {home} {home}; mount -o remount,bind,ro {home}", "is mounted read-only"),
        ("mount -t tmpfs -o size=1m t {run}; cp {root}/staged.tar.gz {run}/", "make room there"),
    ],
    ids=["full", "no inodes", "read-only", "full run"],
)
def test_gr12_an_install_that_cannot_write_says_which_way(tmp_path: Path, prepare: str, says: str) -> None:
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare to change mounts")
    machine = Machine(tmp_path)
    machine.home.mkdir()
    (machine.root / "staged.tar.gz").write_bytes(library.archive())
    script = prepare.format(home=machine.home, run=machine.run, root=machine.root)
    staged = f"{machine.run if '{run}/' in prepare else machine.root}/staged.tar.gz"
    words = f"install {library.digest()} {staged} gpu-1"
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-ec", f"{script}\nexec bash -s -- {words}"],
        input=library.INSTALL, capture_output=True, text=True, env=machine.environment, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith(BEGIN)
    assert says in line


@pytest.mark.parametrize(
    ("apply", "says"),
    [
        ("kill -9 $$", "apply was killed: by hand, or because this host ran out of memory"),
        ("timeout 0.1 sleep 60", "apply ended with status 124."),
    ],
)
def test_a_step_that_ended_before_its_limit_is_not_called_slow(host: Host, apply: str, says: str) -> None:
    ref = host.step("dies", f"# x\ncheck() {{ untrue x; }}\napply() {{ {apply}; }}\n")
    failed = host.apply("base", [ref], status=1).stderr
    assert says in failed
    assert "did not end within" not in failed


def test_a_check_that_was_killed_is_not_called_slow(host: Host) -> None:
    ref = host.step("dies", "# x\ncheck() { kill -9 $$; }\napply() { :; }\n")
    failed = host.apply("base", [ref], status=1).stderr
    assert "check was killed: by hand, or because this host ran out of memory" in failed


def rows(host: Host) -> list[tuple[str, str, str]]:
    steps = json.loads(host.run("check", "--json").stdout)["layers"][0]["steps"]
    return [(row["step"], row["status"], row["says"]) for row in steps]


def test_a_library_that_is_lost_is_one_row_that_drift_can_record(host: Host) -> None:
    host.apply("base", host.file("a", "1"), host.file("b", "2", "two"))
    shutil.rmtree(host.home / "library")
    [(step, status, says)] = rows(host)
    assert (step, status) == ("library", "drift")
    assert "is not in this host's library. Nothing was run. Fix: sitectl drift --record, then pulumi up" in says


def test_while_a_run_works_its_layer_is_not_judged(host: Host) -> None:
    run = host.start("apply", "base", "::", *host.marked())
    until((host.root / "begun").exists)
    [(step, status, says)] = rows(host)
    assert (step, status) == ("run", "broken")
    assert says.startswith("a run goes on here: held since ")
    assert says.endswith("base step 1 of 1 (marked). Fix: wait for its end, then again")
    (host.root / "go").touch()
    assert run.wait(120) == 0
    assert [status for _, status, _ in rows(host)] == ["ok"]


@pytest.mark.parametrize("part", ["check.sh", "os/debian.names", "lib.sh"])
@pytest.mark.parametrize("how", ["lost", "cut"])
def test_a_runner_that_is_damaged_says_so_before_it_does_anything(machine: Machine, part: str, how: str) -> None:
    [runner] = (machine.home / "runner").iterdir()
    if how == "lost":
        (runner / part).unlink()
    else:
        (runner / part).write_text("check_layers() {\n")
    failed = subprocess.run(
        [machine.bin, "check", "--json"], capture_output=True, text=True, env=machine.environment, check=False
    )
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr == (
        f"✗ gpu-1 [runner] gpu-metal itself is damaged there: {runner}/{part} is lost or changed. Nothing was changed. "
        "Fix: sitectl drift --record, then pulumi up\n"
    )
    assert machine.install(library.archive()).returncode == 0
    assert subprocess.run([machine.bin, "check"], env=machine.environment, check=False).returncode == 0


def test_a_damaged_list_of_layers_hides_none_and_breaks_no_answer(host: Host) -> None:
    host.apply("base", host.file("a", "1"))
    (host.home / "layers").write_bytes(b'ba\x01"se\n\xff\xfe\n\n')
    [layer] = json.loads(host.run("check", "--json").stdout)["layers"]
    assert (layer["layer"], [row["status"] for row in layer["steps"]]) == ("base", ["ok"])
    assert host.run("remove").returncode == 0
    assert not host.path("a").exists()


def test_an_empty_identity_is_no_other_machine_and_is_written_again(machine: Machine) -> None:
    (machine.home / "identity").write_text("")
    assert machine.install(library.archive()).returncode == 0
    assert (machine.home / "identity").read_text() == "gpu-1\n"


def test_a_run_that_ends_where_nothing_was_expected_to_fail_is_told_as_one_of_this_host(host: Host) -> None:
    host.home.mkdir(exist_ok=True)
    (host.home / "begun").write_text("not a folder")
    failed = host.apply("base", host.file("a", "1"), status=1).stderr.splitlines()
    assert "File exists" in failed[-2]
    assert re.fullmatch(
        r"✗ \S+ \[runner\] the run ended with status 1, for the reason above\. Fix: mend that, .*", failed[-1]
    )
    (host.home / "begun").unlink()
    host.apply("base", host.file("a", "1"))


@pytest.mark.parametrize(
    ("prepare", "answer"),
    [
        ("mount -t tmpfs t {0}; install -m 700 /bin/true {0}/gpu-metal", ""),
        ("mount -t tmpfs t {0}", "bare\n"),
        ("mount -t tmpfs t {0}; ln -s /nowhere {0}/gpu-metal", "bare\n"),
        ("mount -t tmpfs -o noexec t {0}; install -m 700 /bin/true {0}/gpu-metal", "barred\n"),
        ("mount -t tmpfs t {0}; install -m 600 /bin/true {0}/gpu-metal", "barred\n"),
    ],
    ids=["there", "gone", "dangling", "noexec", "mode"],
)
def test_whether_the_runner_can_be_run_is_asked(prepare: str, answer: str) -> None:
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare to change mounts")
    script = f"{prepare.format('/usr/local/sbin')}; {HAS_RUNNER}"
    done = subprocess.run(["unshare", "--mount", "bash", "-ec", script], capture_output=True, text=True, check=True)
    assert done.stdout == answer
