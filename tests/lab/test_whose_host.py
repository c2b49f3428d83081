"""Runs that were cut, and stacks that name one host: whose it is, who may undo there, and how it is left."""

import json
from collections.abc import Callable, Iterator
from subprocess import Popen
from typing import Any

import pytest

from lab.hosts import faults, lab
from lab.hosts.inventory import host as lab_host
from lab.paths import LAB
from tests.lab.luck import ONE, SITE, one_host, one_more, refused, untouched
from tests.lab.stack import Stack, kill_session, of_session, on, until

pytestmark = [pytest.mark.lab, pytest.mark.hosts("new-1", "new-2", "new-3")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with one_host(tmp_path_factory.mktemp("luck")) as stack:
        yield stack


@pytest.fixture
def fit() -> Iterator[str]:
    with one_more() as host:
        yield host


def resource_of(stack: Stack, name: str) -> dict[str, Any]:
    """A resource of the state."""
    return next(dict(r) for r in stack.export()["deployment"]["resources"] if r["urn"].endswith(f"::{name}"))


def in_the_middle(stack: Stack) -> tuple[Popen[bytes], Popen[bytes]]:
    """What holds the host's lock, and the run that waits for it in its base layer."""
    held = stack.hold(ONE)
    run = stack.start(*stack.command("up", "--yes", "--skip-preview"))
    until(lambda: on(ONE, ["sh", "-c", "pgrep -f '[g]pu-metal apply base' || true"]) != "", what="the base layer")
    return held, run


def test_one_up_makes_it_ours(stack: Stack) -> None:
    stack.up().ok()


def test_gr1_a_power_cut_in_the_middle_is_finished_by_the_next_up(stack: Stack) -> None:
    machine = lab_host(ONE)
    late = resource_of(stack, f"{ONE}-runner")["inputs"]
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4111"}))
    held, run = in_the_middle(stack)
    kill_session(run)  # first: a run that lives long enough to miss its host ends in order
    faults.power_cut(machine)
    kill_session(held)
    lab.start(machine)
    assert f"an interrupted operation is forgotten: updating {ONE}-base" in stack.sitectl("recover").ok().out
    stack.up().ok()
    assert not stack.export()["deployment"].get("pending_operations")
    # Had the run that was killed left a removal on its way, it would come now.
    words = late["delete"].removeprefix("sudo -n ").split()
    came = faults.run_in(machine, words, stdin=late["stdin"], check=False)
    assert came.returncode == 1
    assert "[owner] a newer run of stack gpu-metal/luck" in came.stderr
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4111"


def test_a_cli_that_was_killed_leaves_no_plugin_behind(stack: Stack) -> None:
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4222"}))
    held, run = in_the_middle(stack)
    assert len(of_session(run)) > 2  # the program, the language's host, plugins
    run.kill()
    run.wait()
    # Nobody runs `recover` here: what the CLI started ends with it, and never comes back to a host that thaws.
    until(lambda: not of_session(run), what="the end of its plugins")
    said = stack.sitectl("recover", "--look").ok().out
    assert f"{ONE} [lost] the connection was lost, and the run goes on there: " in said
    kill_session(held)
    recovered = stack.sitectl("recover").ok()
    assert f"an interrupted operation is forgotten: updating {ONE}-base" in recovered.out
    # The runner on the host had begun, and went on without its connection.
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4222"
    stack.up().ok()
    stack.sitectl("drift").ok()


def test_a_host_that_freezes_in_mid_step_is_said_while_the_run_waits(stack: Stack) -> None:
    stack.env["GPU_METAL_WATCH_PERIOD"] = "2"
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4244"}))
    held, run = in_the_middle(stack)
    log = stack.folder / "killed.log"
    faults.freeze(lab_host(ONE))
    try:
        until(lambda: f"{ONE} [lost] has not answered for " in log.read_text(), what="a line about the silent host")
    finally:
        faults.thaw(lab_host(ONE))
    until(lambda: f"{ONE} answers again, after " in log.read_text(), what="a line about the host that is back")
    kill_session(held)
    assert run.wait(120) == 0, log.read_text()
    del stack.env["GPU_METAL_WATCH_PERIOD"]
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4244"


@pytest.mark.long
def test_a_half_made_host_that_hangs_and_dies_is_forgotten(stack: Stack, fit: str) -> None:
    stack.edit(lambda site: site["hosts"].update({fit: {"address": lab_host(fit).address}}))
    with faults.full_disk(lab_host(fit), "/etc/sysctl.d", size="4k", inodes=3):
        on(fit, ["sh", "-c", "cd /etc/sysctl.d && touch a b; head -c 9000 /dev/zero >a || true"])
        assert stack.up().status != 0
        # One line has the host, the step and the reason.
        [line] = stack.sitectl("recover", "--look").ok().out.splitlines()
        assert line.startswith(f"{fit} [sysctl"), line
        assert "No space left on device" in line
    stack.edit(lambda site: site["hosts"].pop(fit))
    way = f"give it the row hosts.{fit} with state: gone, run pulumi up, then delete the row"
    faults.freeze(lab_host(fit))
    frozen = stack.up()
    faults.thaw(lab_host(fit))
    faults.power_cut(lab_host(fit))
    dead = stack.up()
    for ran, seen in ((frozen, "[connection]"), (dead, "[address]")):
        assert ran.status != 0, ran.text
        assert f"{fit} {seen}" in ran.text, ran.text[-4000:]
        assert way in ran.text
        assert "Traceback" not in ran.text
    stack.edit(lambda site: site["hosts"].update({fit: {"address": lab_host(fit).address, "state": "gone"}}))
    stack.up().ok()
    stack.edit(lambda site: site["hosts"].pop(fit))
    stack.up().ok()
    assert fit not in json.dumps([resource["urn"] for resource in stack.export()["deployment"]["resources"]])


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stack]:
    """Another state, of a stack of that name, whose site names the same host and wants something else of it."""

    def made(name: str) -> Stack:
        other = Stack(name, tmp_path_factory.mktemp(name))
        site = {**SITE, "knownHosts": str(LAB / "known_hosts"), "sysctl": {"net.core.somaxconn": "4222"}}
        other.create(site)
        return other

    return made


