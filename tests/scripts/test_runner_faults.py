"""gpu-metal when things go wrong: two runs, kills, lost connections, cut ledgers (gR1, gR4, gR5, gR8, gR11, gR12)."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.scripts.runner_host import RUNNER, Host, kill, readable, snapshot, until


def test_gr4_a_second_run_waits_and_says_who_holds_the_lock(tmp_path: Path) -> None:
    host = Host(tmp_path)
    first = host.start("apply", "base", "::", *host.marked())
    until((host.root / "begun").exists)
    hasty = Host(tmp_path, {"GPU_METAL_LOCK_WAIT": "0", "SUDO_USER": "ana"}).run("apply", "base", "::", *host.marked())
    assert hasty.returncode == 75
    who = r"held since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by \S+.*, base step 1 of 1 \(marked\)"
    assert re.search(rf"✗ \S+ \[lock\] {who}, and did not end within 0 s\. Nothing was changed\.", hasty.stderr)
    patient = host.start("apply", "base", "::", *host.marked())
    assert patient.stderr
    assert b"waits for another run: held since" in patient.stderr.readline()
    (host.root / "go").touch()
    assert (first.wait(120), patient.wait(120)) == (0, 0)
    assert (host.root / "count").read_text() == "once\n"


@pytest.mark.row("X9")
def test_gr4_two_runs_at_the_same_instant_change_a_host_once(host: Host) -> None:
    ref = host.step(
        "count", '# x\ncheck() { [[ -e $(input at) ]] || untrue x; }\napply() { echo once >>"$(input at)"; }\n'
    )
    for number in range(5):
        counter = host.root / f"count-{number}"
        runs = [host.start("apply", "base", "::", f"{ref}#{number}", f"at={counter}") for _ in range(2)]
        texts = [run.communicate(timeout=120)[1] for run in runs]
        assert [run.returncode for run in runs] == [0, 0]
        assert counter.read_text() == "once\n"
        assert sorted(b"unchanged" in text for text in texts) == [False, True]


def test_gr5_a_killed_runners_step_keeps_the_lock_and_the_next_run_goes_on_from_it(host: Host) -> None:
    first = host.start("apply", "base", "::", *host.marked())
    until((host.root / "begun").exists)
    kill(first)
    second = host.start("apply", "base", "::", *host.marked())
    assert second.stderr
    assert b"base step 1 of 1 (marked)" in second.stderr.readline()
    (host.root / "go").touch()
    _, err = second.communicate(timeout=120)
    assert second.returncode == 0
    assert b"base 1/1 marked unchanged" in err
    assert (host.root / "count").read_text() == "once\n"


def test_gr1_what_a_killed_apply_left_is_undone_when_its_step_leaves_the_site(host: Host) -> None:
    run = host.start("apply", "base", "::", *host.marked())
    step = int(until(lambda: readable(host.root / "begun")))
    os.kill(step, signal.SIGKILL)
    assert run.wait(120) == 1
    assert (host.root / "begun").exists()
    assert "\tbegun\t" in host.ledger().read_text()
    assert "base undo marked undone" in host.apply("base").stderr
    assert not (host.root / "begun").exists()


@pytest.mark.parametrize("how", ["pipes closed", "hang-up"])
def test_gr5_a_lost_connection_does_not_stop_the_run(host: Host, how: str) -> None:
    ref = host.step("after", '# x\ncheck() { [[ -e $(input at) ]] || untrue x; }\napply() { : >"$(input at)"; }\n')
    run = host.start("apply", "base", "::", *host.marked(), "::", ref, f"at={host.root / 'after'}")
    assert run.stdout
    assert run.stderr
    until((host.root / "begun").exists)
    run.stdout.close()
    run.stderr.close()
    if how == "hang-up":
        run.send_signal(signal.SIGHUP)
    (host.root / "go").touch()
    assert run.wait(120) == 0
    assert host.ledger().read_text().count("\tdone\t") == 2


def test_a_daemon_that_a_step_leaves_behind_holds_neither_the_run_nor_the_lock(host: Host) -> None:
    ref = host.step(
        "daemon",
        """# x
