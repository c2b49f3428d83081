"""Helm forgets a release that this state does not know. What Helm does then: tests/lab/plugin.py."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.kubernetes import release
from components.kubernetes.kinds import Kinds

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


KINDS = Kinds("metallb.io", "write kind: external")


@pytest.mark.row("X4")
def test_kinds_of_somebody_else_are_named_before_anything_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    async def run(_: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        assert deadline > 0
        sent.append(command)
        theirs = "" if free else "ipaddresspools.metallb.io of the release other in net\nbgppeers.metallb.io of …\n"
        return ssh.Result(0, "" if b"delete secret" in stdin else theirs, "")

    monkeypatch.setattr(ssh, "run", run)
    free = False
    with pytest.raises(release.TakenKindsError) as error:
        asyncio.run(release.forget(PLANES, "metallb-system", "metallb", KINDS))
    assert str(error.value) == (
        "a [release] has ipaddresspools.metallb.io of the release other in net and 1 more, and Helm installs metallb "
        "only with kinds of its own. Nothing was changed. Fix: write kind: external; or take the other one away"
    )
    assert sent == ["bash -s -- metallb-system metallb metallb.io"]
    free = True
    asyncio.run(release.forget(PLANES, "metallb-system", "metallb", KINDS))
    assert sent[1:] == ["bash -s -- metallb-system metallb metallb.io", "bash -s -- metallb-system metallb"]


@pytest.mark.row("X4")
def test_kinds_are_ours_by_helms_own_annotations(tmp_path: Path) -> None:
    """The script, with a stand-in for kubectl."""
    rows = ["metallb.io a.metallb.io metallb metallb-system", "metallb.io b.metallb.io metallb elsewhere"]
    rows += ["metallb.io c.metallb.io", "other.io a.other.io other there"]
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/bash\nprintf '%s \\n' " + " ".join(f"'{row}'" for row in rows) + "\n")
    kubectl.chmod(0o755)
    words = ["bash", str(release.KINDS), "metallb-system", "metallb", "metallb.io"]
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(words, env=path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "b.metallb.io of the release metallb in elsewhere",
        "c.metallb.io, which no release of Helm has",
    ]
