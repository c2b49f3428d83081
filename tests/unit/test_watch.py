"""What is said while a layer runs on a host: nothing in good runs, and one line when the host is silent, idle or slow.

Does not prove: that the engine calls the hooks; the lab's story of a host that freezes does (test_whose_host.py).
"""

import asyncio
import gc
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from components.hostrun import watch
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from components.hostrun.watch import Watch, Work

HELD = "held since 2026-11-30T12:42:26Z by deploy from 10.0.0.1, {}          \n"
DRIVER, SYSCTL = HELD.format("gpu step 2 of 3 (driver)"), HELD.format("base step 5 of 6 (sysctl#a)")
DARK = SshError("gpu-1", "address", "10.0.0.7:22 cannot be reached: no answer within 10 s. Fix: power, cable.")


def said(*answers: tuple[float, watch.Seen]) -> list[str]:
    """What is said of a layer that began at 0, by these answers at their seconds, each line with the second."""
    work = Work("base", heard=0, since=0)
    return [f"{now:g}: {line}" for now, seen in answers for line in work.note(seen, now)]


def test_a_run_that_goes_on_says_nothing() -> None:
    steps = [(60.0 * n, HELD.format(f"base step {n} of 20 (step-{n})")) for n in range(1, 20)]
    assert said(*steps) == []
    assert said((60, DARK), (75, SYSCTL), (135, None), (150, SYSCTL)) == []  # once means nothing


def test_a_host_that_does_not_answer_is_said_each_time_after_twice_as_long_and_when_it_is_back() -> None:
    lines = said((60, SYSCTL), (130, DARK), (155, DARK), (225, DARK), (265, DARK), (475, DARK), (535, SYSCTL))
    assert [line.partition(":")[0] for line in lines] == ["155", "265", "475", "535"]
    assert lines[0] == (
        "155: [lost] has not answered for 95 s, and this run waits for base step 5 of 6 (sysctl#a) there: "
        "10.0.0.7:22 cannot be reached: no answer within 10 s. Fix: bring it back (console, power, network); or end "
        "this run: Ctrl-C twice, then sitectl recover, then pulumi up, which goes on from there."
    )
    assert lines[-1] == "535: answers again, after 475 s."
    assert "this run waits for layer base there: " in said((70, DARK), (95, DARK))[0]


def test_a_host_that_has_ended_what_the_run_waits_for_is_said() -> None:
    # Not at once: after a cut, the end comes to this run when TCP tries again.
    assert said((60, None), (75, None), (135, None), (195, None), (196, SYSCTL), (256, None)) == []
    assert said((60, None), (75, None), (135, None), (195, None), (255, None)) == [
        "255: [lost] works no more, but this run still waits for layer base there: the connection between them is "
        "lost. Fix: end this run: Ctrl-C twice, then sitectl recover, then pulumi up, which goes on from there."
    ]


def test_a_long_step_is_said_with_the_log_that_shows_more() -> None:
    look = "To look, as root there: tail -f /var/lib/gpu-metal/log"
    lines = said((60, SYSCTL), (120, DRIVER), *((float(now), DRIVER) for now in range(180, 2000, 60)))
    assert lines == [
        f"720: [base] has been at this for 10 minutes: gpu step 2 of 3 (driver). {look}/gpu/driver.log",
        f"1320: [base] has been at this for 20 minutes: gpu step 2 of 3 (driver). {look}/gpu/driver.log",
    ]
    assert said((601, HELD.format("gpu undo of driver")))[0].endswith(f"gpu undo of driver. {look}/gpu/driver.log")
    assert said((601, "\n"))[0].endswith("10 minutes: layer base. To look, as root there: cat /run/gpu-metal/lock")


