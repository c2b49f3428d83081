"""What gpu-metal says beside its answer: while a step waits, and to those who ask after a run that failed."""

import os
import re
import signal
import subprocess

from ops.unfinished import QUESTION
from tests.scripts.runner_host import Host, kill, until

SAYS = """# It said so, and went on.
check() { [[ -e $(input place)/mark ]] || untrue "no mark"; }
apply() {
    $(remark "in vain: this is only captured" 2>/dev/null) || true
    echo an ordinary line
    remark "waits for the package lock: pid 4711 ($(secret word))"
    : >"$(input place)/begun"
    until [[ -e $(input place)/go ]]; do sleep 0.02; done
    for _ in {1..200}; do remark again; done
    : >"$(input place)/mark"
}
"""


def test_what_a_step_waits_for_is_said_while_it_waits(host: Host) -> None:
    words = [host.step("says", SAYS), f"place={host.root}"]
    run = host.start("apply", "base", "::", *words, stdin=subprocess.PIPE)
    assert run.stdin
    assert run.stderr
    run.stdin.write(b"secret says word 1\ncanary-4711\n")
    run.stdin.close()
    assert run.stderr.readline().decode().endswith(" [says] waits for the package lock: pid 4711 (•••)\n")
    assert run.poll() is None
    # Its reader goes, and the step goes on.
    run.stderr.close()
    (host.root / "go").touch()
    assert run.wait(120) == 0
    log = (host.home / "log/base/says.log").read_text()
    assert log.startswith("an ordinary line\nwaits for the package lock: pid 4711 (•••)\n")
    assert log.count("again") == 200


WITHOUT_SECRET = """# It waits for another program, and has no secret.
check() { [[ -e $(input place)/mark ]] || untrue "no mark"; }
apply() {
    echo an ordinary line
    remark "waits for the package lock: pid 4711"
    for _ in {1..200}; do [[ -e $(input place)/go ]] || sleep 0.02; done
    : >"$(input place)/mark"
}
"""


def test_a_step_without_secrets_says_what_it_waits_for_too(host: Host) -> None:
    run = host.start("apply", "base", "::", host.step("waits", WITHOUT_SECRET), f"place={host.root}")
    assert run.stderr
    assert run.stderr.readline().decode().endswith(" [waits] waits for the package lock: pid 4711\n")
    assert run.poll() is None
    (host.root / "go").touch()
    assert run.wait(120) == 0
    log = (host.home / "log/base/waits.log").read_text()
    assert log == "an ordinary line\nwaits for the package lock: pid 4711\n"


FAULTS = """# It fails.
check() { untrue "no mark"; }
apply() { echo "E: Unable to locate package foo"; exit 100; }
"""


def test_the_reason_of_a_failed_run_stays_on_the_host_until_the_next_run(host: Host) -> None:
    """Who lost the connection, or reads only Pulumi's message, asks for it later (ops/unfinished.py)."""
    failing = [host.step("fails", FAULTS)]
    host.apply("base", host.file("a", "1"), failing, status=1)
    step, text, last = (host.home / "fault").read_text().splitlines()
    assert step == "fails"
    assert text.startswith("apply ended with status 100. Fix: see its last lines; the next run goes on from this step.")
    assert last == "E: Unable to locate package foo"
    # A question changes nothing.
    host.run("check", "--json")
    assert (host.home / "fault").exists()
    host.apply("base", host.file("a", "1"))
    assert not (host.home / "fault").exists()


def test_where_a_run_was_cut_off_can_be_asked(host: Host) -> None:
    """The question of ops/unfinished.py, with the folders of this host."""

    def rows() -> list[str]:
        asked = QUESTION.replace("/var/lib/gpu-metal", str(host.home)).replace("/run/gpu-metal", f"{host.root}/run")
        return subprocess.run(["bash"], input=asked, capture_output=True, text=True, check=True).stdout.splitlines()

    assert rows() == []
    run = host.start("apply", "base", "::", *host.file("a", "1"), "::", *host.marked())
    until((host.root / "begun").exists)
    [works] = rows()
    assert re.fullmatch(r"works\theld since \S+ by .*, base step 2 of 2 \(marked\) ?", works)
    kill(run)
    os.kill(int((host.root / "begun").read_text()), signal.SIGKILL)
    until(lambda: rows() == ["cut\tbase\tfile\tmarked"])
    (host.root / "go").touch()
    host.apply("base", host.file("a", "1"), host.marked())
    assert rows() == []
    host.apply("base", host.file("a", "1"), [host.step("fails", FAULTS)], status=1)
    [fault] = rows()
    assert fault.startswith("fault\tfails\x1fapply ended with status 100. Fix: ")
    assert fault.endswith("\x1fE: Unable to locate package foo\x1f")