def test_a_second_state_of_the_same_stack_has_the_host_and_the_first_is_told_so(
    stack: Stack, second: Callable[[str], Stack]
) -> None:
    """A state that was lost goes on by itself; that it was not lost is seen at the first one's next run."""
    assert "[owner] was set up by another state of stack gpu-metal/luck since" in second(stack.name).up().ok().text
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4333"}))
    refused(stack.up(), "[owner] belongs to another state of stack gpu-metal/luck", "Fix:")
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4222"
    drift = stack.sitectl("drift")
    assert drift.status == 1
    assert f"✗ {ONE} [owner] was set up last by another state" in drift.out
    stack.sitectl("adopt", ONE, "--yes").ok()
    stack.up().ok()
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4333"


def test_a_second_stack_is_refused_until_it_is_told_to_take_the_host_over(
    stack: Stack, second: Callable[[str], Stack]
) -> None:
    other = second("strange")
    before = faults.snapshot(lab_host(ONE))
    refused(other.up(), "[owner] belongs to stack gpu-metal/luck since", "Nothing was changed", "Fix:", "sitectl adopt")
    shown = other.sitectl("adopt", ONE)
    assert (shown.status, f"{ONE} was not taken over" in shown.err) == (2, True)
    assert [line.split()[3] for line in shown.out.splitlines() if line.split()[:2] == [ONE, "base"]] == ["sysctl"]
    assert faults.snapshot(lab_host(ONE)) == before
    other.sitectl("adopt", ONE, "--yes").ok()
    other.up().ok()
    assert "belongs to stack gpu-metal/strange since" in stack.sitectl("drift").out
    assert "Nothing was undone here, and this stack forgets it." in stack.destroy().ok().text
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4222"
    other.sitectl("drift").ok()
    other.destroy().ok()
    assert untouched()
