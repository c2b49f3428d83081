"""Two control planes, of which the first is dark and the second is this machine, with a stand-in of kubectl."""

import subprocess
from pathlib import Path

import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target

PLANES = tuple(Target(name, "192.0.2.1", 22, "root", "ssh-ed25519 AAAA") for name in ("cp-1", "cp-2"))


HOME = "/var/lib/gpu-metal"


def second_answers(folder: Path, monkeypatch: pytest.MonkeyPatch, kubectl: str, home: str = HOME) -> list[float]:
    """What is asked of cp-2 runs here, with this Bash script of `folder` as kubectl, and `home` for our folder there.

    The list gets the seconds that each question may take.
    """
    deadlines: list[float] = []
    (folder / "kubectl").write_text(kubectl)
    (folder / "kubectl").chmod(0o755)

    async def run(target: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        deadlines.append(deadline)
        if target.name == "cp-1":
            raise SshError("cp-1", "address", "did not answer. Fix: switch it on")
        env = {"PATH": f"{folder}:/usr/bin:/bin"}
        done = subprocess.run(
            ["/bin/bash", "-c", command.replace(HOME, home)], input=stdin, capture_output=True, check=False, env=env
        )
        return ssh.Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    monkeypatch.setattr(ssh, "run", run)
    return deadlines
