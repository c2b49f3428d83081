"""`sitectl top`: what it makes of a host's answer, and the script that asks. Does not prove what a real GPU prints."""

import asyncio
import json
import os
import subprocess
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from components.hostrun import fleet, ssh
from components.hostrun.report import Check
from components.hostrun.target import SshError, Target
from ops import nvidia_smi, top, top_asked, top_screen
from tests.unit import fake_hosts
from tests.unit.fake_hosts import Sitectl, key

XML = (Path(__file__).parent / "samples" / "nvidia-smi.xml").read_text()
LIST = """GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-aaaa)
GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-bbbb)
  MIG 3g.40gb     Device  0: (UUID: MIG-1111)
  MIG 1g.10gb     Device  1: (UUID: MIG-2222)
"""
POD = "0a1b2c3d-1111-2222-3333-444455556666"
PROCESSES = f"4711\tana\t\n4712\troot\t{POD}\tvision\ttrain-7\n"


def sections(xml: str = XML, status: int = 0, listed: str = LIST) -> str:
    smi = f"\x1esmi\x1f{xml}\x1f{status}"
    return f"{smi}\x1eprocesses\x1f{PROCESSES}\x1f0\x1elist\x1f{listed}\x1f0" if status == 0 else smi


@pytest.fixture
def sitectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    made = fake_hosts.sitectl(tmp_path, monkeypatch)
    says = {"gpu-1": sections(), "gpu-2": sections("", 124), "cp-1": sections("", 127)}

    async def ask(target: Target, command: str, **given: object) -> ssh.Result:
        await made.hosts.ask(target, f"{command} check --json")  # raises the errors that a test gives
        assert b"limit=10\n" in given["stdin"]  # type: ignore[operator]
        return ssh.Result(0, says.get(target.name, sections()), "")

    monkeypatch.setattr(top_asked, "Fleet", partial(fleet.Fleet, ask=ask))
    return made


def test_figures_units_and_fields_that_a_gpu_lacks() -> None:
    first, second = nvidia_smi.read(XML, LIST).gpus
    assert (first.index, first.utilisation_percent, first.memory_used_mib, first.memory_total_mib) == (
        0,
        73,
        62464,
        81920,
    )
    assert (first.temperature_c, first.power_w, first.power_limit_w, first.mig) == (64, 312.44, 400, False)
    assert [(one.pid, one.kind, one.memory_mib) for one in first.processes] == [(4711, "C", 62000), (4712, "C", None)]
    # MIG: the whole GPU reports no utilisation; this board has no limit of power
    assert (second.utilisation_percent, second.power_w, second.power_limit_w, second.mig) == (None, 80.5, None, True)
    assert [(i.index, i.profile, i.uuid, i.ids, i.memory_used_mib) for i in second.instances] == [
        (0, "3g.40gb", "MIG-1111", ("1", "0"), 20096),
        (1, "1g.10gb", "MIG-2222", ("9", "0"), 12),
    ]
    assert second.processes[0].instance == ("1", "0")


@pytest.mark.parametrize(
    "text", ["[N/A]", "N/A", "[Not Supported]", "Not Supported", "Unknown Error", "Requested deprecated"]
)
def test_what_is_not_reported_is_none_and_not_nought(text: str) -> None:
    gpu = nvidia_smi.read(XML.replace("<gpu_temp>64 C<", f"<gpu_temp>{text}<")).gpus[0]
    assert gpu.temperature_c is None


def test_a_gpu_that_waits_for_a_reset_says_so() -> None:
    broken = XML.replace("<gpu_util>73 %<", "<gpu_util>GPU requires reset<")
    seen = top.seen("gpu-1", sections(broken), "", 10, bare=False)
    assert (seen.check.status, seen.check.saw) == ("failed", "GPU 0: GPU requires reset")


def test_totals_are_of_the_gpus_that_report() -> None:
    gpus = nvidia_smi.read(XML, LIST).gpus
    assert top.total(gpus) == top.Total(2, 73, 62464 + 20200, 2 * 81920, 312.44 + 80.5, 400)
    assert top.total([]).utilisation_percent is None


