"""What the keys of logs make in the plan, and what Helm makes of the values.

Does not prove: that anything is collected. The flags were run with VictoriaLogs and vlagent 1.52.1 (docs/parts/logs).
"""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.parts.chart import known, leaves, unknown
from components.parts.logs import values as its
from components.parts.logs.config import Logs
from lab.paths import TOOLS_BIN
from ops import probes, questions
from stacks.load import site_from
from stacks.model import Site
from stacks.secret_names import secret_names
from tests.samples import ROOT
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("N3")

CHARTS = ROOT / "lab/parts/logs/charts"
KEYS = known((ROOT / "components/parts/logs/chart.keys").read_text())
WHOLE: dict[str, Any] = {
    "passwordSecret": "logsPassword",
    "retention": "30d",
    "storage": {"size": "100Gi", "storageClass": "fast"},
    "name": "logs",
    "exclude": ["kube-system", "noisy"],
    "images": "mirror.example.org:5000/hub",
}


def site(folder: Path, **logs: Any) -> Site:
    network = {
        "loadBalancer": {"pool": "10.0.0.200-10.0.0.209"},
        "ingress": {"kind": "haproxy", "issuer": {"name": "corp", "existing": True}},
    }
    hosts = {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}, "two": {"address": "10.0.0.2"}}
    classes = {"classes": {"fast": {"kind": "external", "default": True}}}
    said = {"domain": "ai.example.org", "hosts": hosts, "kubernetes": {}, "network": network, "storage": classes}
    return site_from({**said, "logs": logs or WHOLE}, stack="lab", folder=folder, keys=False)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(site(tmp_path_factory.mktemp("site")))


def test_store_and_agents_are_pinned_releases_in_namespaces_of_their_own(plan: Plan) -> None:
    for name, place, chart in (
        ("logs-store", ("logs", "vls"), ("victoria-logs-single", "0.13.9")),
        ("logs-collector", ("logs-collector", "collector"), ("victoria-logs-collector", "0.3.7")),
    ):
        release = plan.one(name).inputs
        assert (release["namespace"], release["name"]) == place
        assert (release["chart"], release["version"]) == chart
        assert release["repositoryOpts"] == {"repo": "https://victoriametrics.github.io/helm-charts/"}
    levels = {
        name: plan.one(f"{name}-namespace").inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for name in ("logs", "logs-collector")
    }
    assert levels == {"logs": "restricted", "logs-collector": "privileged"}
    assert "logs-store" in plan.one("logs-collector").depends_on


def test_the_password_is_in_secrets_only_and_both_wait_for_theirs(plan: Plan) -> None:
    for name, release in (("logs-password", "logs-store"), ("logs-collector-password", "logs-collector")):
        made = plan.one(name)
        assert made.secret == {"stringData"}
        assert made.inputs["metadata"]["name"] == "gpu-metal-logs"
        assert name in plan.one(release).depends_on
    server = plan.one("logs-store").inputs["values"]["server"]
    assert server["extraArgs"] == {
        "httpAuth.username": "logs",
        "httpAuth.password": "file:///etc/gpu-metal-logs/password",
    }
    [target] = plan.one("logs-collector").inputs["values"]["remoteWrite"]
    assert target == {
        "url": "http://vls-victoria-logs-single-server.logs.svc:9428",
        "basicAuth.username": "logs",
        "basicAuth.passwordFile": "/etc/gpu-metal-logs/password",
    }


def test_only_agents_and_the_ingress_may_connect(plan: Plan) -> None:
    spec = plan.one("logs-policy").inputs["spec"]
    [peer] = spec["ingress"][0]["from"]
    [expression] = peer["namespaceSelector"]["matchExpressions"]
    assert expression["values"] == ["logs-collector", "haproxy-controller"]
    web = plan.one("logs-web").inputs
    assert web["metadata"]["namespace"] == "logs"
    assert web["spec"]["tls"] == [{"hosts": ["logs.ai.example.org"]}]
    [path] = web["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": its.SERVER, "port": {"name": "http"}}


def test_without_a_name_nothing_is_at_the_ingress(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path, passwordSecret="logsPassword"))
    [peer] = plan.one("logs-policy").inputs["spec"]["ingress"][0]["from"]
    assert peer["namespaceSelector"]["matchExpressions"][0]["values"] == ["logs-collector"]
    assert "logs-web" not in {each.name for each in plan.resources.values()}


def test_the_oldest_go_before_the_volume_is_full() -> None:
    server = its.store(Logs.model_validate(WHOLE))["server"]
    assert server["retentionPeriod"] == "30d"
    assert server["retentionDiskSpaceUsage"] == "90GiB"
    assert server["persistentVolume"] == {"enabled": True, "size": "100Gi", "storageClassName": "fast"}
    kept = its.store(Logs.model_validate({"passwordSecret": "x"}))["server"]
    assert kept["persistentVolume"] == {"enabled": False}