check() { [[ -e $(input at) ]] || untrue x; }
apply() { sleep 600 & echo $! >"$(input at)"; echo begun; }
""",
    )
    pid = host.root / "pid"
    host.apply("base", [ref, f"at={pid}"])
    try:
        assert not any(fd.readlink().name == "lock" for fd in Path(f"/proc/{pid.read_text().strip()}/fd").iterdir())
        host.apply("other", host.file("a", "1"))
    finally:
        os.kill(int(pid.read_text()), signal.SIGTERM)


def test_gr8_a_ledger_cut_anywhere_is_seen_and_the_next_run_mends_it(host: Host) -> None:
    steps = [host.file("a", "1"), host.file("b", "2", "two")]
    host.apply("base", *steps)
    whole = host.ledger().read_bytes()
    for length in [*range(0, len(whole) - 2, len(whole) // 5), len(whole) - 2]:
        host.ledger().write_bytes(whole[:length])
        answer = json.loads(host.run("check", "--json").stdout)
        row = answer["layers"][0]["steps"][0]
        assert (answer["ok"], row["step"], row["status"]) == (False, "ledger", "drift"), length
        assert row["says"].endswith("Fix: sitectl drift --record, then pulumi up.")
    refused = host.run("undo", "base")
    assert refused.returncode == 1
    assert (
        "Nothing was undone. Fix: have the layer applied again (back into the site if it has left it; "
        in refused.stderr
    )
    mended = host.apply("base", *steps)
    assert "[ledger] the ledger of base is cut short" in mended.stderr
    assert "cannot be undone" in mended.stderr
    assert mended.stderr.count("unchanged") == 2
    assert host.ledger().read_bytes() == whole
    assert (host.home / "broken/base").read_bytes() == whole[:-2]
    host.run("undo", "base")
    assert not host.path("a").exists()


def test_a_ledger_with_a_line_changed_is_not_trusted(host: Host) -> None:
    host.apply("base", host.file("a", "1"))
    host.ledger().write_text(host.ledger().read_text().replace("\tdone\t", "\tmaybe\t"))
    assert "has an odd line 2" in host.run("check").stdout


def test_a_newer_ledger_is_refused_and_left_alone(host: Host) -> None:
    host.apply("base", host.file("a", "1"))
    newer = host.ledger().read_text().replace("gpu-metal ledger 1", "gpu-metal ledger 2")
    host.ledger().write_text(newer)
    for words in (["apply", "base", "::", *host.file("a", "2")], ["undo", "base"], ["remove"]):
        refused = host.run(*words)
        assert refused.returncode == 1
        assert "was written by a newer gpu-metal (schema 2; this one knows 1). Nothing was changed." in refused.stderr
    assert "newer gpu-metal" in host.run("check").stdout
    assert host.ledger().read_text() == newer
    assert host.path("a").read_text() == "1\n"


def test_a_changed_step_file_is_refused_before_anything_runs(host: Host) -> None:
    good, bad = host.file("a", "1"), [host.step("bad", "# x\ncheck() { :; }\n")]
    (host.home / "library" / f"{bad[0]}.sh").write_text("# x\ncheck() { touch /tmp/never; }\n")
    assert "[step-digest]" in host.apply("base", good, bad, status=1).stderr
    assert not host.path("a").exists()
    missing = host.apply("base", good, ["gone@0123456789ab"], status=1)
    assert "[step-digest] gone@0123456789ab is not in this host's library. Nothing was run." in missing.stderr


def test_a_step_file_changed_after_it_was_applied_is_a_row_of_check_and_stops_undo(host: Host) -> None:
    step = host.file("a", "1")
    host.apply("base", step)
    (host.home / "library" / f"{step[0]}.sh").write_text("# x\ncheck() { :; }\n")
    row = json.loads(host.run("check", "--json").stdout)["layers"][0]["steps"][0]
    assert (row["step"], row["status"]) == ("library", "drift")
    assert row["says"].endswith("then sitectl drift --record, then pulumi up.")
    assert "[step-digest]" in host.run("undo", "base").stderr
    assert host.path("a").exists()


def test_a_failed_undo_says_so_and_is_taken_up_again(host: Host) -> None:
    ref = host.step(
        "stuck",
        """# x
