"""Kubeflow's users: their projects' namespaces, what their notebooks can be given, and what verify asks.

Does not prove: that an API server takes the objects; test_kubeflow_real.py does.
"""

import asyncio
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.hostrun.ssh import Result
from components.parts.part import Question
from components.platforms.runai import notebooks
from components.platforms.runai.part import PART
from ops import questions
from stacks.checks import notes
from tests.parts.runai.sites import of_version, parts_of, site_of
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("R10")

PROJECTS = {"kubeflow-ana": {"gpus": 1, "members": ["ana"]}, "vision": {"gpus": 2, "groups": ["seers"]}, "idle": {}}
QUESTION = Path(notebooks.__file__).parent / "questions/bindings.sh"


def planned(folder: Path, **more: Any) -> Plan:
    of = {"projects": PROJECTS}
    site = of_version(folder, "3.0.0", of=of, scheduling={"fractions": True}, kubeflow={"users": ["ana"], **more})
    return plan_of(site)


def test_a_users_project_is_the_namespace_that_kubeflow_takes_over(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    namespace = plan.one("kubeflow-ana").inputs["metadata"]
    assert namespace["annotations"]["owner"] == "ana@example.org"
    assert namespace["labels"]["runai/queue"] == "kubeflow-ana"
    assert "owner" not in plan.one("vision").inputs["metadata"]["annotations"]
    profile = plan.one("runai-kubeflow-ana-profile")
    assert profile.inputs["metadata"]["name"] == "kubeflow-ana"
    assert profile.inputs["spec"] == {"owner": {"kind": "User", "name": "ana@example.org"}}
    assert "runai-project-kubeflow-ana" in profile.depends_on
    assert profile.options["retain_on_delete"] is True
    release = plan.one("runai-release").inputs["values"]["clusterConfig"]
    assert release["project-controller"] == {"createNamespaces": False}
    assert plan.one("runai-project-kubeflow-ana").inputs["want"]["namespace"] == "kubeflow-ana"


def test_a_notebook_can_be_given_whole_gpus_or_the_named_parts(tmp_path: Path) -> None:
    plan = planned(tmp_path, fractions={"runai-half-gpu": 0.5, "small": 0.1})
    made = {each.inputs["metadata"]["name"]: each for each in plan.resources.values() if "PodDefault" in each.type}
    assert set(made) == {"runai-non-fractional", "runai-half-gpu", "small"}
    named = {"name": "RUNAI_PROJECT", "value": "kubeflow-ana"}
    for name, each in made.items():
        assert each.inputs["metadata"]["namespace"] == "kubeflow-ana"
        assert each.inputs["spec"]["selector"] == {"matchLabels": {name: "true"}}
        assert "runai-kubeflow-ana-profile" in each.depends_on
    assert made["runai-non-fractional"].inputs["spec"]["env"] == [named]
    assert "annotations" not in made["runai-non-fractional"].inputs["spec"]
    half = made["runai-half-gpu"].inputs["spec"]
    assert half["env"] == [named, {"name": "RUNAI_GPU_FRACTION", "value": "0.5"}]
    assert half["annotations"] == {"gpu-fraction": "0.5"}
    assert made["small"].inputs["spec"]["annotations"] == {"gpu-fraction": "0.1"}


def test_kubeflows_own_pods_reach_notebooks(tmp_path: Path) -> None:
    policy = planned(tmp_path, namespaces=["ml", "mesh"]).one("runai-kubeflow-ana-reachable").inputs
    assert policy["metadata"]["namespace"] == "kubeflow-ana"
    [peer] = policy["spec"]["ingress"][0]["from"]
    [names] = peer["namespaceSelector"]["matchExpressions"]
    assert names == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["ml", "mesh"]}


def test_without_kubeflow_there_is_nothing_of_it(tmp_path: Path) -> None:
    plan = plan_of(site_of(tmp_path))
    assert not [each.name for each in plan.resources.values() if "kubeflow" in f"{each.type} {each.name}".lower()]


def test_a_namespace_that_refuses_istios_first_container_is_worth_a_line(tmp_path: Path) -> None:
    def said(level: str) -> bool:
        projects = {"kubeflow-ana": {"members": ["ana"], "podSecurity": level}}
        lines = notes(site_of(tmp_path, of={"projects": projects}, kubeflow={"users": ["ana"]}))
        return any(line.endswith("which needs none; or write privileged.") for line in lines)

    assert (said("baseline"), said("privileged")) == (True, False)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([("", "")], None),
        ([("profiles.kubeflow.org\n", "")], "cp-1 [kubeflow] the cluster has no profiles.kubeflow.org: Kubeflow is"),
        ([("", "it is dark"), ("", "")], None),
        (
            [("", "dark"), ("", "too")],
            "no control plane could say whether Kubeflow is installed. cp-1: dark; cp-2: too",
        ),
    ],
)
def test_before_the_first_object_a_control_plane_says_whether_kubeflow_is_there(
    monkeypatch: pytest.MonkeyPatch, answers: list[tuple[str, str]], said: str | None
) -> None:
    left = list(answers)

    async def ask(*_: object) -> tuple[str, str]:
        return left.pop(0)

    monkeypatch.setattr("components.kubernetes.plane.ask", ask)
    planes: list[Any] = [SimpleNamespace(name=f"cp-{number + 1}") for number in range(len(answers))]
    if said is None:
        asyncio.run(notebooks.must_be_there(planes, "runai"))
    else:
        with pytest.raises(notebooks.NoKubeflowError) as error:
            asyncio.run(notebooks.must_be_there(planes, "runai"))
        assert said in str(error.value)
    assert left == []


def test_verify_asks_for_the_role_bindings_of_projects_with_somebody_in_them(tmp_path: Path) -> None:
    config, known = parts_of(site_of(tmp_path, of={"projects": PROJECTS}, kubeflow={"users": ["ana"]}))
    assert PART.cluster
    asked = {each.id: each for each in PART.cluster.questions(config, known)}
    assert asked["bindings"].words == ("kubeflow-ana", "vision")
    gone = config.model_copy(update={"state": "gone"})
    assert PART.cluster.questions(gone, known) == []


@pytest.mark.parametrize(
    ("bindings", "status", "said"),
    [
        ("rolebinding.rbac.authorization.k8s.io/runai-researcher-1", 0, "all namespaces are linked"),
        (
            "rolebinding.rbac.authorization.k8s.io/project",
            1,
            "namespace kubeflow-ana (runai/queue: vision) has no role binding that begins with runai-: Run:ai has not",
        ),
    ],
)
def test_a_namespace_that_run_ai_has_not_linked_is_named(tmp_path: Path, bindings: str, status: int, said: str) -> None:
    programs = {"kubectl": f'case "$*" in *rolebinding*) echo "{bindings}" ;; *) echo vision ;; esac', "sleep": ""}
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)

    async def bash(words: str, script: bytes) -> Result:
        command = ["bash", "-s", "--", *words.split()]
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = subprocess.run(command, input=script, env=env, capture_output=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    answer = asyncio.run(questions.ask("cp-1", "runai", Question("bindings", QUESTION, ("kubeflow-ana",)), bash))
    assert (answer.id, answer.status == "ok") == ("runai/bindings", status == 0)
    assert answer.saw.startswith(said)
