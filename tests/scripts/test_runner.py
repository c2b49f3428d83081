"""gpu-metal on a host, day by day: what holds, what changes, what is reported.

Not proven here: that files survive a power cut (a killed process loses no page cache).
"""

import json
import os
from pathlib import Path

import pytest

from tests.scripts.runner_host import FILE, Host, snapshot

ORDERED = """\
# It is in the list.
check() { grep -qx "$(input name)" "$(input list)" 2>/dev/null || untrue "$(input name) is not in the list"; }
apply() { input name >>"$(input list)"; }
undo() { echo "undo $(input name)" >>"$(input list)"; }
"""


def test_gr3_a_second_apply_changes_nothing_and_touches_no_file(host: Host) -> None:
    steps = [host.file("a", "hello  'world'\t\\t"), host.file("b", "x", "two")]
    first = host.apply("base", *steps)
    before = snapshot(host.home) | snapshot(host.path(""))
    second = host.apply("base", *steps)
    assert first.stdout == second.stdout == "base: 2 steps hold\n"
    assert [line.rsplit(" ", 1)[0] for line in first.stderr.splitlines()] == [
        "base 1/2 file changed",
        "base 2/2 file#two changed",
    ]
    assert second.stderr.count("unchanged") == 2
    assert snapshot(host.home) | snapshot(host.path("")) == before
    assert host.path("a").read_text() == "hello  'world'\t\\t\n"


def test_drift_is_seen_by_check_and_mended_by_apply(host: Host) -> None:
    host.apply("base", host.file("a", "wanted"))
    assert host.run("check").returncode == 0
    host.path("a").write_text("drifted\n")
    table, answer = host.run("check"), host.run("check", "--json", "base")
    assert (table.returncode, answer.returncode) == (1, 1)
    assert table.stdout.split()[:3] == ["base", "file", "drift"]
    says = f"{host.path('a')} has not the text. Fix: write it."
    assert json.loads(answer.stdout) == {
        "host": os.uname().nodename,
        "ok": False,
        "owner": None,
        "layers": [{"layer": "base", "steps": [{"step": "file", "status": "drift", "says": says}]}],
    }
    assert "base 1/1 file changed" in host.apply("base", host.file("a", "wanted")).stderr
    assert json.loads(host.run("check", "--json").stdout)["ok"] is True


def test_a_layer_that_did_not_end_is_not_whole_although_its_steps_hold(host: Host) -> None:
    good, bad = host.file("a", "old"), host.file("b", "x", "two")
    host.apply("base", good)
    host.path("b").mkdir()
    assert host.run("apply", "base", "::", *host.file("a", "new"), "::", *bad).returncode == 1
    rows = json.loads(host.run("check", "--json").stdout)["layers"][0]["steps"]
    assert rows[0]["step"] == "run"
    assert "sitectl drift --record" in rows[0]["says"]
    host.path("b").rmdir()
    host.apply("base", good)
    assert host.run("check").returncode == 0
    assert host.path("a").read_text() == "old\n"


def test_check_of_a_host_where_nothing_was_applied_does_not_say_ok(host: Host) -> None:
    nothing = {"host": os.uname().nodename, "ok": False, "owner": None, "layers": []}
    assert json.loads(host.run("check", "--json").stdout) == nothing
    said = host.run("check", "base").stdout
    assert "nothing of base was applied here. Fix: sitectl drift --record, then pulumi up." in said


def test_vanished_steps_are_undone_in_reverse_order_before_anything_is_applied(host: Host) -> None:
    ref, log = host.step("ordered", ORDERED), host.root / "list"

    def step(name: str) -> list[str]:
        return [f"{ref}#{name}", f"name={name}", f"list={log}"]

    host.apply("base", step("a"), step("b"), step("c"))
    host.apply("base", step("d"), step("b"))
    assert log.read_text().split("\n") == ["a", "b", "c", "undo c", "undo a", "d", ""]
    assert [line.split("\t")[0] for line in host.ledger().read_text().splitlines()[1:-1]] == ["ordered#d", "ordered#b"]


def test_undo_runs_the_version_that_was_applied_with_the_inputs_of_then(host: Host) -> None:
    old = host.file("a", "old")
    host.apply("base", old, host.file("b", "x", "two"))
    host.step("file", FILE.replace("restore", "echo newer; false; restore"))
    host.apply("base", host.file("b", "x", "two"))
    assert not host.path("a").exists()


def test_a_changed_input_reaches_apply_with_the_previous_one(host: Host) -> None:
    ref = host.step(
        "moved",
        """# The file is there.
check() { [[ -e $(input path) ]] || untrue "no file"; }
apply() { previous path none; rm -f -- "$(previous path none)"; : >"$(input path)"; }
""",
    )
    host.apply("base", [ref, f"path={host.root / 'a'}"])
    host.apply("base", [ref, f"path={host.root / 'b'}"])
    assert not (host.root / "a").exists()
    assert (host.home / "log/base/moved.log").read_text() == f"{host.root / 'a'}\n"