@pytest.mark.row("R13")
def test_a_host_that_fails_is_a_row_with_the_reason(sitectl: Sitectl) -> None:
    found = sitectl("top", "--once")
    assert found.exit_code == 1
    text = " ".join(found.stdout.split())
    assert "3 hosts, 2 GPUs · utilisation 73 %" in text
    assert (
        "gpu-1 0 NVIDIA A100-SXM4-80GB ███████▎ 73 % 62464/81920 MiB (76%) 64 °C 312/400 W ana python3, vision/train-7"
        in text
    )
    assert "gpu-1 1:0 MIG 3g.40gb - 20096/40192 MiB (50%) - - ? python3" in text
    assert "? gpu-2" not in text
    assert "✗ gpu-2 [gpus] nvidia-smi gave no answer in 10 s: it hangs, the driver is stuck." in text
    assert "- cp-1 [gpus] no GPU in the site, and no nvidia-smi." in text


@pytest.mark.parametrize(
    ("id_", "message", "code"),
    [("address", "192.0.2.21:22 cannot be reached: no answer", 4), ("login", "deploy may not log in", 3)],
)
def test_a_host_that_is_off_or_refuses_ends_nothing(sitectl: Sitectl, id_: str, message: str, code: int) -> None:
    sitectl.hosts.errors["gpu-2"] = SshError("gpu-2", id_, f"{message}. Fix: look.")  # type: ignore[arg-type]
    found = sitectl("top", "--json")
    data = json.loads(found.stdout)
    assert found.exit_code == code
    assert [host["host"] for host in data["hosts"]] == ["cp-1", "gpu-1", "gpu-2"]
    assert data["hosts"][1]["gpus"][0]["processes"][1]["user"] == {
        "name": "root", "pod_uid": POD, "namespace": "vision", "pod": "train-7"
    }  # fmt: skip
    assert data["cluster"]["gpus"] == 2
    assert data["failures"] == [id_]
    assert next(check for check in data["checks"] if check["host"] == "gpu-2")["saw"] == f"{message}."


def test_addresses_that_are_in_no_site(sitectl: Sitectl) -> None:
    known = sitectl.folder / "known"
    known.write_text(f"10.0.0.5 {key('a')}\n[10.0.0.6]:2222 {key('b')}\n")
    words = ("root@10.0.0.5", "ana@10.0.0.6:2222", "root@10.0.0.7")
    sitectl.hosts.errors["ana@10.0.0.6:2222"] = SshError(
        "ana@10.0.0.6:2222", "address", "10.0.0.6:2222 refuses connections. Fix: correct hosts.x.ssh.port."
    )
    found = sitectl("top", *words, "--known-hosts", str(known))
    text = " ".join(found.stdout.split())
    assert "Site" not in found.stderr
    assert found.exit_code == 4
    assert "root@10.0.0.5 580.95.05 2 73 %" in text
    assert "? ana@10.0.0.6:2222 [address] 10.0.0.6:2222 refuses connections. Fix: check its power, cable" in text
    assert f"[host-key] no host key is known for it in {known}. Nothing was sent. Fix: ssh -p 22 -o" in text
    assert [(t.address, t.port, t.user, t.sudo) for t in sitectl.hosts.reached] == [
        ("10.0.0.5", 22, "root", False),
        ("10.0.0.6", 2222, "ana", False),
    ]


@pytest.mark.parametrize("word", ["root@", "root@10.0.0.5:99999", "a@b@c"])
def test_a_word_that_is_no_address(sitectl: Sitectl, word: str) -> None:
    found = sitectl("top", word)
    assert found.exit_code == 2
    assert f"{word}: not an address. Write USER@ADDRESS" in found.stderr


def test_an_answer_that_is_no_xml() -> None:
    seen = top.seen("gpu-1", sections("<nvidia_smi_log><gpu>"), "", 10, bare=False)
    assert "the answer of nvidia-smi cannot be read" in seen.check.saw
    assert (
        "its shell printed no answer: This account is closed"
        in top.seen("a", "", "This account is closed", 10, bare=False).check.saw
    )


