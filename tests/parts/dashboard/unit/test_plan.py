"""What the keys of the dashboard make in the plan, and what Helm makes of the values.

Does not prove: that a browser shows anything; no Headlamp runs in the lab.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.chart import known, leaves, unknown
from components.parts.dashboard import values as its
from components.parts.dashboard.config import Dashboard
from lab.paths import TOOLS_BIN
from ops import probes
from stacks.load import site_from
from stacks.model import Site
from tests.samples import ROOT
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("N3")

CHART = ROOT / "lab/parts/dashboard/charts/headlamp"
WHOLE: dict[str, Any] = {"oidc": {"secret": "clientSecret"}, "images": "mirror.example.org:5000/hub"}


def site(folder: Path, **dashboard: Any) -> Site:
    network = {
        "loadBalancer": {"pool": "10.0.0.200-10.0.0.209"},
        "ingress": {"kind": "haproxy", "issuer": {"name": "corp", "existing": True}},
    }
    oidc = {"issuer": "https://id.example.org/realms/ai", "client": "kubernetes"}
    hosts = {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}, "two": {"address": "10.0.0.2"}}
    said = {"domain": "ai.example.org", "hosts": hosts, "kubernetes": {"oidc": oidc}, "network": network}
    return site_from({**said, "dashboard": dashboard}, stack="lab", folder=folder, keys=False)


def test_it_is_at_the_ingress_and_logs_in_at_the_clusters_provider(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path, **WHOLE))
    release, login = plan.one("dashboard-release"), plan.one("dashboard-oidc")
    assert (release.inputs["namespace"], release.inputs["name"]) == ("headlamp", "headlamp")
    assert (release.inputs["chart"], release.inputs["version"]) == ("headlamp", "0.45.0")
    assert release.inputs["repositoryOpts"] == {"repo": "https://kubernetes-sigs.github.io/headlamp/"}
    assert "dashboard-oidc" in release.depends_on
    assert login.secret == {"stringData"}
    assert set(login.inputs["stringData"]) == {
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET",
        "OIDC_ISSUER_URL",
        "OIDC_SCOPES",
    }
    web = plan.one("dashboard-web")
    assert web.inputs["spec"]["rules"][0]["host"] == "dashboard.ai.example.org"
    assert web.inputs["spec"]["tls"] == [{"hosts": ["dashboard.ai.example.org"]}]
    assert "dashboard-release" in web.depends_on
    level = plan.one("headlamp-namespace").inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert level == "restricted"
    assert {each.name for name, each in probes.of(site(tmp_path, **WHOLE)) if name == "dashboard"} == {"headlamp"}


def test_it_has_no_rights_of_its_own_whatever_the_site_says() -> None:
    made = its.values(Dashboard.model_validate({"values": {"replicaCount": 2}}))
    assert made["clusterRoleBinding"] == {"create": False}
    assert made["config"]["unsafeUseServiceAccountToken"] is False
    assert made["replicaCount"] == 2


def test_the_list_of_keys_has_each_that_is_set_and_no_other() -> None:
    keys = known((ROOT / "components/parts/dashboard/chart.keys").read_text())
    made = its.values(Dashboard.model_validate(WHOLE))
    assert unknown(made, keys) == []
    seen = set(leaves(made))
    assert [key for key in keys if not any(path[: len(key)] == key for path in seen)] == []


@pytest.mark.parametrize("oidc", [True, False])
def test_helm_makes_no_binding_and_no_secret(oidc: bool) -> None:
    program = TOOLS_BIN / "helm"
    if not program.exists():
        pytest.skip("helm is not here: make tools")
    config = Dashboard.model_validate(WHOLE if oidc else {})
    words = [str(program), "template", "headlamp", str(CHART), "-n", "headlamp", "-f", "-"]
    text = json.dumps(its.values(config))
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=True)
    made = {each["kind"]: each for each in YAML(typ="safe").load_all(done.stdout) if each}
    assert made.keys() == {"ServiceAccount", "Service", "Deployment"}
    pod = made["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "runAsNonRoot": True,
        "privileged": False,
        "runAsUser": 100,
        "runAsGroup": 101,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert container.get("envFrom") == ([{"secretRef": {"name": "gpu-metal-oidc"}}] if oidc else None)
    mirrored = "mirror.example.org:5000/hub/headlamp-k8s/headlamp:v0.45.0"
    assert container["image"] == (mirrored if oidc else "ghcr.io/headlamp-k8s/headlamp:v0.45.0")
