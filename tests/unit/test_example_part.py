"""A made-up part is a folder and one line: a copy of the tree with both knows it everywhere, no other file changed.

Does not prove: that its step holds on a host, or its objects in a cluster.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import a_key

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests/example"
SITE = """\
config:
  gpu-metal:site:
    hosts: {one: {address: 10.0.0.1, roles: [control-plane, worker]}}
    kubernetes: {}
    tenants: {vision: {quota: {cpu: "1", memory: 1Gi}}}
    example: {host: one, tokenSecret: exampleToken}
"""
ASK = """\
import json, sys
from pathlib import Path
from ops import probes
from ops.explain import explain
from ops.reference import site_keys
from stacks.load import load_site
from stacks.needed import listening
from stacks.plan import preflight
from stacks.schema import stack_file
from stacks.secret_names import secret_names
from stacks.source import SiteError
from tests.unit.test_layers_in_a_row import not_in_a_row, plan_of
from policy.rules import RULES, STACK_RULES, Planned

try:
    site = load_site("lab", Path.cwd())
except SiteError as error:
    sys.exit(json.dumps({"faults": error.lines}))
plan = plan_of(site, Path.cwd())
planned = [Planned(each.type, each.name, each.inputs) for each in plan.resources.values()]
print(json.dumps({
    "resources": {each.name: [each.type, list(each.depends_on), str(each.inputs)] for each in plan.resources.values()},
    "apart": not_in_a_row(plan),
    "policy": [m for rule in RULES for p in planned for m in rule.check(p)]
    + [m for rule in STACK_RULES for m in rule.check(planned)],
    "listening": {each.name: [each.port, list(each.key)] for each in listening(site, site.hosts["one"])},
    "preflight": {step.id: dict(step.inputs) for step in preflight(site, site.hosts["one"])},
    "sysctl": site.hosts["one"].sysctl,
    "secrets": secret_names(site),
    "probes": [name for name, _ in probes.of(site)],
    "schema": stack_file()["$defs"]["Site"]["properties"]["example"],
    "explained": [row[0] for row in explain(stack_file(), "example")],
    "pages": site_keys(),
}))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the part's folder and its line."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("components", "stacks", "ops", "policy", "tests/unit"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "versions.py", folder)
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "known_hosts.lab").write_text(f"10.0.0.1 ssh-ed25519 {a_key('one')}\n")
    registry = folder / "components/registry.py"
    text = registry.read_text()
    registry.write_text(text.replace("_FOLDERS = (\n", '_FOLDERS = (\n    "parts/example",\n'))
    assert registry.read_text() != text
    return folder


def asked(tree: Path, site: str) -> dict[str, Any]:
    """What the copy makes of a site."""
    (tree / "Pulumi.lab.yaml").write_text(site)
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    text = done.stdout or done.stderr.strip().splitlines()[-1]
    assert text.startswith("{"), done.stderr
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_folder_and_a_line_are_a_part(tree: Path) -> None:
    found = asked(tree, SITE)
    resources = found["resources"]
    assert "gpu-metal apply example" in resources["one-example"][2]
    assert "one-example" in resources["one-node"][1]
    assert found["apart"] == found["policy"] == []
    assert found["listening"]["example"] == ["8099", ["example", "port"]]
    assert found["preflight"]["ports"]["example"] == "8099"
    assert found["sysctl"]["net.core.somaxconn"] == "4096"
    assert found["secrets"] == {"exampleToken": ["example.tokenSecret"]}
    assert found["probes"] == ["example"]
    kind, after, inputs = resources["example-map"]
    assert (kind, "example-namespace" in after) == ("kubernetes:core/v1:ConfigMap", True)
    assert "registry.example.org/example:1.2.3" in inputs
    assert "example-map" in resources["example-vision-map"][1]
    assert found["schema"]["anyOf"][0]["$ref"] == "#/$defs/Example"
    assert found["explained"] == [f"example{key}" for key in ("", ".host", ".port", ".image", ".tokenSecret")]
    assert "### `example`" in found["pages"]


@pytest.mark.parametrize(
    ("written", "instead", "line"),
    [
        ("example: {host: one", "example: {host: two", "example.host: two is not a host of this site"),
        ("tokenSecret", "tokenSecre", "example.tokenSecre: no such key. Did you mean tokenSecret?"),
        ("example: {", "exampel: {", "exampel: no such key. Did you mean example?"),
        ("{host: one,", "{host: one, port: 6443,", "example.port: port 6443 of one is for the example and for the API"),
        ("kubernetes: {}", "kubernetes: {version: '1.41.0'}", "example: example runs on Kubernetes 1.30 to 1.40, the"),
        ("kubernetes: {}", "domain: a.b", "example: example needs kubernetes. Write kubernetes: {}."),
    ],
)
def test_its_faults_are_told_as_others_are(tree: Path, written: str, instead: str, line: str) -> None:
    assert written in SITE
    faults = asked(tree, SITE.replace(written, instead, 1))["faults"]
    assert [fault for fault in faults if line in fault], faults
