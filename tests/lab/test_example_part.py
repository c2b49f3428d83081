"""The made-up part of tests/example on hosts and in a cluster: into a site at work, and out of it again.

The program is a copy of the project that has the part. Does not prove: that parts which are of use work; their own
stories do.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.hosts import faults
from lab.hosts.inventory import host as lab_host
from tests.example_copy import EXAMPLE, make
from tests.lab.stack import HOSTS, Stack, on
from tests.scripts.lab_host import differences

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]

HOST = "cpu-1"
PORT = 8093
OF_OTHERS = ("/var/lib/gpu-metal/", "/var/lib/cni")
"""The runner's own records, and the pod network's of the host's first pod."""
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
PAGE = (EXAMPLE / "lab/parts/example/page.html").read_text()


@pytest.fixture(scope="module")
def stack(cluster: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The lab's site at work, from the copy; what the part's lab half brings is served."""
    copy = make(tmp_path_factory.mktemp("example") / "copy")
    done = subprocess.run([sys.executable, "-m", "lab", "up"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    cluster.root = copy
    # The library of a release with one part more goes to the hosts.
    cluster.up().ok()
    return cluster


@pytest.fixture(scope="module")
def clean(stack: Stack) -> Mapping[str, Any]:  # noqa: ARG001 - the site is up
    return faults.snapshot(lab_host(HOST))


def part(copy: Path) -> dict[str, Any]:
    """The part's lines of the site."""
    code = "from lab.parts.example.depot import SHA256, URL; print(URL, SHA256)"
    said = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True).stdout
    return {"host": HOST, "page": dict(zip(("url", "sha256"), said.split(), strict=True)), "port": PORT}


def served() -> str:
    """The page as another host gets it; empty where nobody serves it."""
    address = lab_host(HOST).address
    get = f"exec 3<>/dev/tcp/{address}/{PORT} && printf 'GET /page.html HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
    return on("cp-1", ["bash", "-c", f"({get}) 2>/dev/null || true"]).partition("\n\n")[2]  # in text, \r\n is \n


def title() -> str:
    """What projects read."""
    return on("cp-1", [*KUBECTL, "get", "configmap", "example", "-n", "vision", "-o", "jsonpath={.data.title}"])


def there(*words: str) -> str:
    """Names of objects in the cluster."""
    return on("cp-1", [*KUBECTL, "get", *words, "--ignore-not-found", "-o", "name"]).strip()


def test_its_lines_bring_both_halves(stack: Stack, clean: Mapping[str, Any]) -> None:  # noqa: ARG001 - taken before
    stack.edit(lambda site: site.update(example=part(stack.root)))
    stack.sitectl("preflight").ok()
    stack.up().ok()
    assert served() == PAGE
    level = "{.metadata.labels.pod-security\\.kubernetes\\.io/enforce}"
    assert on("cp-1", [*KUBECTL, "get", "namespace", "example", "-o", f"jsonpath={level}"]) == "restricted"
    told = json.loads(on("cp-1", [*KUBECTL, "get", "configmap", "example", "-n", "vision", "-o", "json"]))["data"]
    assert told == {"title": "Notice", "url": f"http://{lab_host(HOST).address}:{PORT}/page.html"}
    urns = [resource["urn"].rpartition("::")[2] for resource in stack.export()["deployment"]["resources"]]
    assert len([urn for urn in urns if urn.startswith(f"{HOST}-")]) <= 8


def test_a_second_up_changes_nothing_and_the_verdict_asks_its_probe(stack: Stack) -> None:
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()
    verdict = json.loads(stack.sitectl("verify", "-o", "json").ok().out)
    assert [(check["status"], check["saw"]) for check in verdict["checks"] if check["id"] == "example/board"] == [
        ("ok", "1 available")
    ]


def test_one_edit_touches_no_host(stack: Stack) -> None:
    stack.edit(lambda site: site["example"].update(title="Notice again"))
    shown = stack.preview("--diff").ok().out
    assert "to update" in shown
    assert not re.search("to create|to replace|to delete", shown), shown
    assert "command:remote" not in shown
    stack.up().ok()
    assert title() == "Notice again"


def test_what_hands_changed_is_named_and_mended(stack: Stack) -> None:
    on(HOST, ["sh", "-c", "echo changed > /srv/gpu-metal-example/page.html"])
    on("cp-1", [*KUBECTL, "patch", "configmap", "example", "-n", "vision", "-p", '{"data":{"title":"changed"}}'])
    seen = stack.sitectl("drift", "--record", "-o", "json")
    failed = {check["id"] for check in json.loads(seen.out)["checks"] if check["status"] == "failed"}
    assert failed == {"example/example_page", "object/ConfigMap/vision/example"}
    stack.up().ok()
    assert (served(), title()) == (PAGE, "Notice again")
    stack.sitectl("drift").ok()


def test_without_its_lines_all_of_it_is_gone(stack: Stack, clean: Mapping[str, Any]) -> None:
    stack.edit(lambda site: site.pop("example"))
    stack.up().ok()
    assert served() == ""
    assert there("namespace", "example") == ""
    assert there("configmap", "example", "-n", "vision") == ""
    left = differences(clean, faults.snapshot(lab_host(HOST)))
    assert [path for path in left if not path.startswith(OF_OTHERS)] == []
    stack.up("--expect-no-changes").ok()
    assert json.loads(stack.sitectl("verify", "-o", "json").ok().out)["failures"] == []
    assert set(HOSTS) <= {check["host"] for check in json.loads(stack.sitectl("verify", "-o", "json").out)["checks"]}


def test_the_whole_site_goes_with_it_and_comes_up_again(stack: Stack) -> None:
    stack.edit(lambda site: site.update(example=part(stack.root)))
    stack.up().ok()
    stack.destroy().ok()
    assert served() == ""
    stack.up().ok()
    assert (served(), title()) == (PAGE, "Notice")
    stack.up("--expect-no-changes").ok()
