"""The comparison with peers: all are given the same work. Does not prove any figure; `make bench` measures them."""

import subprocess
from pathlib import Path

import pytest

from bench import report
from bench.ansible import playbook
from bench.bash import asking, doing
from bench.pyinfra import Pyinfra
from bench.timing import Cost, middle
from bench.work import KEY, File, Work
from lab.hosts import inventory

WORK = Work(["containerd"], {"/etc/sysctl.d/a.conf": File(f"# a 'name'\n{KEY} = 4096\n", "644")}, {KEY: "4096"})


def test_an_edit_changes_the_one_setting_in_file_and_answer() -> None:
    edited = WORK.with_setting("5000")
    assert edited.files["/etc/sysctl.d/a.conf"].text == f"# a 'name'\n{KEY} = 5000\n"
    assert edited.sysctl == {KEY: "5000"}
    with pytest.raises(SystemExit, match="cannot be given to the peers"):
        Work([], {}, {KEY: "4096"}).with_setting("5000")


def test_all_are_given_the_same_packages_files_and_modes(tmp_path: Path) -> None:
    tasks = playbook(WORK)["tasks"]
    assert [each["apt"]["name"] for each in tasks if "apt" in each] == [["containerd"]]
    [copied] = [each["copy"] for each in tasks if "copy" in each]
    assert copied == {"dest": "/etc/sysctl.d/a.conf", "content": f"# a 'name'\n{KEY} = 4096\n", "mode": "0644"}
    Pyinfra([inventory.host("rack-1")], tmp_path, WORK, tmp_path)
    for name in ("deploy.py", "inventory.py"):
        compile((tmp_path / name).read_text(), name, "exec")
    assert f"{KEY} = 4096" in (tmp_path / "deploy.py").read_text()


def test_bash_writes_the_file_and_finds_it_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "a.conf")
    work = Work(WORK.packages, {path: WORK.files["/etc/sysctl.d/a.conf"]}, WORK.sysctl)
    written = [line for line in doing(work) if path in line or str(tmp_path) in line]
    subprocess.run(["bash", "-euc", "\n".join(written)], check=True)
    sums = asking(work)[0]
    assert subprocess.run(["bash", "-euc", sums], check=False, capture_output=True).returncode == 0
    Path(path).write_text("another\n")
    assert subprocess.run(["bash", "-euc", sums], check=False, capture_output=True).returncode != 0


def test_the_table_has_each_time_with_its_ratio_to_plain_bash() -> None:
    lines = [
        report.Line(1, "gpu-metal", "first run", Cost(30.0, 1.5, 6.0)),
        report.Line(1, "plain bash", "first run", Cost(20.0, 0.1, 5.0)),
    ]
    assert "| gpu-metal | 30.00 s (1.5)<br>1.50 · 6.00 |" in report.table(lines, "first run")
    assert middle([Cost(wall, 0, 0) for wall in (3.0, 1.0, 2.0)]).wall == 2.0