def test_undo_puts_back_what_was_there_and_keeps_what_cannot_be_undone(host: Host) -> None:
    host.path("").mkdir()
    host.path("a").write_text("original\n")
    host.path("a").chmod(0o604)
    host.path("linked").write_text("linked\n")
    host.path("link").symlink_to("linked")
    final = host.step("final", '# x\ncheck() { [[ -e $(input at) ]] || untrue x; }\napply() { : >"$(input at)"; }\n')
    before = snapshot(host.path(""))
    steps = [host.file("a", "1"), host.file("link", "2", "l"), host.file("new/deep/c", "3", "c")]
    host.apply("base", *steps, [final, f"at={host.root / 'stays'}"])
    assert [host.path(name).read_text() for name in ("a", "link", "linked")] == ["1\n", "2\n", "2\n"]
    undone = host.run("undo", "base")
    assert (undone.returncode, undone.stdout) == (0, "base: undone\n")
    assert "base undo final kept as it is: it has no undo" in undone.stderr
    assert {name: state[1] for name, state in before.items()} == {
        name: state[1] for name, state in snapshot(host.path("")).items()
    }
    assert [host.path(name).read_text() for name in ("a", "linked")] == ["original\n", "linked\n"]
    assert str(host.path("link").readlink()) == "linked"
    assert host.run("undo", "base").returncode == 0


def test_remove_goes_backwards_through_the_layers_and_leaves_nothing(host: Host) -> None:
    ref, log = host.step("ordered", ORDERED), host.root / "list"
    for layer in ("preflight", "node", "base"):
        host.apply(layer, [ref, f"name={layer}", f"list={log}"])
    assert host.run("remove").stdout == "removed\n"
    assert log.read_text().split("\n")[3:6] == ["undo base", "undo node", "undo preflight"]
    assert not host.home.exists()
    assert not (host.root / "run").exists()


FAILING = """\
# It never holds.
check() { [[ -e $(input mended) ]] || untrue "it is not mended"; }
apply() {
    echo "first line"
    printf 'password %s, again %s\\n' "$(secret password)" "$(secret password)"
    false
    echo "not reached"
}
"""


def test_gr7_a_failed_step_says_where_what_and_the_last_lines_without_secrets_and_the_next_run_goes_on(
    host: Host,
) -> None:
    secret = r"hun/ter[2]*.&\$"
    bad = [host.step("failing", FAILING), f"mended={host.root / 'mended'}"]
    steps = [host.file("a", "1"), bad, host.file("b", "2", "later")]
    failed = host.apply("base", *steps, payload=f"secret failing password 1\n{secret}\n", status=1)
    name = os.uname().nodename
    log = host.home / "log/base/failing.log"
    assert f"✗ {name} [failing] apply ended with status 1." in failed.stderr
    assert f"Log: {log}\nfirst line\npassword •••, again •••\n" in failed.stderr
    assert "not reached" not in failed.stderr
    assert secret not in failed.stdout + failed.stderr + log.read_text()
    assert failed.stdout == ""
    assert host.path("a").exists()
    assert not host.path("b").exists()
    (host.root / "mended").touch()
    again = host.apply("base", *steps)
    assert [line.split()[3] for line in again.stderr.splitlines()] == ["unchanged", "unchanged", "changed"]


def test_an_apply_that_does_not_help_and_a_check_that_breaks_are_told_apart(host: Host) -> None:
    idle = host.step("idle", "# x\ncheck() { untrue 'it is off, wanted on'; }\napply() { :; }\n")
    assert "[idle] was applied, but: it is off, wanted on" in host.apply("base", [idle], status=1).stderr
    # errexit is truly on: the first failing command ends check, it does not fall through to "holds".
    broken = host.step("broken", "# x\ncheck() { echo why; false; true; }\napply() { :; }\n")
    assert "[broken] check broke with status 1: why" in host.apply("base", [broken], status=1).stderr
    inside = host.step("inside", "# x\ncheck() { local x; x=$(false; echo y); }\napply() { :; }\n")
    assert "[inside] check broke with status 1" in host.apply("base", [inside], status=1).stderr


def test_a_step_that_hangs_ends_by_its_deadline(tmp_path: Path) -> None:
    host = Host(tmp_path, {"GPU_METAL_STEP_TIMEOUT": "1"})
    ref = host.step("hangs", "# x\ncheck() { untrue x; }\napply() { echo begun; sleep 1000; }\n")
    assert "apply did not end within 1 s." in host.apply("base", [ref], status=1).stderr