class Host:
    """Gives one answer after another; the last for all that follow. Counts the questions."""

    def __init__(self, answers: Sequence[watch.Seen]) -> None:
        self.answers, self.asked = list(answers), 0

    async def ask(
        self, target: Target, command: str, *, stdin: bytes = b"", deadline: float = 30, root: bool = True
    ) -> Result:
        """As ssh.run."""
        assert (target.name, command, root, deadline) == ("gpu-1", "bash -s", True, watch.LIMIT)
        assert b"flock --shared --timeout 0 /run/gpu-metal/lock" in stdin
        self.asked += 1
        seen = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(seen, SshError):
            raise seen
        return Result(0 if seen is None else 76 if seen == watch.FAILED else 75, seen or "", "")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PERIOD", 0.001)
    monkeypatch.setattr(watch, "SOON", 0.001)
    monkeypatch.setattr(watch, "IDLE", 0.002)


def watched(host: Host, *, undo: bool, until: int, end_at: int = 0) -> list[str]:
    """What is said of a layer that begins, until the host was asked so often and a while longer."""
    lines: list[str] = []

    async def work() -> None:
        one = Watch(Target("gpu-1", "10.0.0.7", 22, "deploy", ""), lines.append, host.ask)
        await one.begin("base", undo=undo)
        while host.asked < until:
            await asyncio.sleep(0.001)
            if end_at and host.asked >= end_at:
                break
        if end_at:
            await one.end()
        await asyncio.sleep(0.05)
        await one.end()  # else its next question begins in the last moment of this loop
        await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(work(), 20))
    return lines


@pytest.mark.usefixtures("quick")
def test_a_program_that_ends_while_a_question_is_on_its_way_says_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    on_its_way: list[Target] = []
    lines: list[str] = []

    async def never(target: Target, *_: str, **__: object) -> Result:
        on_its_way.append(target)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def work() -> None:
        await Watch(Target("gpu-1", "10.0.0.7", 22, "deploy", ""), lines.append, never).begin("base")
        while not on_its_way:
            await asyncio.sleep(0.001)

    loop = asyncio.new_event_loop()  # as Pulumi's own program does: it cancels nothing when it closes the loop
    loop.run_until_complete(work())
    loop.close()
    gc.collect()
    assert (lines, [record.message for record in caplog.records]) == ([], [])


@pytest.mark.usefixtures("quick")
def test_a_layer_that_has_ended_is_asked_for_no_longer() -> None:
    host = Host([SYSCTL])
    assert watched(host, undo=False, until=99, end_at=2) == []
    assert host.asked <= 3  # the question that was on its way


@pytest.mark.usefixtures("quick")
def test_a_layer_that_has_failed_is_asked_for_no_longer() -> None:
    host = Host([SYSCTL, watch.FAILED])
    assert watched(host, undo=False, until=2) == []
    assert host.asked == 2


def test_the_question_finds_a_fault_of_this_run_only(tmp_path: Path) -> None:
    question = (watch.FREE % 0 + watch._FAILED % 60).replace("/run/gpu-metal", f"{tmp_path}/run")
    question = question.replace("/var/lib/gpu-metal", str(tmp_path))
    fault = tmp_path / "fault"

    def status() -> int:
        return subprocess.run(["bash", "-s"], input=question, text=True, check=False).returncode

    assert status() == 0
    fault.write_text("sysctl\nNo space left on device\n")
    assert status() == 76
    os.utime(fault, (time.time() - 90,) * 2)
    assert status() == 0


@pytest.mark.usefixtures("quick")
def test_the_watch_names_the_host() -> None:
    lines = watched(Host([DARK]), undo=False, until=3)
    assert lines[0].startswith("gpu-1 [lost] has not answered for 0 s, and this run waits for layer base there: 10.0")


@pytest.mark.usefixtures("quick")
def test_an_undo_ends_its_watch_when_the_host_is_idle() -> None:
    host = Host([SYSCTL, None])
    assert watched(host, undo=True, until=2) == []
    assert host.asked == 2
    assert watched(Host([None]), undo=False, until=3)[0].startswith("gpu-1 [lost] works no more, ")
