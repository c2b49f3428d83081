"""facts and JSON, with the machine's tools replaced.

Not proven here: what real tools print. samples/*.xml are written after the documents of nvidia-smi and its DTDs, with
values of our own.
"""

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

SAMPLES = Path(__file__).parent / "samples"
WORKSTATION = """\
0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA102GL [RTX "A6000"] [10de:2230] (rev a1)
0000:01:00.1 Audio device [0403]: NVIDIA Corporation GA102 High Definition Audio Controller [10de:1aef] (rev a1)
0000:21:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684] (rev a1)
0000:c5:00.0 Bridge [0680]: NVIDIA Corporation GA100 [A100 NVSwitch] [10de:1af1] (rev a1)
"""
A100 = ("07", "0f", "47", "4e", "87", "90", "b7", "bd")
H100 = ("1b", "43", "52", "61")


def sourced(script: str, *words: bytes, path: Path | None = None) -> bytes:
    """What `script` prints after the runner's parts were read."""
    code = RUNNER.parent
    parts = f'set -euo pipefail; shopt -s nullglob; identity=; code="{code}"; . "{code}/text.sh"; . "{code}/facts.sh"\n'
    tools = f"{path}:" if path else ""
    done = subprocess.run(
        ["bash", "-c", parts + script, "bash", *words],
        env={"LC_ALL": "C", "PATH": tools + os.environ["PATH"], "GPU_METAL_NVIDIA_LIMIT": "2"},
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
    gpus(tmp_path, WORKSTATION, "workstation.xml")
    tool(tmp_path, "containerd", "echo 'containerd github.com/containerd/containerd v1.7.24 88bf19b'")
    tool(tmp_path, "docker", "echo 'Docker version 28.5.1, build e180ab8'")
    tool(tmp_path, "kubelet", "echo 'Kubernetes v1.34.2'")
    return tmp_path


def gpus(folder: Path, pci: str, sample: str, status: int = 0) -> None:
    (folder / "lspci.txt").write_text(pci)
    tool(folder, "lspci", f"[ \"$*\" != '-D -nn -d 10de:' ] || cat {folder}/lspci.txt")
    tool(folder, "nvidia-smi", f"[ \"$*\" != '-q -x' ] || cat '{SAMPLES}/{sample}'; exit {status}")


def bus(slots: tuple[str, ...], name: str, ids: str) -> str:
    return "".join(
        f"0000:{slot}:00.0 3D controller [0302]: NVIDIA Corporation {name} [{ids}] (rev a1)\n" for slot in slots
    )


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
    assert answer["versions"]["docker"] == "28.5.1"
    assert answer["cgroup"] in (1, 2)
    assert answer["cpu"]["threads"] == os.cpu_count()
    assert answer["cpu"]["cores"] >= answer["cpu"]["sockets"] >= 1


@pytest.mark.row("H20")
def test_advice_is_said_beside_what_was_seen(tools: Path) -> None:
    rows = {row["about"]: row for row in facts(tools)["advice"]}
    assert set(rows) == {"c_states", "governor", "iommu", "secure_boot", "numa_balancing"}
    assert all(set(row) == {"about", "seen", "advice"} for row in rows.values())
    assert rows["iommu"]["seen"] in {"off", "on", "on, passed through"}


@pytest.mark.row("G1")
def test_gpus_are_counted_without_their_sound_devices_and_switches(tools: Path) -> None:
    answer = facts(tools)["gpus"]
    names = ['NVIDIA Corporation GA102GL [RTX "A6000"] (rev a1)', "NVIDIA Corporation AD102 (rev a1)"]
    assert (answer["count"], answer["names"], answer["nvswitches"]) == (2, names, 1)
    assert (answer["driver"], answer["cuda"], answer["driver_says"], answer["pci_says"]) == (
        "550.163.01",
        "12.4",
        None,
        None,
    )


@pytest.mark.row("G6")
def test_a_workstation_has_no_ecc_where_the_card_knows_none_and_no_fabric(tools: Path) -> None:
    a6000, geforce = facts(tools)["gpus"]["devices"]
    assert (a6000["bus"], a6000["ids"], a6000["model"]) == ("0000:01:00.0", "10de:2230", "NVIDIA RTX A6000")
    assert (a6000["ecc"], a6000["mig"], a6000["persistence"], a6000["processes"]) == (False, None, False, 1)
    assert (geforce["ecc"], geforce["ecc_uncorrected"], geforce["serial"]) == (None, None, None)
    assert (geforce["power_limit_watts"], geforce["power_most_watts"], geforce["memory_mib"]) == (450, 600, 24564)
    assert geforce["fabric_state"] is None


@pytest.mark.row("G6")
def test_eight_a100(tools: Path) -> None:
    gpus(tools, bus(A100, "GA100 [A100 SXM4 80GB]", "10de:20b2"), "a100.xml")
    answer = facts(tools)["gpus"]
    devices = answer["devices"]
    assert (answer["count"], answer["driver"], answer["cuda"], answer["driver_says"]) == (8, "580.95.05", "13.0", None)
    assert [device["bus"] for device in devices] == [f"0000:{slot}:00.0" for slot in A100]
    assert {device["model"] for device in devices} == {"NVIDIA A100-SXM4-80GB"}
    assert len({device["uuid"] for device in devices}) == 8
    assert [device["mig"] for device in devices] == [False, False, True, *[False] * 5]
    # neither the errors of a MIG device nor those since the card was made
    assert [device["ecc_uncorrected"] for device in devices] == [0, 0, 0, 0, 0, 1, 0, 0]
    assert (devices[5]["ecc_corrected"], devices[2]["processes"], devices[2]["memory_mib"]) == (3, 2, 81920)


@pytest.mark.row("G9")
def test_an_h100_says_whether_its_fabric_is_ready(tools: Path) -> None:
    gpus(tools, bus(H100, "GH100 [H100 SXM5 80GB]", "10de:2330"), "h100.xml")
    devices = facts(tools)["gpus"]["devices"]
    assert [device["fabric_state"] for device in devices] == ["Completed", "Completed", "Completed", "In Progress"]
    assert [device["fabric_status"] for device in devices] == ["Success", "Success", "Success", None]
    # the GPU's own limit, not the module's, which has none
    assert {device["power_limit_watts"] for device in devices} == {700}


def test_a_volta_under_an_old_driver(tools: Path) -> None:
    pci = "0004:04:00.0 3D controller [0302]: NVIDIA Corporation GV100GL [Tesla V100 SXM2 16GB] [10de:1db1] (rev a1)\n"
    gpus(tools, pci, "v100.xml")
    (device,) = facts(tools)["gpus"]["devices"]
    assert (device["bus"], device["model"]) == ("0004:04:00.0", "Tesla V100-SXM2-16GB")
    assert (device["ecc_corrected"], device["ecc_uncorrected"], device["power_limit_watts"]) == (4, 2, 300)


def test_a_gpu_that_nvidia_smi_does_not_show_is_said(tools: Path) -> None:
    gpus(tools, bus((*H100, "9d"), "GH100 [H100 SXM5 80GB]", "10de:2330"), "h100.xml")
    answer = facts(tools)["gpus"]
    assert answer["driver_says"] == "nvidia-smi shows 4 GPUs, the PCI bus 5"
    assert (answer["devices"][4]["uuid"], answer["devices"][4]["ids"]) == (None, "10de:2330")


def test_a_mismatch_of_driver_and_library_is_said_and_does_not_hold_the_rest(tools: Path) -> None:
    gpus(tools, WORKSTATION, "mismatch.txt", status=18)
    answer = facts(tools)["gpus"]
    says = "nvidia-smi ended with status 18: Failed to initialize NVML: Driver/library version mismatch"
    assert (answer["count"], answer["driver"], answer["driver_says"]) == (2, None, says)
    assert answer["devices"][0]["ids"] == "10de:2230"


@pytest.mark.parametrize(
    ("name", "key", "says"),
    [
        ("nvidia-smi", "driver_says", "nvidia-smi gave no answer within 2 s"),
        ("lspci", "pci_says", "lspci ended with status 124: "),
    ],
)
def test_a_tool_that_hangs_is_said_and_does_not_hold_the_rest(tools: Path, name: str, key: str, says: str) -> None:
    tool(tools, name, "exec sleep 600")
    answer = facts(tools)
    assert answer["gpus"][key] == says
    assert answer["versions"]["containerd"] == "1.7.24"


def test_a_line_without_its_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_bytes(b"0123abcd")  # as some installers write it
    assert sourced('_line "$1"; printf "%s" "$REPLY"', bytes(tmp_path / "machine-id")) == b"0123abcd"


def test_without_lspci_the_bus_is_read_from_sysfs(tools: Path) -> None:
    for slot, class_ in (("0000:01:00.0", "0x030200"), ("0000:02:00.0", "0x020000")):
        folder = tools / "pci" / slot
        folder.mkdir(parents=True)
        for name, text in (("vendor", "0x10de"), ("device", "0x20b2"), ("class", class_)):
            (folder / name).write_text(f"{text}\n")
    hide = 'command() { [[ $2 != lspci ]] && builtin command "$@"; }'
    answer = json.loads(sourced(f'pci_folder="{tools}/pci"; {hide}; facts', path=tools))["gpus"]
    assert (answer["count"], answer["names"]) == (1, ["NVIDIA device 10de:20b2"])
    assert (answer["devices"][0]["bus"], answer["devices"][0]["ids"]) == ("0000:01:00.0", "10de:20b2")


LSBLK = r"""
NAME="loop0" KNAME="loop0" PKNAME="" TYPE="loop" SIZE="10" FSTYPE="squashfs" MOUNTPOINT="/snap"
NAME="sda" KNAME="sda" PKNAME="" TYPE="disk" SIZE="1000" FSTYPE="" MOUNTPOINT=""
NAME="sda1" KNAME="sda1" PKNAME="sda" TYPE="part" SIZE="600" FSTYPE="LVM2_member" MOUNTPOINT=""
NAME="vg-root" KNAME="dm-0" PKNAME="sda1" TYPE="lvm" SIZE="600" FSTYPE="ext4" MOUNTPOINT="/"
NAME="sda2" KNAME="sda2" PKNAME="sda" TYPE="part" SIZE="400" FSTYPE="swap" MOUNTPOINT="[SWAP]"
NAME="nvme0n1" KNAME="nvme0n1" PKNAME="" TYPE="disk" SIZE="2000" FSTYPE="" MOUNTPOINT=""
NAME="loop1" KNAME="loop1" PKNAME="" TYPE="loop" SIZE="10" FSTYPE="ext4" MOUNTPOINT=""
NAME="sdb" KNAME="sdb" PKNAME="" TYPE="disk" SIZE="3000" FSTYPE="xfs" MOUNTPOINT="/srv/a\x22b"
"""


@pytest.mark.row("H2")
def test_what_holds_a_disk_is_told(tools: Path) -> None:
    (tools / "lsblk.txt").write_text(LSBLK.strip() + "\n")
    tool(tools, "lsblk", f"cat {tools}/lsblk.txt")
    words = 'for disk in sda nvme0n1 sdb; do printf "[%s]\\n" "${disk_holds[$disk]-}"; done'
    lines = sourced(f"_read_disks; {words}", path=tools).splitlines()
    sda, free, sdb = (json.loads(line) for line in lines)
    assert [(part["name"], part["filesystem"], part["mount"]) for part in sda] == [
        ("sda1", "LVM2_member", None),
        ("vg-root", "ext4", "/"),
        ("sda2", "swap", "[SWAP]"),
    ]
    assert free == []
    assert [(part["kind"], part["bytes"], part["mount"]) for part in sdb] == [("disk", 3000, '/srv/a"b')]


def test_a_disk_is_not_free_because_nobody_looked(tools: Path) -> None:
    assert facts(tools)["disks"] != []
    tool(tools, "lsblk", "exit 1")
    assert {disk["holds"] for disk in facts(tools)["disks"]} == {None}


@pytest.mark.parametrize(("leap", "in_sync"), [("Normal", True), ("Not synchronised", False)])
def test_services_that_run_and_a_clock_in_step(tools: Path, leap: str, in_sync: bool) -> None:
    states = (
        'for unit in "$@"; do case $unit in firewalld|chronyd) echo active ;; *) echo inactive ;; esac; done; exit 3'
    )
    tool(tools, "systemctl", f"shift; {states}")
    tool(tools, "chronyc", f"echo 'C0000201,192.0.2.1,3,1795364303.1,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,64.2,{leap}'")
    answer = facts(tools)
    assert (answer["firewall"], answer["time_services"]) == (["firewalld"], ["chronyd"])
    assert answer["clock_in_sync"] is in_sync
