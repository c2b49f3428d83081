"""Helm forgets a release that this state does not know. What Helm does then: tests/lab/plugin.py."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.kubernetes import release

PLANES = [
    Target(name, f"192.0.2.{number}", 22, "root", "ssh-ed25519 AAAA") for number, name in enumerate(("a", "b"), 1)
]
DONE = ssh.Result(0, "", "")
DEAD = SshError("a", "address", "did not answer. Fix: switch it on")


def forget(
    monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, ssh.Result | SshError], call: Any = release.forget
) -> list[tuple[str, str]]:
    """What was sent to which control plane."""
    sent: list[tuple[str, str]] = []

    async def run(target: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        assert deadline > 0
        assert b"delete secret" in stdin
        sent.append((target.name, command))
        answer = answers[target.name]
        if isinstance(answer, SshError):
            raise answer
        return answer

    monkeypatch.setattr(ssh, "run", run)
    asyncio.run(call(PLANES, "kube-flannel", "flannel"))
    return sent


def test_the_first_control_plane_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "bash -s -- kube-flannel flannel"
    assert forget(monkeypatch, {"a": DONE, "b": DONE}) == [("a", command)]
    assert forget(monkeypatch, {"a": DEAD, "b": DONE}) == [("a", command), ("b", command)]


def test_nothing_is_installed_where_none_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ssh.Result(1, "", "line\nerror: the server is down\n")
    with pytest.raises(release.KeptReleaseError) as error:
        forget(monkeypatch, {"a": DEAD, "b": refused})
    said = str(error.value)
    assert said.startswith(
        "a [release] no control plane could say whether Helm has a release flannel already. a: [address]"
    )
    assert "b: error: the server is down. Nothing was changed. Fix: " in said


@pytest.mark.row("X4")
def test_only_what_a_killed_change_left_is_forgotten_before_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "bash -s -- kube-flannel flannel pending-upgrade,pending-rollback"
    assert forget(monkeypatch, {"a": DONE, "b": DONE}, release.unblock) == [("a", command)]
    refused = ssh.Result(1, "", "the server is down")
    with pytest.raises(release.KeptReleaseError, match="could say whether Helm still changes the release flannel"):
        forget(monkeypatch, {"a": DEAD, "b": refused}, release.unblock)
