"""sitectl's reading verbs against fake hosts: the answer, its forms, and the exit code of each outcome.

Does not prove: that real hosts answer like this; the lab's tests do.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from components.hostrun.fleet import Fleet
from components.hostrun.target import SshError
from tests.unit.fake_hosts import SITE, Sitectl, key, sitectl

DOWN = SshError("gpu-2", "address", "192.0.2.22:22 did not answer within 15 s. Fix: power.")
LOCKED_OUT = SshError("gpu-2", "login", "deploy may not log in with the given key. Fix: put it there.")
NO_ADVICE = {"about": "governor", "seen": "performance by intel_pstate", "advice": None}
TIME_UP = SshError("gpu-2", "time", "no answer before the time was up.")


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return sitectl(tmp_path, monkeypatch)


@pytest.mark.parametrize("verb", ["preflight", "drift", "verify", "facts"])
def test_all_is_well(ctl: Sitectl, verb: str) -> None:
    result = ctl(verb)
    assert result.exit_code == 0, result.output
    assert "gpu-2" in result.stdout


@pytest.mark.parametrize("verb", ["preflight", "drift", "verify", "facts"])
@pytest.mark.parametrize(("error", "code"), [(DOWN, 4), (LOCKED_OUT, 3), (TIME_UP, 9)])
def test_a_host_that_cannot_be_asked_is_a_row(ctl: Sitectl, verb: str, error: SshError, code: int) -> None:
    ctl.hosts.errors["gpu-2"] = error
    result = ctl(verb)
    assert result.exit_code == code
    assert "unknown" in result.stdout
    assert f"? gpu-2 [{error.check_id}] {error.message.split(' Fix')[0]}" in result.output
    assert {host for host, _ in ctl.hosts.asked} == {"cp-1", "gpu-1", "gpu-2"}


@pytest.mark.parametrize("verb", ["drift", "verify", "preflight"])
def test_a_host_that_cannot_be_asked_beats_a_plain_no(ctl: Sitectl, verb: str) -> None:
    ctl.hosts.errors["gpu-2"] = DOWN
    ctl.hosts.untrue["gpu-1", "swap_off" if verb != "preflight" else "cpus"] = "is untrue."
    assert ctl(verb).exit_code == 4


def test_drift_names_layer_and_step_and_the_fix(ctl: Sitectl) -> None:
    ctl.hosts.untrue["gpu-1", "swap_off"] = "swap is on: /dev/sdb2"
    ctl.hosts.untrue["gpu-2", "swap_off"] = "swap is on: /dev/sdb2"
    result = ctl("drift")
    assert result.exit_code == 1
    assert (
        "✗ gpu-[1-2] [base/swap_off] swap is on: /dev/sdb2. Fix: sitectl drift --record, then pulumi up."
        in result.stdout
    )
    assert "3 hosts, 9 checks, 2 failed." in result.stdout


def test_json_has_the_documented_form(ctl: Sitectl) -> None:
    ctl.hosts.untrue["gpu-1", "swap_off"] = "swap is on: /dev/sdb2. Fix: swapoff -a"
    answer = ctl.json("drift")
    assert set(answer) == {"ok", "site", "time", "checks", "failures"}
    assert (answer["ok"], answer["site"], answer["failures"]) == (False, "dev", ["base/swap_off"])
    failed = [check for check in answer["checks"] if check["status"] == "failed"]
    assert failed == [
        {
            "id": "base/swap_off",
            "host": "gpu-1",
            "status": "failed",
            "saw": "swap is on: /dev/sdb2.",
            "want": "",
            "fix": "swapoff -a",
        }
    ]


def test_names_are_for_pipes(ctl: Sitectl) -> None:
    ctl.hosts.untrue["gpu-1", "swap_off"] = "swap is on"
    result = ctl("drift", "-o", "name")
    assert (result.stdout, result.exit_code) == ("gpu-1/base/swap_off\n", 1)


def test_yaml(ctl: Sitectl) -> None:
    assert "ok: true" in ctl("drift", "-o", "yaml").stdout.splitlines()


def test_only_the_hosts_that_were_named_are_asked(ctl: Sitectl) -> None:
    assert ctl("drift", "gpu-[1-2]").exit_code == 0
    assert {host for host, _ in ctl.hosts.asked} == {"gpu-1", "gpu-2"}


def test_a_host_that_is_not_there(ctl: Sitectl) -> None:
    result = ctl("drift", "gpu-3")
    assert result.exit_code == 2
    assert result.stderr == "Site dev.\ngpu-3: no such host in the site. Did you mean gpu-2?\n"
    assert not ctl.hosts.asked


def test_a_host_that_is_gone_is_not_asked(ctl: Sitectl) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(SITE.replace("192.0.2.22,", "192.0.2.22, state: gone,"))
    answer = ctl.json("drift")
    assert answer["ok"]
    assert {"gpu-2"} == {check["host"] for check in answer["checks"] if check["status"] == "skipped"}
    assert "gpu-2" not in {host for host, _ in ctl.hosts.asked}


def test_a_host_without_a_runner_is_one_line(ctl: Sitectl) -> None:
    ctl.hosts.bare = {"gpu-1"}
    drift, verify = ctl("drift"), ctl("verify")
    assert "✗ gpu-1 [runner] has no gpu-metal: nothing was applied yet, or it was deleted. Fix: " in drift.stdout
    assert verify.stdout.count("✗") == 1
    assert (drift.exit_code, verify.exit_code) == (1, 1)


def test_a_runner_that_is_damaged_is_drift_which_can_be_recorded(ctl: Sitectl) -> None:
    ctl.hosts.damaged = {"gpu-1"}
    drift = ctl("drift")
    says = "itself is damaged there: check.sh is lost or changed. Nothing was changed. Fix: sitectl drift"
    assert f"✗ gpu-1 [runner] gpu-metal {says} --record, then pulumi up." in drift.stdout
    assert drift.exit_code == 1


def test_a_host_that_lost_its_ledger_does_not_pass(ctl: Sitectl) -> None:
    """`drift` found no step that does not hold, and said ok. Pulumi finds nothing to do until the loss is recorded."""
    ctl.hosts.forgot = {"gpu-1"}
    drift, verify = ctl("drift"), ctl("verify")
    fix = "Fix: pulumi up; if it finds nothing to do, its state has the host as it was: sitectl drift --record, then"
    assert f"✗ gpu-1 [runner] is here, but has no ledger: nothing is applied. {fix} pulumi up." in drift.stdout
    assert f"✗ gpu-1 [ledger] nothing is applied here. {fix} pulumi up." in verify.stdout
    assert (drift.exit_code, verify.exit_code) == (1, 1)


def test_no_such_site_and_a_wrong_one(ctl: Sitectl) -> None:
    assert ctl("validate", "-s", "other").exit_code == 6
    (ctl.folder / "Pulumi.dev.yaml").write_text(SITE.replace("roles:", "rolls:"))
    result = ctl("validate")
    assert result.exit_code == 2
    assert "Pulumi.dev.yaml:5 hosts.cp-1.rolls: no such key. Did you mean roles?" in result.stderr
    assert result.stdout == ""


def test_validate_asks_nobody(ctl: Sitectl) -> None:
    result = ctl("validate", "-q")
    assert (result.exit_code, ctl.hosts.asked) == (0, [])
    assert "✓ ok: Pulumi.dev.yaml, 3 hosts. No host was asked." in result.stdout
    assert ctl.json("validate")["hosts"] == ["cp-1", "gpu-1", "gpu-2"]


@pytest.mark.parametrize(
    "words", [["drift", "--timeout", "1x"], ["nope"], ["drift", "-o", "xml"], ["drift", "-p", "0"]]
)
def test_wrong_calls(ctl: Sitectl, words: list[str]) -> None:
    assert ctl(*words).exit_code == 2


def test_stopped_by_the_user(ctl: Sitectl, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.site.load_site", stop)
    result = ctl("drift")
    assert (result.exit_code, result.stderr) == (8, "Site dev.\nStopped.\n")


def test_a_fault_of_its_own_shows_no_trace(ctl: Sitectl, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary-4711")

    monkeypatch.setattr("ops.site.load_site", broken)
    result = ctl("drift")
    assert result.exit_code == 255
    assert result.stderr.splitlines()[1:] == [
        "sitectl: a fault of its own: RuntimeError. Fix: repeat with -v and report it."
    ]
    assert "canary-4711" in ctl("drift", "-v").stderr


def test_time_is_up_for_hosts_that_wait_their_turn(ctl: Sitectl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> NoReturn:
        while True:
            await asyncio.Event().wait()

    monkeypatch.setattr("ops.site.Fleet", partial(Fleet, ask=hang))
    result = ctl("drift", "--timeout", "0.2s", "-p", "1")
    assert result.exit_code == 9
    assert "? cp-1,gpu-[1-2] [time] no answer before the time was up (0.2 s for all hosts)." in result.stdout


def test_facts_as_data(ctl: Sitectl) -> None:
    assert ctl.json("facts")["gpu-1"]["gpus"]["count"] == 2
    assert ctl("facts", "-o", "name").stdout == "cp-1\ngpu-1\ngpu-2\n"
    assert "2 × A100 SXM4 80GB" in ctl("facts").stdout


def test_facts_end_with_what_is_worth_knowing_once_for_all_hosts_that_have_it(ctl: Sitectl) -> None:
    says = "nvidia-smi gave no answer within 20 s"
    advice = [{"about": "iommu", "seen": "on", "advice": "kernel.arguments: [iommu=pt]."}, NO_ADVICE]
    gpus = {"count": 1, "names": ["x"], "devices": [], "driver": "580.95.05", "driver_says": None, "pci_says": None}
    ctl.hosts.facts = {
        "cp-1": {"advice": [NO_ADVICE]},
        "gpu-1": {"advice": advice, "gpus": gpus},
        "gpu-2": {"advice": advice, "gpus": {**gpus, "driver": None, "driver_says": says}},
    }
    result = ctl("facts")
    assert "! gpu-[1-2] [iommu] on. kernel.arguments: [iommu=pt]." in result.stderr
    assert f"! gpu-2 [gpus] {says}" in result.stderr
    assert "governor" not in result.stderr
    assert "580.95.05" in result.stdout


def test_facts_of_a_host_that_is_down_are_a_row(ctl: Sitectl) -> None:
    ctl.hosts.errors["gpu-2"] = DOWN
    result = ctl("facts")
    rows = {line.split()[0]: line.split()[-1] for line in result.stdout.splitlines()[1:]}
    assert (result.exit_code, rows) == (4, {"cp-1": "ok", "gpu-1": "ok", "gpu-2": "unknown"})
    assert "? gpu-2 [address] 192.0.2.22:22 did not answer" in result.stderr
    assert ctl("facts", "-o", "yaml").stdout.count("hostname:") == 2


def test_a_host_key_that_is_not_known(ctl: Sitectl) -> None:
    (ctl.folder / "known_hosts.dev").write_text(f"cp-1 {key('a')}\n")
    result = ctl("drift")
    assert result.exit_code == 2
    assert "sitectl scan" in result.stderr