check() { [[ -e $(input at)/it ]] || untrue x; }
apply() { : >"$(input at)/it"; }
undo() { [[ -e $(input at)/free ]] || { echo "it is busy"; exit 1; }; rm -f "$(input at)/it"; }
""",
    )
    host.apply("base", host.file("a", "1"), [ref, f"at={host.root}"], host.file("b", "2", "two"))
    failed = host.run("undo", "base")
    assert failed.returncode == 1
    assert "[stuck] undo ended with status 1." in failed.stderr
    assert "it is busy" in failed.stderr
    assert (host.path("a").exists(), host.path("b").exists()) == (True, False)
    (host.root / "free").touch()
    assert host.run("undo", "base").returncode == 0
    assert not (host.path("a").exists() or (host.root / "it").exists())


def test_long_lines_and_odd_bytes_are_cut_and_made_valid(host: Host) -> None:
    noise = r"head -c 200000 /dev/zero | tr '\0' x; printf '\n\377\376 \"q\" \\ \t\001 \342\202\n'"
    ref = host.step("noisy", f'# x\ncheck() {{ untrue "$({noise})"; }}\napply() {{ {noise}; exit 3; }}\n')
    failed = host.start("apply", "base", "::", ref)
    out, err = failed.communicate(timeout=120)
    assert len(out + err) <= 4096
    assert '\ufffd\ufffd "q"' in err.decode()
    tried = host.start("try", "--json", "base", "::", ref)
    out, _ = tried.communicate(timeout=120)
    assert json.loads(out)["layers"][0]["steps"][0]["says"].startswith("xxx")
    assert max(len(line) for line in out.splitlines()) <= 4096


def in_namespace(host: Host, prepare: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs gpu-metal where `prepare` has changed the mounts, for it alone."""
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare to change mounts")
    script = f'{prepare}\nexport GPU_METAL_HOME={host.home} GPU_METAL_RUN={host.root}/run\nexec bash {RUNNER} "$@"'
    return subprocess.run(
        ["unshare", "--mount", "bash", "-ec", script, "bash", *words],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


READ_ONLY = "mount -o remount,bind,ro / && ! : 2>/dev/null >/tmp/gpu-metal-must-not-be"


def test_gr11_check_and_facts_answer_on_a_read_only_root(host: Host) -> None:
    host.apply("base", host.file("a", "1"))
    before = snapshot(host.root)
    answer = in_namespace(host, READ_ONLY, "check", "--json")
    assert json.loads(answer.stdout)["ok"] is True, answer.stderr
    assert json.loads(in_namespace(host, READ_ONLY, "facts", "--json").stdout)["boot_id"]
    assert snapshot(host.root) == before


SMALL = "cp -a {home} {home}.copy; mount -t tmpfs -o size=400k,nr_inodes=80 tmpfs {home}; cp -a {home}.copy/. {home}/; "


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (SMALL + "head -c 1M /dev/zero 2>/dev/null >{home}/fill || true", "is full; free some space"),
        (SMALL + "while : 2>/dev/null >{home}/$((++i)); do :; done", "has no free inodes"),
        ("mount --bind {home} {home}; mount -o remount,bind,ro {home}", "is mounted read-only"),
    ],
    ids=["full", "no inodes", "read-only"],
)
def test_gr12_a_host_that_cannot_write_says_which_way_and_goes_on_when_it_can(
    host: Host, fault: str, says: str
) -> None:
    steps = [host.file("a", "1"), host.file("b", "2", "two")]
    host.apply("base", steps[0])
    failed = in_namespace(host, fault.format(home=host.home), "apply", "base", *(w for s in steps for w in ("::", *s)))
    assert failed.returncode == 1
    assert "[ledger]" in failed.stderr
    assert says in failed.stderr
    assert not host.path("b").exists()
    assert host.apply("base", *steps).stdout == "base: 2 steps hold\n"


def test_a_check_that_hangs_ends_with_all_that_it_began_and_the_others_are_asked(tmp_path: Path) -> None:
    host = Host(tmp_path, {"GPU_METAL_CHECK_TIMEOUT": "1"})
    apply = "apply() { :; }\n"
    hangs = host.step("hangs", f"# x\ncheck() {{ sleep 1000 & echo $! >{tmp_path}/pid; echo begun; wait; }}\n{apply}")
    holds = host.step("holds", f"# x\ncheck() {{ :; }}\n{apply}")
    asked = host.run("try", "--json", "base", "::", hangs, "::", holds)
    rows = {row["step"]: (row["status"], row["says"]) for row in json.loads(asked.stdout)["layers"][0]["steps"]}
    assert rows == {"hangs": ("broken", "check did not end within 1 s: begun"), "holds": ("ok", "")}
    until(lambda: not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists())


@pytest.mark.parametrize("last", ["kill -KILL $$", "kill -KILL $BASHPID", "exit 3"])
def test_a_check_that_ends_its_process_is_broken_and_the_others_are_asked(host: Host, last: str) -> None:
    ends = host.step("ends", f"# x\ncheck() {{ echo begun; {last}; }}\napply() {{ :; }}\n")
    holds = host.step("holds", "# x\ncheck() { :; }\napply() { :; }\n")
    asked = host.run("try", "--json", "base", "::", ends, "::", holds, "::", f"{ends}#again")
    rows = [(row["status"], row["says"]) for row in json.loads(asked.stdout)["layers"][0]["steps"]]
    assert rows[1] == ("ok", "")
    assert rows[0] == rows[2]
    assert re.fullmatch(r"check (broke with status 3|was killed: by hand, or .*): begun", rows[0][1])


def test_a_check_may_print_what_it_likes(host: Host) -> None:
    text = "head -c 100000 /dev/zero; head -c 100000 /dev/urandom; printf '\\n\\001no\\n'"
    prints = host.step("prints", f"# x\ncheck() {{ {text}; untrue 'it is off'; }}\napply() {{ :; }}\n")
    asked = host.run("try", "--json", "base", "::", prints)
    assert [row["says"] for row in json.loads(asked.stdout)["layers"][0]["steps"]] == ["it is off"]