def test_live_asks_again_and_one_slow_host_holds_up_no_other() -> None:
    async def ask(target: Target, command: str, **_: object) -> ssh.Result:  # noqa: ARG001
        if target.name == "slow":
            await asyncio.Event().wait()
        return ssh.Result(0, sections(), "")

    async def look() -> list[list[str]]:
        shown: list[list[str]] = []
        enough = asyncio.Event()

        def note(found: object) -> None:
            shown.append(list(found))  # type: ignore[call-overload]
            if len(shown) == 4:
                enough.set()

        each = {name: Target(name, "192.0.2.1", 22, "root", key(name)) for name in ("slow", "quick")}
        asked = top.Asked(fleet.Fleet(each, ask=ask), {}, ["slow", "quick"], frozenset(), 10)
        loop = asyncio.create_task(top.for_ever(asked, 0, note))
        await asyncio.wait_for(enough.wait(), 30)
        loop.cancel()
        return shown

    assert asyncio.run(look()) == [[], ["quick"], ["quick"], ["quick"]]


def script(folder: Path, smi: str = "", ps: str = "") -> subprocess.CompletedProcess[str]:
    """Runs top.sh with a stand-in of nvidia-smi and of ps."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in {"nvidia-smi": smi, "ps": f"echo '{ps}'"}.items():
        if text:
            (programs / name).write_text(f"#!/bin/bash\n{text}\n")
            (programs / name).chmod(0o755)
    names = {"GPU_METAL_PROC": "proc", "GPU_METAL_PODS": "pods", "GPU_METAL_DRIVER": "driver"}
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **{k: str(folder / v) for k, v in names.items()}}
    return subprocess.run(
        ["bash", "-s"], input=f"limit=1\n{top.SCRIPT}", env=env, capture_output=True, text=True, check=True
    )


def test_the_script_finds_users_and_pods(tmp_path: Path) -> None:
    (tmp_path / "out.xml").write_text(XML)
    (tmp_path / "pods" / f"vision_train-7_{POD}").mkdir(parents=True)
    slice_ = f"kubepods-burstable-pod{POD.replace('-', '_')}.slice"
    for pid, cgroup in {
        "4711": "0::/user.slice",
        "4712": f"0::/kubepods.slice/{slice_}/cri-containerd-77.scope",
    }.items():
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "cgroup").write_text(f"{cgroup}\n")
    done = script(tmp_path, f'if [ "$1" = -L ]; then printf "%s" "{LIST}"; else cat {tmp_path}/out.xml; fi')
    seen = top.seen("gpu-1", done.stdout, done.stderr, 1, bare=False)
    me = Path.home().owner()
    assert seen.check.status == "ok"
    assert seen.users == {4711: top.User(me), 4712: top.User(me, POD, "vision", "train-7")}
    assert seen.answer.gpus[1].instances[1].profile == "1g.10gb"


@pytest.mark.parametrize(
    ("smi", "ps", "saw"),
    [
        ("trap '' TERM; sleep 60", "", "nvidia-smi gave no answer in 1 s: it hangs, the driver is stuck"),
        ("exit 1", "123 340 D", "gave no answer in 1 s (process 123 waits in the kernel since 340 s): it hangs"),
        ("echo 'NVIDIA-SMI has failed because'; exit 9", "", "ended with status 9: NVIDIA-SMI has failed because"),
    ],
)
def test_the_script_ends_whatever_nvidia_smi_does(tmp_path: Path, smi: str, ps: str, saw: str) -> None:
    done = script(tmp_path, smi, ps)
    assert saw in top.seen("gpu-1", done.stdout, done.stderr, 1, bare=False).check.saw


def test_a_host_without_nvidia_smi(tmp_path: Path) -> None:
    seen = top.seen("gpu-1", script(tmp_path).stdout, "", 1, bare=False)
    assert seen.check.saw == "has no nvidia-smi: no NVIDIA driver is installed"


def test_a_pod_whose_name_is_unknown_shows_its_uid() -> None:
    users = {4711: top.User("ana"), 4712: top.User("root", POD)}
    gpu = nvidia_smi.read(XML, LIST).gpus[0]
    shown = top_screen.screen({"gpu-1": top.Seen(Check("gpus", "gpu-1", "ok"), nvidia_smi.Answer("580", [gpu]), users)})
    console = Console(width=300)
    with console.capture() as captured:
        console.print(shown)
    assert f"pod {POD}" in captured.get()
