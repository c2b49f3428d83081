"""Namespaces that stay when Rancher goes can be deleted.

Does not prove: what finalizers a real Rancher sets; kubectl has a stand-in.
"""

import json
from pathlib import Path

import pytest

from components.hostrun.target import Target
from components.platforms.rancher.api import RancherApi
from components.platforms.rancher.leftovers import LeftoversKind
from components.rest.access import Access
from components.rest.error import DarkError
from components.rest.kind import ensure
from tests.unit.planes import PLANES, second_answers

pytestmark = pytest.mark.row("T5")

KUBECTL = """#!/bin/bash
[[ "$*" == *--kubeconfig\\ /etc/kubernetes/admin.conf* ]] || exit 1
[[ "$*" == *get\\ namespaces* ]] && cat "$(dirname "$0")/namespaces"
[[ "$*" == *patch* ]] && printf '%s\\n' "$*" >>"$(dirname "$0")/patched"
exit 0
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """kubectl answers on cp-2; cp-1 is dark."""
    second_answers(tmp_path, monkeypatch, KUBECTL)
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
