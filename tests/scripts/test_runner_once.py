"""Questions that many checks ask alike: one answer for a run that only asks, a new one each time where steps change."""

import json
from pathlib import Path

import pytest

from tests.scripts.runner_host import Host, until

ASKS = """\
# The list has the name. Each step reads the whole list.
_list() {
    echo "asked" >>"$(input notes)"
    cat "$(input list)"
}
check() {
    local seen
    seen=$(once list _list) || untrue "the list says nothing"
    grep -qx "$(input name)" <<<"$seen" || untrue "$(input name) is not among: ${seen//$'\\n'/ }"
}
apply() { input name >>"$(input list)"; }
"""
NAMES = "abc"


@pytest.fixture
def asking(host: Host) -> list[list[str]]:
    """The words of three steps that look at one list."""
    (host.root / "list").touch()
    ref = host.step("asks", ASKS)
    return [[f"{ref}#{name}", f"name={name}", f"list={host.root}/list", f"notes={host.root}/notes"] for name in NAMES]


def asked(host: Host) -> int:
    """How often since the last time."""
    notes = host.root / "notes"
    count = len(notes.read_text().splitlines())
    notes.write_text("")
    return count


def kept(host: Host) -> list[Path]:
    return list((host.root / "run").glob(".once.*"))


def test_all_checks_of_a_run_that_only_asks_get_one_answer_and_it_is_forgotten(
    host: Host, asking: list[list[str]]
) -> None:
    host.apply("base", *asking)
    assert asked(host) == 2 * len(NAMES)  # each before and after its apply
    assert (host.run("check").returncode, asked(host)) == (0, 1)
    (host.root / "list").write_text("a\nc\n")
    drift = host.run("check", "--json")
    rows = json.loads(drift.stdout)["layers"][0]["steps"]
    assert [(row["status"], row["says"]) for row in rows] == [("ok", ""), ("drift", "b is not among: a c"), ("ok", "")]
    assert asked(host) == 1
    until(lambda: not kept(host))


def test_a_question_that_fails_is_not_asked_again_in_that_run(host: Host, asking: list[list[str]]) -> None:
    host.apply("base", *asking)
    (host.root / "list").unlink()
    asked(host)
    said = host.run("check")
    assert (said.stdout.count("the list says nothing"), asked(host)) == (len(NAMES), 1)


def test_what_a_killed_run_kept_is_not_read_and_goes(host: Host, asking: list[list[str]]) -> None:
    left = host.root / "run" / f".once.{2**22 + 1}"  # no process has such a number
    left.mkdir(parents=True)
    (left / "list").write_text("0\n")
    host.apply("base", *asking)
    assert kept(host) == []


def test_where_nothing_can_be_kept_each_check_asks(host: Host, asking: list[list[str]]) -> None:
    host.apply("base", *asking)
    asked(host)
    blind = Host(host.root, {"GPU_METAL_RUN": "/proc/nowhere"})
    assert (blind.run("check").returncode, asked(host)) == (0, len(NAMES))
