"""The gate before the first change. Does not prove: that the engine asks it first; tests/lab/test_bad_luck.py does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import pytest

from components.host import gate as module
from components.hostrun.report import Check, Report
from components.hostrun.target import Target

HOSTS = ("cpu-1", "gpu-1")
LACK = Check("cpus", "gpu-1", "failed", "2 CPUs.", fix="add some")
DOWN = Check("address", "gpu-1", "unknown", "did not answer.", fix="power")


def said(monkeypatch: pytest.MonkeyPatch, untrue: Sequence[Check]) -> dict[str, str]:
    """What the hook of all and each host's own say, "" where they let it be changed; the hosts are asked once."""
    asked = []

    async def preflight(*_: object) -> Report:
        asked.append(1)
        return Report([Check("reachable", "cpu-1", "ok"), *untrue])

    monkeypatch.setattr(module, "preflight", preflight)
    gate = module.Gate({n: Target(n, n, 22, "deploy", "ssh-ed25519 AAAA") for n in HOSTS}, {n: [] for n in HOSTS})

    async def run() -> dict[str, str]:
        hooks: dict[str, Callable[[], Awaitable[None]]] = {
            "all": gate.all,
            **{name: partial(gate.own, name) for name in HOSTS},
        }
        return {n: str((await asyncio.gather(hook(), return_exceptions=True))[0] or "") for n, hook in hooks.items()}

    answers = asyncio.run(run())
    assert len(asked) == 1
    return answers


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, []) == {"all": "", "cpu-1": "", "gpu-1": ""}


@pytest.mark.row("H16")
def test_gr10_a_lack_of_one_host_stops_all_and_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = said(monkeypatch, [LACK])
    assert answers["all"].splitlines()[0] == "✗ gpu-1 [cpus] 2 CPUs. Fix: add some."
    assert answers["all"].endswith("2 hosts, 2 checks, 1 failed. Nothing was changed on any host.")
    assert answers["cpu-1"] == "cpu-1 [preflight] stops, as this run's report of preflight says: see its lines with ✗"
    assert answers["gpu-1"] == "gpu-1 [preflight] stops, as this run's report of preflight says: see its lines with ✗"


def test_a_host_that_is_down_stops_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = said(monkeypatch, [DOWN])
    assert answers["all"] == answers["cpu-1"] == ""
    assert "gpu-1 [address] did not answer" in answers["gpu-1"]
