"""The rest of the story of test_site.py: the made-up part of tests/example joins the site at work, leaves it and joins
it again; with the part in it all disks are new, and the site is destroyed and comes up again.

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
from ruamel.yaml import YAML

from lab.hosts import faults, lab
from lab.hosts.inventory import host as lab_host
from tests.example_copy import EXAMPLE, make
from tests.lab.cluster import identity, kubectl, ready_nodes
from tests.lab.stack import TOKEN, Stack, on, until
from tests.scripts.lab_host import differences

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1", "spare-1")]

HOST = "gpu-1"
PORT = 8093
OF_OTHERS = ("/var/lib/gpu-metal/", "/usr/local/sbin/gpu-metal", "/var/lib/cni")
"""The runner and its records: the library with one part more came, too. The pod network's of the host's first pod."""
READABLE = "/etc /var/lib/gpu-metal /var/log /tmp /home /run/gpu-metal /root"
"""Where a file that others may read could lie."""
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
PAGE = (EXAMPLE / "lab/parts/example/page.html").read_text()


@pytest.fixture(scope="module")
def stack(site_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The lab's site from the copy; what the part's lab half brings is served."""
    copy = make(tmp_path_factory.mktemp("example") / "copy")
    done = subprocess.run([sys.executable, "-m", "lab", "up"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if not site_stack.export()["deployment"].get("resources"):  # this file runs alone
        site_stack.up().ok()
    site_stack.root = copy
    return site_stack


@pytest.fixture(scope="module")
def without(stack: Stack) -> Mapping[str, Any]:  # noqa: ARG001 - the hosts are on
    """The host before the part."""
    return faults.snapshot(lab_host(HOST))


def hosts(stack: Stack) -> set[str]:
    """Those that the site has now."""
    return set(YAML(typ="safe").load(stack.file)["config"]["gpu-metal:site"]["hosts"])


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


def test_its_lines_bring_both_halves(stack: Stack, without: Mapping[str, Any]) -> None:  # noqa: ARG001 - taken before
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


def test_without_its_lines_all_of_it_is_gone(stack: Stack, without: Mapping[str, Any]) -> None:
    lines: dict[str, Any] = {}
    stack.edit(lambda site: lines.update(example=site.pop("example")))
    stack.up().ok()
    assert served() == ""
    assert there("namespace", "example") == ""
    assert there("configmap", "example", "-n", "vision") == ""
    left = differences(without, faults.snapshot(lab_host(HOST)))
    assert [path for path in left if not path.startswith(OF_OTHERS)] == []
    stack.up("--expect-no-changes").ok()
    verdict = json.loads(stack.sitectl("verify", "-o", "json").ok().out)
    assert verdict["failures"] == []
    assert hosts(stack) <= {check["host"] for check in verdict["checks"]}
    stack.edit(lambda site: site.update(lines))


@pytest.mark.row("X4")
def test_all_disks_are_new_and_one_run_brings_hosts_cluster_projects_and_the_part_back(
    stack: Stack, site_clean: dict[str, Any]
) -> None:
    before = identity()[0]
    for host in hosts(stack):
        lab.reset(lab_host(host))
        site_clean[host] = faults.snapshot(lab_host(host))  # another machine-id
    assert stack.sitectl("drift", "--record").status == 1
    stack.up().ok()
    assert identity()[0] != before
    assert kubectl("get", "resourcequota", "-n", "vision")["items"]
    assert (served(), title()) == (PAGE, "Notice again")
    stack.works()
    stack.up("--expect-no-changes").ok()


def test_gx1_no_secret_is_readable(stack: Stack) -> None:
    # The folder of the last run's temporary files goes within a second of its end.
    until(lambda: not any(stack.folder.glob("tmp/*/kubeconfig*")), what="no kubeconfig in TMPDIR", limit=60)
    admin = YAML(typ="safe").load(on("cp-1", ["cat", "/etc/kubernetes/admin.conf"]))
    secrets = [
        admin["users"][0]["user"]["client-key-data"],
        Path(stack.env["GPU_METAL_LAB"], "id_ed25519").read_text().splitlines()[1],
        Path(stack.env["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text().strip(),
    ]
    places = {str(p): p.read_text(errors="replace") for p in stack.folder.rglob("*") if p.is_file()}
    assert any("checkpoint" in text for text in places.values())
    for host in hosts(stack):
        places[f"{host} journal"] = on(host, ["journalctl", "--no-pager", "-o", "cat"])
        places[f"{host} readable"] = on(
            host,
            [
                "sh",
                "-c",
                f"find {READABLE} -xdev -type f -perm /o+r -size -200k -exec cat {{}} + | tr -cd '\\11\\12\\40-\\176'",
            ],
        )
    for place, text in places.items():
        assert not re.search(TOKEN, text) or not place.endswith(("journal", ".log")), place
        for secret in secrets:
            assert secret not in text, place
            assert secret[: len(secret) // 2] not in text, place


def test_destroy_leaves_the_hosts_as_they_were_and_all_of_it_comes_up_again(
    stack: Stack, site_clean: dict[str, Any]
) -> None:
    stack.destroy().ok()
    assert served() == ""
    assert {host: faults.snapshot(lab_host(host)) for host in site_clean} == site_clean
    stack.up().ok()
    assert ready_nodes() == hosts(stack)
    assert (served(), title()) == (PAGE, "Notice again")
    stack.up("--expect-no-changes").ok()
