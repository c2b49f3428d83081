"""Before an object of Rancher's is made or changed: whose the name is, what still ends, what is counted.

Does not prove: what a real API server answers kubectl (tests/plugins/test_rancher.py).
"""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from components.platforms.rancher import own
from components.platforms.rancher.own import Own, OwnError, exceeded, free, room
from tests.unit.planes import PLANES, second_answers

pytestmark = pytest.mark.row("T5")

PROJECT = Own("projects", "p-vision", "local", "local-p-vision")
ROLE = Own("globalrolebindings", "gm-ana")
VOLUME, CLAIM = Own("persistentvolumes", "ana", group=""), Own("persistentvolumeclaims", "volume", "ana", group="")
LIMIT = {"limitsCpu": "4", "extended": {"requests.nvidia.com/gpu": "2"}}
# Each call takes the first file of its queue; the last one stays.
KUBECTL = """#!/bin/bash
cd "$(dirname "$0")" || exit 1
[[ "$*" == *--kubeconfig\\ /etc/kubernetes/admin.conf* ]] || exit 1
printf '%s\\n' "$*" >>calls
case "$*" in
    *'get namespace '*phase*) queue=phase ;;
    *'get namespace '*) queue=why ;;
    *) queue=object ;;
esac
mapfile -t files < <(compgen -G "$queue.*" | sort)
[[ -n ${files-} ]] && cat "${files[0]}"
if ((${#files[@]} > 1)); then rm "${files[0]}"; fi
exit 0
"""


class Cluster:
    """What kubectl answers, what was said, and whether the deadline is over."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, list[str]()

    def has(self, queue: str, *answers: str) -> None:
        for number, text in enumerate(answers):
            (self.folder / f"{queue}.{number}").write_text(text)

    def run(self, what: Coroutine[Any, Any, None]) -> list[str]:
        """Runs it; returns what it said meanwhile."""
        asyncio.run(what)
        return self.said

    def refused(self, what: Coroutine[Any, Any, None]) -> str:
        with pytest.raises(OwnError) as caught:
            asyncio.run(what)
        return str(caught.value)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    second_answers(tmp_path, monkeypatch, KUBECTL)
    monkeypatch.setattr(own, "PAUSE", 0.0)
    return Cluster(tmp_path)


@pytest.mark.parametrize("object_", ["", " true"], ids=["nothing there", "an earlier run made it"])
def test_a_free_name_needs_no_wait(cluster: Cluster, object_: str) -> None:
    cluster.has("object", object_)
    assert cluster.run(free(PLANES, PROJECT, cluster.said.append)) == []
    assert cluster.run(free(PLANES, ROLE, cluster.said.append)) == []


def test_it_waits_for_what_still_ends_and_says_so_once(cluster: Cluster) -> None:
    cluster.has("object", "2026-11-30T10:00:00Z true", "")
    cluster.has("phase", "Terminating", "Terminating", "")
    said = ["p-vision: waits until the former projects p-vision is gone, 180 s at most"]
    assert cluster.run(free(PLANES, PROJECT, cluster.said.append)) == said
    assert (cluster.folder / "calls").read_text().count("phase") == 3


def test_what_does_not_end_in_time_is_named_with_its_reason(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "LIMIT", 0.0)
    cluster.has("phase", "Terminating")
    cluster.has("why", "Some content has finalizers: a.cattle.io in 1\n")
    assert cluster.refused(free(PLANES, PROJECT, cluster.said.append)) == (
        "cp-2 [rancher] the former namespace local-p-vision still ends after 0 s: Some content has finalizers: "
        "a.cattle.io in 1. p-vision was not made. Fix: remove what holds it, see kubectl get namespace local-p-vision "
        "-o yaml; then pulumi up"
    )


def test_a_namespace_that_nobody_deletes_is_named_with_the_command(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "LIMIT", 0.0)
    cluster.has("phase", "Active")
    said = cluster.refused(free(PLANES, PROJECT, cluster.said.append))
    assert "still ends after 0 s: nobody has deleted it: kubectl delete namespace local-p-vision. p-vision was" in said


def test_a_claim_that_pods_hold_is_named_with_its_namespace(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "LIMIT", 0.0)
    cluster.has("object", "2026-11-30T10:00:00Z true")
    said = cluster.refused(free(PLANES, CLAIM, cluster.said.append))
    assert "the former persistentvolumeclaims volume still ends after 0 s" in said
    assert "see kubectl get -n ana persistentvolumeclaims volume -o yaml; then pulumi up" in said


@pytest.mark.parametrize(
    ("of", "within"),
    [(PROJECT, " -n local"), (ROLE, ""), (VOLUME, ""), (CLAIM, " -n ana")],
    ids=["project", "role", "volume", "claim"],
)
def test_what_others_made_is_refused(cluster: Cluster, of: Own, within: str) -> None:
    cluster.has("object", " ")
    assert cluster.refused(free(PLANES, of, cluster.said.append)) == (
        f"cp-2 [rancher] {of.kind} {of.name} is there already, and this program did not make it. Nothing was changed. "
        "Fix: another name in the site; or, to make it the site's, with which it is deleted: "
        f"kubectl label{within} {of.kind} {of.name} gpu-metal/made=true"
    )


def test_a_smaller_quota_waits_until_rancher_has_counted_it(cluster: Cluster) -> None:
    used = {"limitsCpu": "4", "extended": {"requests.nvidia.com/gpu": "4"}}
    cluster.has("object", json.dumps(used), json.dumps({**used, "extended": {"requests.nvidia.com/gpu": "2"}}))
    said = ["p-vision: waits until Rancher has counted the smaller quota of its namespaces, 180 s at most"]
    assert cluster.run(room(PLANES, "vision", LIMIT, cluster.said.append)) == said


def test_a_quota_below_what_namespaces_have_is_refused_with_both_numbers(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "LIMIT", 0.0)
    cluster.has("object", json.dumps({"limitsCpu": "4500m", "pods": "9", "extended": {"requests.nvidia.com/gpu": "3"}}))
    assert cluster.refused(room(PLANES, "vision", LIMIT, cluster.said.append)) == (
        "cp-2 [rancher] Rancher counts more in the namespaces of project vision than the site gives it: limitsCpu "
        "4500m of 4, requests.nvidia.com/gpu 3 of 2. The project was not changed. Fix: give it more; or its "
        "namespaces, which kubectl get namespaces -l field.cattle.io/projectId=p-vision lists, less in Rancher; then "
        "pulumi up"
    )


def test_without_a_control_plane_nothing_is_made(cluster: Cluster) -> None:
    said = "cp-1 [rancher] no control plane could say whether projects p-vision of Rancher is free. cp-1: "
    assert cluster.refused(free(PLANES[:1], PROJECT, cluster.said.append)).startswith(said)


@pytest.mark.parametrize(
    ("used", "above"),
    [({}, {}), ({"limitsCpu": "4000m"}, {}), ({"pods": "900"}, {}), ({"limitsCpu": "5"}, {"limitsCpu": ("5", "4")})],
)
def test_only_what_has_a_limit_can_exceed_it(used: dict[str, str], above: dict[str, Any]) -> None:
    assert exceeded(used, LIMIT) == above
