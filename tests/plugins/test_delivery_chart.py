"""A chart out of a vendor's archive, by the official plugins: read over SSH, installed by Helm, unchanged, upgraded.

Does not prove: that the archive was unpacked (tests/scripts/test_delivery.py), and that pods of a chart run.
"""

import base64
import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.kubernetes import release
from components.platforms.runai.rivals import SCRIPT
from tests.plugins.api_server import ApiServer, api_server
from tests.plugins.sshd import Host
from tests.plugins.stack import Stack
from tests.plugins.tools import CHECKOUT, tool

pytestmark = pytest.mark.row("R2")

PROGRAM = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(CHECKOUT)!r})
import functools
import pulumi, pulumi_kubernetes as k8s
from tests.plugins.test_delivery_chart import first
from pulumi_command import remote
from components.delivery.component import brought
from components.delivery.config import Delivery
from components.hostrun.hook import Hook
from components.hostrun.layer import HostRef
from components.kubernetes import webhook
from components.kubernetes.handle import ClusterRef
from components.parts.chart import Source

async def nothing(*_): pass

said = json.loads(Path("site.json").read_text())
hook = Hook("nothing")
connection = remote.ConnectionArgs(**said["connection"])
host = HostRef("nfs", connection, "", lambda name: hook.on(name, nothing), None, None, None, False, None, None, None)
provider = k8s.Provider("cluster", kubeconfig=Path(said["kubeconfig"]).read_text(), cluster_identifier="test")
refused = webhook.hook([], pulumi.log.error)
cluster = ClusterRef(provider, pulumi.Output.from_input(""), (), provider, [], hook, refused)
delivery = Delivery.model_validate(said["delivery"])
chart = brought("chart", host, delivery, "app", ("app", said["version"]), parent=provider)
if "repository" in said:
    chart = Source("app", said["version"], said["repository"])
from components.kubernetes import release
release.first = webhook.first = functools.partial(first, said["kubeconfig"])
cluster.release(provider, "release", ("default", "app"), chart, {{"text": "ours"}})
"""
OBJECT = """apiVersion: v1
kind: ConfigMap
metadata: {name: app}
data: {text: "{{ .Values.text }}", version: "{{ .Chart.Version }}"}
"""


@cache
def chart(number: str) -> bytes:
    out = io.BytesIO()
    files = {
        "app/Chart.yaml": f"apiVersion: v2\nname: app\nversion: {number}\n",
        "app/values.yaml": "text: theirs\n",
        "app/templates/object.yaml": OBJECT,
    }
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Iterator[ApiServer]:
    plugin = ("kubernetes", version("pulumi_kubernetes"), "--file", tool("pulumi-resource-kubernetes"))
    stack.run("plugin", "install", "resource", *plugin)
    stack.program(PROGRAM)
    with api_server(tmp_path_factory.mktemp("api")) as running:
        yield running


def failing(stack: Stack, *words: str) -> tuple[int, str]:
    """How a verb ends that fails, and what it prints: the engine may end the program before that ends by itself."""
    command = ["pulumi", "--non-interactive", "--color=never", *words]
    done = subprocess.run(
        command, cwd=stack.project, env=stack.environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def wants(stack: Stack, host: Host, server: ApiServer, number: str) -> None:
    """The site wants this version, of an archive that is unpacked on the host."""
    delivery = {"host": "nfs", "file": "/srv/a", "sha256": number[0] * 64, "folder": str(host.folder / "deliveries")}
    charts = Path(f"{delivery['folder']}/app-{delivery['sha256'][:12]}/.charts")
    charts.mkdir(parents=True, exist_ok=True)
    (charts / f"app-{number}.tgz").write_bytes(chart(number))
    connection = {"host": "127.0.0.1", "port": host.port, "private_key": host.private_key, "host_key": host.host_key}
    said: dict[str, Any] = {"connection": connection, "kubeconfig": str(server.kubeconfig), "version": number}
    (stack.project / "site.json").write_text(json.dumps({**said, "delivery": delivery}))


def test_a_chart_comes_from_the_host_and_a_new_archive_brings_its_own(
    stack: Stack, host: Host, server: ApiServer
) -> None:
    wants(stack, host, server, "1.0.0")
    assert "+ 4 to create" in stack.run("preview")
    stack.run("up", "--yes", "--skip-preview")
    seen = server.ask("GET", "/api/v1/namespaces/default/configmaps/app")["data"]
    assert seen == {"text": "ours", "version": "1.0.0"}
    kept = stack.project / ".gpu-metal/charts/111111111111/app-1.0.0.tgz"
    assert kept.read_bytes() == chart("1.0.0")
    # Another machine has the state, and no chart.
    kept.unlink()
    assert "4 unchanged" in stack.run("up", "--yes")
    assert kept.exists()
    wants(stack, host, server, "2.0.0")
    assert "~ 2 to update" in stack.run("preview")
    stack.run("up", "--yes", "--skip-preview")
    assert server.ask("GET", "/api/v1/namespaces/default/configmaps/app")["data"]["version"] == "2.0.0"


async def first(kubeconfig: str, _: object, command: str, script: bytes) -> tuple[Any, str]:
    """components.kubernetes.plane.first, of the API server of this test."""
    return SimpleNamespace(name="cp-1"), asked(kubeconfig, script.decode(), *command.split()[3:])


def asked(kubeconfig: str, script: str, *words: str) -> str:
    """What a script for a control plane prints."""
    text = script.replace("/etc/kubernetes/admin.conf", kubeconfig).replace(
        "/run/gpu-metal", str(Path(kubeconfig).parent)
    )
    environment = {"PATH": f"{Path(tool('kubectl')).parent}:/usr/bin:/bin"}
    argv = ["bash", "-s", "--", *words]
    return subprocess.run(argv, input=text, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.row("X4")
def test_a_release_whose_upgrade_was_killed_is_upgraded_by_the_next_run(
    stack: Stack, host: Host, server: ApiServer
) -> None:
    """After the test before. Helm itself refuses a release with a pending revision."""
    secrets = "/api/v1/namespaces/default/secrets"
    kept = server.ask("GET", f"{secrets}/sh.helm.release.v1.app.v2")
    told = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(kept["data"]["release"]))))
    told["version"], told["info"]["status"] = 3, "pending-upgrade"
    text = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(told).encode()))).decode()
    labels = kept["metadata"]["labels"] | {"status": "pending-upgrade", "version": "3"}
    half = {**kept, "metadata": {"name": "sh.helm.release.v1.app.v3", "labels": labels}, "data": {"release": text}}
    server.ask("POST", secrets, half)
    wants(stack, host, server, "3.0.0")
    stack.run("up", "--yes", "--skip-preview")
    assert server.ask("GET", "/api/v1/namespaces/default/configmaps/app")["data"]["version"] == "3.0.0"
    names = [
        each["metadata"]["labels"]["status"]
        for each in server.ask("GET", f"{secrets}?labelSelector=owner=helm")["items"]
    ]
    assert sorted(names) == ["deployed", "superseded", "superseded"]


@pytest.mark.row("X4")
def test_a_release_that_the_state_has_lost_is_taken_over_with_its_objects(stack: Stack, server: ApiServer) -> None:
    """Helm itself refuses to install a release of a name that it knows."""
    maps = "/api/v1/namespaces/default/configmaps/app"
    uid = server.ask("GET", maps)["metadata"]["uid"]
    urn = stack.resources()["release"]["urn"]
    stack.run("state", "delete", urn, "--yes")
    assert "+ 1 created" in stack.run("up", "--yes", "--skip-preview")
    assert server.ask("GET", maps)["metadata"]["uid"] == uid


@pytest.mark.row("X4")
def test_a_chart_whose_source_is_gone_is_named_by_a_preview(stack: Stack, server: ApiServer) -> None:  # noqa: ARG001
    """Before anything is changed; Helm's own words."""
    site = stack.project / "site.json"
    said = json.loads(site.read_text())
    site.write_text(json.dumps({**said, "repository": "http://127.0.0.1:9/charts", "version": "4.0.0"}))
    status, told = failing(stack, "preview")
    site.write_text(json.dumps(said))
    gone = 'looks like "http://127.0.0.1:9/charts" is not a valid chart repository or cannot be reached'
    assert (status != 0, gone in told) == (True, True), told


