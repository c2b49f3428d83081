"""The lab's stand-in of Orchestra's pilot beside a real control plane, with a table `job` in memory."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.plugins.control_plane import ControlPlane
from tests.plugins.tools import CHECKOUT


def starts_jobs(plane: ControlPlane, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kubeconfig of ben, of the project vision: there, each on its node, and nowhere else."""
    monkeypatch.syspath_prepend(str(CHECKOUT / "lab/parts/orchestra/source"))
    monkeypatch.setitem(sys.modules, "six", SimpleNamespace(__version__="0"))
    pilot = import_module("orchestra.scripts.run_rancher")
    running, done = {"7": ("node02", "cpu"), "8": ("cessy", "gpu")}, list[str]()

    def run(sql: str) -> list[list[str]]:
        if sql.startswith("UPDATE job SET status = 'completed'"):
            done.append(sql.partition("id = ")[2].rstrip(";"))
        return [[job, *place] for job, place in running.items()]

    monkeypatch.setattr(pilot, "run", run)
    cluster = pilot.Cluster(str(to))
    pilot.follow(cluster)
    shown = 'jsonpath={range .items[*]}{.metadata.name} {.spec.template.spec.nodeSelector}{"\\n"}{end}'
    made = plane.kubectl("get", "jobs", "-n", "vision", "-o", shown).splitlines()
    assert made == [f'orchestra-{job} {{"kubernetes.io/hostname":"{node}"}}' for job, (node, _) in running.items()]
    limits = "jsonpath={.spec.template.spec.containers[0].resources.limits}"
    asked = [plane.kubectl("get", "job", f"orchestra-{job}", "-n", "vision", "-o", limits) for job in running]
    assert asked == ["", '{"nvidia.com/gpu":"1"}']
    assert done == []
    now = {"startTime": "2026-11-30T10:00:00Z", "completionTime": "2026-11-30T10:00:01Z", "succeeded": 1}
    conditions = [{"type": each, "status": "True"} for each in ("SuccessCriteriaMet", "Complete")]
    change = json.dumps({"status": {**now, "conditions": conditions}})
    at = ["job", "orchestra-7", "-n", "vision", "--subresource=status", "--type=merge"]
    assert "patched" in plane.kubectl("patch", *at, "-p", change)
    pilot.follow(cluster)
    assert done == ["7"]
    cluster.jobs_at = cluster.jobs_at.replace("/vision/", "/kube-system/")
    with pytest.raises(SystemExit, match=r'refuses: jobs.batch is forbidden: User "ben@example.org" cannot list'):
        pilot.follow(cluster)
    # The project's last job is one of another test.
    plane.kubectl("delete", "jobs", "--all", "-n", "vision", "--cascade=background")
