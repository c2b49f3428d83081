"""The document's own versions, planned: Run:ai 2.x from the vendor's archive, Kubernetes 1.23 and GPU Operator 1.11,
from mirrors that still have them.

Does not prove: that they work. None of them ever ran here.
"""

import base64
from pathlib import Path
from typing import Any

import pytest

from stacks.checks import notes
from stacks.model import Site
from stacks.site import build
from tests.parts.runai.sites import HOSTS, site_of
from tests.unit.recorder import Plan, record
from tests.unit.test_golden import FakeSecrets
from tests.unit.test_plan import void

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
HELM = "kubernetes:helm.sh/v3:Release"


def site(folder: Path, **more: Any) -> Site:
    (folder / "mirror.asc").write_text(KEY)
    mirror = {"url": "http://mirror.example.org/apt", "suite": "./", "keyFile": str(folder / "mirror.asc")}
    of: dict[str, Any] = {
        "kubernetes": {"version": "1.23.5"},
        "repositories": {"kubernetes": mirror},
        "gpuOperator": {"version": "v1.11.1"},
        "allowUntested": True,
    }
    package = {"host": "sys-1", "file": "/srv/runai-2.7.0.tar", "sha256": "5" * 64}
    registry = {"images": "registry.example.org:5000/runai"}
    nodes = {"system": ["sys-1"], "gpuWorker": ["gpu-1", "gpu-2"], "cpuWorker": ["cpu-1"]}
    given: dict[str, Any] = {"version": "2.7.0", "package": package, "registry": registry, "nodes": nodes}
    return site_of(folder, hosts=HOSTS, of=of, **{**given, **more})


def planned(of: Site) -> Plan:
    chart = {"stdout": base64.b64encode(b"chart").decode()}
    outputs = {f"{of.name}-kubeconfig": {"stdout": "the-kubeconfig"}}
    outputs |= {f"runai-{name}-chart": chart for name in ("control-plane", "cluster")}
    return record(lambda: void(build(of, FakeSecrets())), outputs)


@pytest.mark.row("R2", "R3", "R4", "R5")
def test_labels_and_both_charts_of_the_archive_are_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = planned(site(tmp_path))
    releases = {each.inputs["name"]: each for each in plan.resources.values() if each.type == HELM}
    assert {"runai-backend", "runai-cluster"} <= set(releases)
    for name in ("runai-backend", "runai-cluster"):
        assert releases[name].inputs["version"] == "2.7.0"
    cluster = releases["runai-cluster"].inputs["values"]["controlPlane"]
    assert (cluster["existingSecret"], "bootstrapToken" in cluster) == ("runai-cluster-client", False)
    told = [str(each.inputs.get("create")) for each in plan.resources.values()]
    for role in ("runai-system", "runai-gpu-worker", "runai-cpu-worker"):
        assert any(f"node-role.kubernetes.io/{role}=true" in words for words in told), role
    stdin = "\n".join(str(each.inputs.get("stdin")) for each in plan.resources.values())
    assert "kubeadm.k8s.io/v1beta3" in stdin
    assert any("delivery_unpacked" in words for words in told)


@pytest.mark.row("R3")
def test_a_note_says_that_nothing_is_known_of_them(tmp_path: Path) -> None:
    said = "\n".join(notes(site(tmp_path)))
    assert "runai 2.7.0 is not in the compatibility matrix" in said
    assert "gpu-operator 1.11.1 is not in the compatibility matrix" in said