@pytest.mark.row("X4")
def test_kinds_of_others_are_told_from_those_of_a_release(server: ApiServer) -> None:
    for plural, owner in (("ours", "app"), ("theirs", "other"), ("nobodys", "")):
        names = {"plural": plural, "singular": plural, "kind": plural.title(), "listKind": f"{plural.title()}List"}
        versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]
        notes = {"meta.helm.sh/release-name": owner, "meta.helm.sh/release-namespace": "default"} if owner else {}
        spec = {"group": "lab.example.org", "names": names, "scope": "Cluster", "versions": versions}
        metadata = {"name": f"{plural}.lab.example.org", "annotations": notes}
        kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata}
        server.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {**kind, "spec": spec})
    said = asked(str(server.kubeconfig), release.KINDS.read_text(), "default", "app", "lab.example.org")
    assert said.splitlines() == [
        "nobodys.lab.example.org, which no release of Helm has",
        "theirs.lab.example.org of the release other in default",
    ]


@pytest.mark.row("R4")
def test_kubectl_shows_a_release_of_others_and_not_our_own(server: ApiServer) -> None:
    """What Helm kept of the test before is asked by the script that looks for a second installation of Run:ai."""

    def rivals(*words: str) -> str:
        return asked(str(server.kubeconfig), SCRIPT.read_text(), *words)

    assert rivals("runai-backend", "runai-backend", "text", "control-plane", "app") == "default app 3.0.0\n"
    assert rivals("default", "app", "text", "app") == ""
    assert rivals("runai-backend", "runai-backend", "tenantsManager", "app") == ""


@pytest.mark.row("X14")
def test_a_webhook_that_is_down_is_named_with_a_fix_that_works(stack: Stack, host: Host, server: ApiServer) -> None:
    said = json.loads((stack.project / "site.json").read_text())
    wants(stack, host, server, said["version"])
    hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    service = {"name": "guard-service", "namespace": "guard", "path": "/check"}
    webhook = {"name": "maps.guard.example.org", "clientConfig": {"service": service}, "rules": [rule]}
    webhook |= {"sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail"}
    note = {"meta.helm.sh/release-name": "guard"}
    server.ask("POST", hooks, {"metadata": {"name": "guard", "annotations": note}, "webhooks": [webhook]})
    (stack.project / "__main__.py").write_text(PROGRAM.replace('"ours"', '"ours again"'))
    status, told = failing(stack, "up", "--yes", "--skip-preview")
    assert status != 0
    assert (
        "cp-1 [webhook] release was not written: Kubernetes asks webhook maps.guard.example.org of guard first, "
        'which does not answer ("service \\"guard-service\\" not found"). There is no service guard-service in guard: '
        "what had it is gone and left the webhook behind. "
        "Fix: kubectl delete validatingwebhookconfiguration guard; then pulumi up"
    ) in told
    server.ask("DELETE", f"{hooks}/guard")
    stack.run("up", "--yes", "--skip-preview")
    assert server.ask("GET", "/api/v1/namespaces/default/configmaps/app")["data"]["text"] == "ours again"
