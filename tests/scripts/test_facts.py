"""facts and JSON, with the machine's tools replaced. Not proven here: what real lspci and nvidia-smi print."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.runner_host import RUNNER

NASTY = [
    "",
    'a "quoted" \\ back\\slash / & \\n not a newline',
    "tab\tnewline\nreturn\rbell\x07escape\x1bdelete\x7f",
    "ünïcode ✗ 漢字 \U0001f600",
    "$(id) `id` ${HOME} %s %d !x *",
]

LSPCI = """\
01:00.0 3D controller: NVIDIA Corporation GA100 [A100 "SXM4" 80GB] (rev a1)
02:00.0 VGA compatible controller: NVIDIA Corporation AD102 (rev a1)
02:00.1 Audio device: NVIDIA Corporation AD102 High Definition Audio Controller (rev a1)
05:00.0 Bridge: NVIDIA Corporation GA100 [A100 NVSwitch] (rev a1)
"""


def sourced(script: str, *words: bytes, path: Path | None = None) -> bytes:
    """What `script` prints after the runner's parts were read."""
    code = RUNNER.parent
    parts = f'set -euo pipefail; shopt -s nullglob; identity=; . "{code}/text.sh"; . "{code}/facts.sh"\n'
    tools = f"{path}:" if path else ""
    done = subprocess.run(
        ["bash", "-c", parts + script, "bash", *words],
        env={"LC_ALL": "C", "PATH": tools + os.environ["PATH"]},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("text", NASTY)
def test_json_string_says_the_same_text(text: str) -> None:
    assert json.loads(sourced('json_string "$1"; printf %s "$REPLY"', text.encode())) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\xe2\x82", "a\ufffd\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf4\x90\x80\x80ok", "\ufffd\ufffd\ufffd\ufffdok"),
    ],
)
def test_bytes_that_are_not_utf8_are_replaced(raw: bytes, text: str) -> None:
    assert json.loads(sourced('json_string "$1"; printf %s "$REPLY"', raw)) == text


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    (tmp_path / "lspci.txt").write_text(LSPCI)
    tool(tmp_path, "lspci", f"cat {tmp_path}/lspci.txt")
    tool(tmp_path, "nvidia-smi", "echo 580.95.05; echo 580.95.05")
    tool(tmp_path, "containerd", "echo 'containerd github.com/containerd/containerd v1.7.24 88bf19b'")
    tool(tmp_path, "kubelet", "echo 'Kubernetes v1.34.2'")
    return tmp_path


def tool(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def facts(tools: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(sourced("facts", path=tools))
    return answer


def test_facts_are_those_of_this_machine(tools: Path) -> None:
    answer = facts(tools)
    system = os.uname()
    assert (answer["hostname"], answer["kernel"], answer["arch"]) == (system.nodename, system.release, system.machine)
    assert answer["memory_bytes"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert answer["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert answer["os"]["id"] in Path("/etc/os-release").read_text()
    assert (answer["containerd"], answer["kubelet"]) == ("1.7.24", "1.34.2")
    assert answer["cgroup"] in (1, 2)


def test_gpus_are_counted_without_their_sound_devices_and_switches(tools: Path) -> None:
    assert facts(tools)["gpus"] == {
        "count": 2,
        "names": ['NVIDIA Corporation GA100 [A100 "SXM4" 80GB] (rev a1)', "NVIDIA Corporation AD102 (rev a1)"],
        "driver": "580.95.05",
        "driver_says": None,
    }


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18",
            "ended with status 18: Failed to",
        ),
        ("exec sleep 600", "gave no answer within 5 s"),
    ],
    ids=["mismatch", "hangs"],
)
def test_a_driver_that_does_not_answer_is_said_and_does_not_hold_the_rest(tools: Path, script: str, says: str) -> None:
    tool(tools, "nvidia-smi", script)
    gpus = facts(tools)["gpus"]
    assert (gpus["count"], gpus["driver"]) == (2, None)
    assert says in gpus["driver_says"]
