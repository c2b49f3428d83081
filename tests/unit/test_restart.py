"""Waiting for a host that restarts, against real servers on 127.0.0.1. tests/lab/test_reboot.py has a real restart."""

import asyncio

import asyncssh
import pytest

from components.hostrun import restart
from tests.unit.sshd import OTHER_KEY, Handler, closed_port, failure, go, server, target

pytestmark = pytest.mark.row("H13")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "PAUSE", 0.01)


def answering(*answers: str, asked: list[str]) -> Handler:
    """One answer for each question; the last for all that follow."""
    left = list(answers)

    async def answer(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        asked.append(str(process.command))
        process.stdout.write((left.pop(0) if len(left) > 1 else left[0]).encode())
        process.exit(0)

    return answer


def test_a_host_that_is_there_is_asked_once_and_nothing_is_told() -> None:
    asked: list[str] = []
    told: list[str] = []

    async def work() -> None:
        async with server(answering("", asked=asked)) as port:
            await restart.ready(target(port), tell=told.append)

    go(work())
    assert (len(asked), told) == (1, [])
    assert asked[0].startswith("sudo -n sh -c 'test ! -e /run/gpu-metal/rebooting")


def test_what_needs_the_runner_is_refused_on_a_host_that_has_lost_it() -> None:
    async def work(answer: str, *, runner: bool) -> None:
        async with server(answering(*answer.split("|"), asked=[])) as port:
            await restart.ready(target(port), runner=runner)

    go(work("bare\n", runner=False))
    go(work("", runner=True))
    for answer in ("bare\n", "rebooting\nbare\n|bare\n"):
        assert str(failure(work(answer, runner=True))) == (
            "gpu-1 [runner] /usr/local/sbin/gpu-metal is gone from there: somebody deleted it, or this is another "
            "disk. Fix: sitectl drift --record, then pulumi up."
        )
    barred = str(failure(work("barred\n", runner=True)))
    assert "gpu-metal may not be run there: findmnt -T /var/lib/gpu-metal shows noexec, or " in barred


def test_a_shell_that_talks_is_named_and_what_it_says_is_no_answer() -> None:
    async def work() -> None:
        async with server(answering("Welcome to gpu-1\nrebooting\n", asked=[])) as port:
            await restart.ready(target(port))

    assert str(failure(work())) == (
        'gpu-1 [login] the shell of the user that logs in prints "Welcome to gpu-1" before the answer of each command. '
        "Fix: there, put `[ -t 1 ] &&` before it in that user's ~/.bashrc; or it is ForceCommand in sshd_config."
    )


def test_it_waits_until_the_mark_is_gone_and_the_host_has_started() -> None:
    asked: list[str] = []
    told: list[str] = []

    async def work() -> None:
        async with server(answering("rebooting\n", "rebooting\n", "rebooting\n", "", asked=asked)) as port:
            await restart.ready(target(port), tell=told.append)

    go(work())
    assert told == ["gpu-1 [reboot] restarts; waiting for it, at most 900 s"]
    assert len(asked) == 5
    assert "is-system-running --wait" in asked[-1]


def test_a_host_that_is_silent_is_waited_for_only_with_patience() -> None:
    port = closed_port()
    assert failure(restart.ready(target(port))).check_id == "address"

    async def work() -> None:
        waits = asyncio.create_task(restart.ready(target(port), patient=True))
        await asyncio.sleep(0.05)
        asked: list[str] = []
        async with server(answering("", asked=asked), port=port):
            await waits
        assert len(asked) == 2

    go(work())


def test_one_that_does_not_come_back_or_never_goes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "LIMIT", 0.1)
    port = closed_port()
    gone = str(failure(restart.ready(target(port), patient=True)))
    assert gone == (
        f"gpu-1 [reboot] did not come back within 0 s after its reboot: 127.0.0.1:{port} refuses connections. "
        "Fix: look at its console; then pulumi up goes on."
    )

    async def stays() -> None:
        async with server(answering("rebooting\n", asked=[])) as port:
            await restart.ready(target(port))

    assert "was told to reboot and still runs after 0 s. Fix: there: systemctl list-jobs" in str(failure(stays()))


def test_another_host_in_its_place_is_not_waited_for() -> None:
    async def work() -> None:
        async with server(answering("", asked=[]), key=OTHER_KEY) as port:
            await restart.ready(target(port), patient=True)

    assert failure(work()).check_id == "host-key"