def test_a_step_may_say_how_long_it_takes(host: Host) -> None:
    ref = host.step("long", "# x\n# limit: 1\ncheck() { untrue x; }\napply() { sleep 1000; }\n")
    assert "apply did not end within 1 s." in host.apply("base", [ref], status=1).stderr


def test_the_site_may_say_how_long_a_step_takes(host: Host) -> None:
    ref = host.step("long", "# x\n# limit: 900\ncheck() { untrue x; }\napply() { sleep 1000; }\n")
    assert "apply did not end within 1 s." in host.apply("base", [ref, "node=a", "limit=1"], status=1).stderr


def test_what_a_step_tells_follows_the_answer_and_is_the_same_while_nothing_changed(host: Host) -> None:
    told = host.root / "told"
    told.write_text("node 1\n")
    step = [host.step("teller", f"# It tells.\ncheck() {{ :; }}\ntell() {{ cat {told}; }}\n")]
    assert host.apply("base", step, host.file("a", "1")).stdout == "base: 2 steps hold\nnode 1\n"
    assert host.apply("base", step, host.file("a", "1")).stdout == "base: 2 steps hold\nnode 1\n"
    told.unlink()
    assert "[teller] holds, but tell ended with status 1: cat:" in host.apply("base", step, status=1).stderr


def test_a_layer_of_checks_reports_every_failure(host: Host) -> None:
    pure = host.step("pure", '# x\ncheck() { [[ $(input is) == yes ]] || untrue "seen $(input is), wanted yes"; }\n')
    steps = [[f"{pure}#a", "is=no"], [f"{pure}#b", "is=yes"], [f"{pure}#c", "is=never"]]
    failed = host.apply("preflight", *steps, host.file("a", "1"), status=1)
    assert "[pure#a] seen no, wanted yes" in failed.stderr
    assert "[pure#c] seen never, wanted yes" in failed.stderr
    assert not host.path("a").exists()
    tried = host.run("try", "--json", "preflight", *(word for step in steps for word in ("::", *step)))
    assert [row["status"] for row in json.loads(tried.stdout)["layers"][0]["steps"]] == ["drift", "ok", "drift"]
    assert tried.returncode == 1


def test_try_writes_no_ledger(host: Host) -> None:
    step = host.file("a", "1")
    before = snapshot(host.home)
    assert host.run("try", "base", "::", *step).returncode == 1
    assert snapshot(host.home) == before


def test_bulk_is_kept_for_check_and_dropped_with_its_step(host: Host) -> None:
    ref = host.step(
        "config",
        """# The file is the bulk text.
check() { bulk text | same_file "$(input path)" || untrue differs; }
apply() { bulk text | write_file "$(input path)" 0600; }
""",
    )
    text = "line 'one'\n\n\tbackslash \\n ünïcode\n$(false)"
    step = [ref, f"path={host.path('a')}"]
    host.apply("base", step, payload=f"bulk config text 4\n{text}\n")
    assert host.path("a").read_text() == text + "\n"
    assert host.run("check").returncode == 0
    assert text not in host.ledger().read_text()
    host.apply("base", step, payload="bulk config text 1\nother\n")
    assert [p.read_text() for p in (host.home / "inputs").iterdir()] == ["other\n"]
    host.run("undo", "base")
    assert not list((host.home / "inputs").iterdir())


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("bulk file text 2\none\n", "cut short"),
        ("bulk file text 1\none", "does not end"),
        ("bulk other text 1\none\n", "not in this call"),
        ("what is this\n", "line 1 of the payload"),
        ("secret file text 1\none\nrest\n", "line 3 of the payload"),
    ],
)
def test_a_cut_payload_is_refused_before_anything_changes(host: Host, payload: str, says: str) -> None:
    refused = host.apply("base", host.file("a", "1"), payload=payload, status=2)
    assert says in refused.stderr
    assert not host.path("a").exists()
    assert not host.ledger().exists()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["apply"],
        ["apply", "Base"],
        ["apply", "../x", "::"],
        ["apply", "base", "x"],
        ["apply", "base", "::", "../../etc/x@0123456789ab"],
        ["apply", "base", "::", "x@0123456789ab#a/b"],
        ["apply", "base", "::", "x@0123456789ab", "novalue"],
        ["apply", "base", "::", "x@0123456789ab", "a[$(id)]=1"],
        ["apply", "base", "::", "x@0123456789ab", "::", "x@0123456789ab"],
        ["undo"],
        ["remove", "base"],
        ["put", "../x"],
        ["put", "lock"],
    ],
)
def test_a_wrong_call_is_refused(host: Host, words: list[str]) -> None:
    refused = host.run(*words)
    assert refused.returncode == 2
    assert "[call]" in refused.stderr
    assert not host.home.exists()


def test_put_writes_what_only_root_can_read(host: Host) -> None:
    assert host.run("put", "ticket", payload="token\n").returncode == 0
    path = host.root / "run" / "ticket"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("token\n", 0o600)
