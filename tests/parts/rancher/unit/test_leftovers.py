"""Namespaces that stay when Rancher goes can be deleted.

Does not prove: what finalizers a real Rancher sets; kubectl has a stand-in.
"""

import json
import subprocess
from pathlib import Path

import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.platforms.rancher.api import RancherApi
from components.platforms.rancher.leftovers import LeftoversKind
from components.rest.access import Access
from components.rest.error import DarkError
from components.rest.kind import ensure

pytestmark = pytest.mark.row("T5")

PLANES = tuple(Target(name, "192.0.2.1", 22, "root", "ssh-ed25519 AAAA") for name in ("cp-1", "cp-2"))
KUBECTL = """#!/bin/bash
[[ "$*" == *--kubeconfig\\ /etc/kubernetes/admin.conf* ]] || exit 1
[[ "$*" == *get\\ namespaces* ]] && cat "$(dirname "$0")/namespaces"
[[ "$*" == *patch* ]] && printf '%s\\n' "$*" >>"$(dirname "$0")/patched"
exit 0
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """kubectl answers on cp-2; cp-1 is dark."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)

    async def run(target: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        assert deadline > 0
        if target.name == "cp-1":
            raise SshError("cp-1", "address", "did not answer. Fix: switch it on")
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = subprocess.run(["/bin/bash", "-c", command], input=stdin, capture_output=True, check=False, env=env)
        return ssh.Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    monkeypatch.setattr(ssh, "run", run)
    return tmp_path


def client(*planes: Target) -> RancherApi:
    return RancherApi(Access("https://rancher.lps.example.org", "admin", planes=planes))


def test_only_ranchers_finalizers_go(cluster: Path) -> None:
    own = "controller.cattle.io/namespace-auth"
    (cluster / "namespaces").write_text(f"vision {own}\nkube-system\nother example.org/one {own} example.org/two\n")
    LeftoversKind().delete(client(*PLANES), "leftovers", {})
    patched = [line.partition("patch namespace ")[2] for line in (cluster / "patched").read_text().splitlines()]
    found = {line.partition(" ")[0]: json.loads(line.partition("-p ")[2]) for line in patched}
    assert {name: each["metadata"]["finalizers"] for name, each in found.items()} == {
        "vision": [],
        "other": ["example.org/one", "example.org/two"],
    }


def test_without_a_control_plane_it_is_an_error(cluster: Path) -> None:
    assert cluster
    with pytest.raises(DarkError, match=r"no control plane could do it: cp-1: .*did not answer.*Fix: bring a control"):
        LeftoversKind().delete(client(PLANES[0]), "leftovers", {})


def test_making_it_changes_nothing_and_asks_nobody() -> None:
    assert ensure(LeftoversKind(), client(), {"cluster": "local"}, {}).values == {"cluster": "local"}