def test_the_list_of_keys_has_each_that_is_set_and_no_other() -> None:
    config = Logs.model_validate(WHOLE)
    both = {"store": its.store(config), "collector": its.agents(config)}
    assert unknown(both, KEYS) == []
    seen = set(leaves(both))
    assert [key for key in KEYS if not any(path[: len(key)] == key for path in seen)] == []


def rendered(chart: str, values: dict[str, Any], release: str) -> list[dict[str, Any]]:
    program = TOOLS_BIN / "helm"
    if not program.exists():
        pytest.skip("helm is not here: make tools")
    words = [str(program), "template", release, str(CHARTS / chart), "-n", "logs", "-f", "-"]
    done = subprocess.run(words, input=json.dumps(values), capture_output=True, text=True, check=True)
    return [each for each in YAML(typ="safe").load_all(done.stdout) if each]


def test_helm_gives_both_programs_their_flags() -> None:
    config = Logs.model_validate(WHOLE)
    [store] = [
        each["spec"]["template"]["spec"]
        for each in rendered("victoria-logs-single", its.store_values(config), "vls")
        if each["kind"] == "StatefulSet"
    ]
    [server] = store["containers"]
    assert server["image"] == "mirror.example.org:5000/hub/victoriametrics/victoria-logs:v1.52.0"
    assert {"--retentionPeriod=30d", "--retention.maxDiskSpaceUsageBytes=90GiB", "--httpAuth.username=logs"} <= {
        *server["args"]
    }
    assert "--http.shutdownDelay=15s" in server["args"]  # the chart's own ones stay
    assert store["securityContext"] == {
        "fsGroup": 2000,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    [agents] = [
        each["spec"]["template"]["spec"]
        for each in rendered("victoria-logs-collector", its.agents_values(config), "collector")
        if each["kind"] == "DaemonSet"
    ]
    [agent] = agents["containers"]
    assert agents["tolerations"] == [{"operator": "Exists"}]
    assert {
        "--remoteWrite.url=http://vls-victoria-logs-single-server.logs.svc:9428/insert/native",
        "--remoteWrite.basicAuth.passwordFile=/etc/gpu-metal-logs/password",
        "--kubernetesCollector.excludeFilter=kubernetes.pod_namespace:in(kube-system,noisy)",
    } <= {*agent["args"]}
    # No pod without the password gives an agent lines of its own making.
    assert {"--httpAuth.username=logs", "--httpAuth.password=file:///etc/gpu-metal-logs/password"} <= {*agent["args"]}
    assert "/etc/gpu-metal-logs" in {each["mountPath"] for each in agent["volumeMounts"]}


def test_the_password_is_asked_for_and_the_workloads_are_verified(tmp_path: Path) -> None:
    of = site(tmp_path)
    assert secret_names(of)["logsPassword"] == ["logs.passwordSecret"]
    assert {each.name for name, each in probes.of(of) if name == "logs"} == {
        "vls-victoria-logs-single-server",
        "collector-victoria-logs-collector",
    }


METRICS = """vlagent_remotewrite_requests_total{{url="1:secret-url", status_code="2XX"}} {sent}
vlagent_remotewrite_pending_data_bytes{{path="/x", url="1:secret-url"}} {pending}
"""
"""As vlagent 1.52.1 has them."""


def asked(folder: Path, agents: dict[str, tuple[int, int] | None]) -> Check:
    """What verify makes of the agents, by node: (sent, pending), or None for one that does not answer."""
    pods = "".join(f"agent-{node} {node}\n" for node in agents)
    cases = [f'*get\\ pods*) printf %s "{pods}";;']
    for node, found in agents.items():
        text = METRICS.format(sent=found[0], pending=found[1]) if found else ""
        answer = f"cat <<'END'\n{text}END\n" if found else "exit 1"
        cases.append(f"*/agent-{node}:9429/proxy/metrics\\?authKey={its.OPEN_METRICS}) {answer};;")
    (folder / "kubectl").write_text(f'#!/bin/bash\ncase "$*" in {" ".join(cases)} esac\n')
    (folder / "kubectl").chmod(0o755)

    async def bash(words: str, script: bytes) -> Result:
        done = subprocess.run(
            ["bash", "-c", f"PATH={folder}:$PATH bash -s -- {words}"], input=script, capture_output=True, check=False
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    [question] = [each for name, each in questions.of(site(folder)) if name == "logs"]
    return asyncio.run(questions.ask("cp-1", "logs", question, bash))


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("agents", "status", "says"),
    [
        ({"one": (7, 0), "two": (1, 900)}, "ok", "2 agents deliver"),
        ({"one": (7, 0), "two": (0, 900)}, "failed", "agents deliver nothing: two"),
        ({"one": None, "two": (3, 0)}, "failed", "agents do not answer: one"),
        ({}, "failed", "no agent runs"),
    ],
)
def test_verify_says_which_agents_deliver(tmp_path: Path, agents: Any, status: str, says: str) -> None:
    check = asked(tmp_path, agents)
    assert check.status == status
    assert check.saw.startswith(says), check.saw
