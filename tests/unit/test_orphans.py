"""What a dead run leaves is found by its mark and ended; nothing else is. With real processes, of the test itself."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops import orphans

WRAPPER = Path(__file__).parents[2] / "tools/pulumi/private_tmp.sh"
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process with that mark; all end with the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def one(mark: str, *words: str) -> "subprocess.Popen[bytes]":
        begun.append(
            subprocess.Popen(words or ["sleep", "600"], env={"GPU_METAL_CLI": mark, "PATH": os.environ["PATH"]})
        )
        return begun[-1]

    yield one
    for process in begun:
        process.kill()
        process.wait()


def began(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]


def of(process: "subprocess.Popen[bytes]") -> list[orphans.Orphan]:
    """Of all orphans on this machine, those that are this process."""
    return [orphan for orphan in orphans.orphans() if orphan.pid == process.pid]


def test_what_a_dead_run_left_is_ended_and_waited_for(start: Start) -> None:
    left = start(f"{2**22 + 1}.4711")
    [found] = of(left)
    assert orphans.end([found]) == [f"ended sleep (pid {left.pid}), which a run that was killed had left"]
    assert left.wait(60) == -signal.SIGTERM
    assert of(left) == []


def test_what_does_not_end_by_itself_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "PATIENCE", 0.3)
    deaf = start(f"{2**22 + 1}.4711", "bash", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    until(lambda: ignores_term(deaf.pid))
    assert orphans.end(of(deaf)) == [f"ended bash (pid {deaf.pid}), which a run that was killed had left"]
    assert deaf.wait(60) == -signal.SIGKILL


def test_what_belongs_to_a_run_that_lives_is_no_orphan(start: Start) -> None:
    assert of(start(f"{os.getpid()}.{began(os.getpid())}")) == []
    # Its number is in use again, by a process that began at another time.
    assert of(start(f"{os.getpid()}.1")) != []


def test_a_number_that_another_process_has_meanwhile_is_not_ended(start: Start) -> None:
    other = start("")
    assert orphans.end([orphans.Orphan(other.pid, "sleep", f"{2**22 + 1}.4711")]) == []
    assert other.poll() is None


def until(holds: Callable[[], bool], limit: float = 30) -> None:
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def ignores_term(pid: int) -> bool:
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    return bool(int(status["SigIgn"], 16) & 1 << (signal.SIGTERM - 1))


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """The `pulumi` on PATH, over a program that tells its environment, starts a plugin, and waits for a line."""
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/bash\n"
        "setsid sleep 600 >/dev/null 2>&1 &\n"
        'printf "%s\\n" "$$ $! ${GPU_METAL_CLI-} ${PULUMI_RUN_PROGRAM-no}"\n'
        "read -r _\n"
    )
    program.chmod(0o755)
    wrapper = tmp_path / "pulumi"
    wrapper.write_text(WRAPPER.read_text().replace("@PROGRAM@", shlex.quote(str(program))))
    wrapper.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}

    def run(*words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(wrapper), *words], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    return run


def told(process: "subprocess.Popen[str]") -> tuple[int, int, str, str]:
    assert process.stdout
    pid, plugin, mark, run_program = process.stdout.readline().split()
    return int(pid), int(plugin), mark, run_program


def test_the_cli_marks_what_it_starts(cli: Callable[..., "subprocess.Popen[str]"]) -> None:
    process = cli("up")
    pid, plugin, mark, run_program = told(process)
    assert mark == f"{process.pid}.{began(pid)}"
    assert run_program == "no"
    assert plugin not in {orphan.pid for orphan in orphans.orphans()}
    process.communicate("end\n")
    until(lambda: not Path(f"/proc/{plugin}").exists())


def test_a_cli_that_is_killed_takes_its_plugins_with_it(
    cli: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    process = cli("destroy", "--yes")
    _, plugin, _, run_program = told(process)
    # The hook that asks a host before anything is undone there runs in the program.
    assert run_program == "true"
    process.kill()
    process.communicate()
    until(lambda: not Path(f"/proc/{plugin}").exists())
    until(lambda: not list(tmp_path.glob("gpu-metal.*")))
