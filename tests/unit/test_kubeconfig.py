"""The note on the host of which kubeconfig the stack has read. What it says is compared in test_renew.py."""

import asyncio

import pulumi
import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.kubernetes import kubeconfig

pytestmark = pytest.mark.row("K6", "K12")


def test_a_note_that_cannot_be_made_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy itself was read; drift then asks for it again."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    answers: list[ssh.Result | SshError] = [
        ssh.Result(0, "", ""),
        ssh.Result(1, "", "no space left"),
        SshError("cp-1", "connection", "is away"),
    ]

    async def run(target: Target, command: str, *, stdin: bytes) -> ssh.Result:
        assert (target.name, command, stdin) == ("cp-1", "bash -s", kubeconfig.NOTE.encode())
        answer = answers.pop(0)
        if isinstance(answer, SshError):
            raise answer
        return answer

    monkeypatch.setattr(ssh, "run", run)
    for _ in range(3):
        asyncio.run(kubeconfig.note(Target("cp-1", "10.0.0.1", 22, "root", "")))
    assert [line.rpartition(": ")[2] for line in said] == ["no space left", "cp-1 [connection] is away"]
