"""What hosts are asked before anything is changed, and what they say.

Does not prove: what a name server answers; getent has a stand-in.
"""

from pathlib import Path
from typing import Any

import pytest

from components.platforms.runai import steps
from stacks.checks import notes
from stacks.plan import preflight
from tests.parts.runai.authority import FILES
from tests.parts.runai.sites import HOSTS, parts_of, site_of
from tests.unit.step_host import StepHost

NODE, NAME = (Path(steps.__file__).parent / f"steps/runai_{name}.sh" for name in ("system_node", "name"))


def asked(folder: Path, host: str, **more: Any) -> dict[str, dict[str, str]]:
    site = site_of(folder, **more)
    found = preflight(site, site.hosts[host])
    return {step.id: dict(step.inputs) for step in found if step.id.startswith("runai_")}


@pytest.mark.row("R1")
def test_control_planes_are_asked_for_each_name_and_system_nodes_for_their_size(tmp_path: Path) -> None:
    file = str(Path(__file__).parents[1] / "good/files/models.pem")
    of = {"domain": "models.example.org", "certificate": file, "keySecret": "modelKey"}
    wanted = {"addresses": "10.0.0.200", "key": "network.ingress.address"}
    assert asked(tmp_path, "cp-1", inference=of) == {
        "runai_name#domain": {"name": "ai.example.org", **wanted},
        "runai_name#subdomain": {"name": "gpu-metal-check.ai.example.org", **wanted},
        "runai_name#inference": {"name": "gpu-metal-check.models.example.org", **wanted},
    }
    one = {"runai_system_node": {"cpus": "20", "memory": "32", "disk": "160"}}
    assert asked(tmp_path, "sys-1", nodes={"system": ["sys-1"]}) == one
    assert asked(tmp_path, "sys-1") == asked(tmp_path, "gpu-1") == {}


@pytest.mark.row("R1")
def test_several_system_nodes_share_the_work_down_to_the_guides_size(tmp_path: Path) -> None:
    hosts = {**HOSTS, **{f"more-{n}": {"address": f"10.0.0.5{n}"} for n in range(9)}}

    def of(count: int, **more: Any) -> dict[str, str]:
        chosen = ["sys-1", *(f"more-{n}" for n in range(count - 1))]
        return asked(tmp_path, "sys-1", hosts=hosts, nodes={"system": chosen, **more})["runai_system_node"]

    assert of(2) == {"cpus": "10", "memory": "16", "disk": "120"}
    assert of(9) == {"cpus": "4", "memory": "8", "disk": "120"}
    assert of(2, least={"cpus": 2, "memoryGb": 3, "diskGb": 4}) == {"cpus": "2", "memory": "3", "disk": "4"}


@pytest.mark.row("R1")
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, ""),
        ({"cpus": "9"}, "has 8 CPUs, and Run:ai asks 9 of each system node."),
        ({"memory": "17"}, "has 16 GB of memory, and Run:ai asks 17 of each system node."),
        ({"disk": "121"}, "has 120 GB of disk at /var, and Run:ai asks 121 of each system node."),
    ],
)
def test_a_system_node_that_is_too_small_is_refused(tmp_path: Path, wanted: dict[str, str], said: str) -> None:
    host = StepHost(tmp_path)
    host.program("nproc", "echo 8")
    host.program("awk", "echo 16")
    host.program("stat", "echo '120 * 1000000000'")
    status, text = host.call(NODE, "check", {"cpus": "8", "memory": "16", "disk": "120", **wanted})
    assert (status == 0, text.strip("\n\2").startswith(said)) == (not said, True)


@pytest.mark.row("R1")
@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("10.0.0.200", 0, ""),
        ("", 0, "no name server that this host asks knows ai.example.org"),
        ("10.0.0.9", 1, "ai.example.org is 10.0.0.9 here, and the ingress is at 10.0.0.200. Nothing was changed."),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, answer: str, status: int, said: str) -> None:
    host = StepHost(tmp_path)
    host.program("timeout", 'shift; exec "$@"')
    host.program("getent", f'[[ -n "{answer}" ]] && echo "{answer}  STREAM x"')
    inputs = {"name": "ai.example.org", "addresses": "10.0.0.200", "key": "network.ingress.address"}
    seen, text = host.call(NAME, "check", inputs)
    assert (seen != 0, text.strip("\n\2").startswith(said)) == (status != 0, True)


@pytest.mark.row("R5", "R7")
def test_what_is_allowed_and_worth_a_line(tmp_path: Path) -> None:
    lines = "\n".join(notes(site_of(tmp_path)))
    assert "platforms[0].nodes.system: is empty: Run:ai's own pods run on any node" in lines
    oidc = 'oidc: {issuer: "https://ai.example.org/auth/realms/runai", client: runai, usernamePrefix: "", caFile: '
    assert oidc in lines
    lines = "\n".join(notes(site_of(tmp_path, nodes={"system": ["sys-1"], "gpuWorker": ["gpu-1"]})))
    assert "platforms[0].nodes.system: has sys-1 alone: while it is down, so is Run:ai." in lines
    models = {"domain": "models.example.org", "certificate": str(FILES / "models.pem"), "keySecret": "modelKey"}
    [note] = [line for line in notes(site_of(tmp_path, inference=models)) if ".inference:" in line]
    assert "Knative Serving 1.21 to 1.23 serves the models, and others install it." in note
    theirs = {"values": {"postgresql": {"enabled": False}}}
    [note] = [line for line in notes(site_of(tmp_path, controlPlane=theirs)) if "controlPlane.values" in line]
    assert "has a database of your own: no upgrade saves it" in note
    assert "platforms[0].nodes: cpu-1, gpu-2: with no role, so that Run:ai starts no workload there." in lines


@pytest.mark.row("R1")
def test_a_certificate_that_has_expired_is_said_at_each_run_and_refuses_none(tmp_path: Path) -> None:
    site = site_of(tmp_path, certificate=str(FILES / "expired.pem"))
    [line] = [line for line in notes(site) if "expired" in line]
    assert line.startswith(
        'platforms[0].certificate: "expired.pem" has a certificate ("CN=ai.example.org") that expired'
    )
    assert line.endswith("Renew it: the next pulumi up takes up the new file.")


@pytest.mark.row("R7")
def test_the_text_to_paste_is_what_the_check_wants(tmp_path: Path) -> None:
    file = parts_of(site_of(tmp_path))[0].authority
    oidc = {
        "issuer": "https://ai.example.org/auth/realms/runai",
        "client": "runai",
        "usernamePrefix": "",
        "caFile": str(file),
    }
    site = site_of(tmp_path, of={"kubernetes": {"oidc": oidc}})
    assert not any("kubernetes.oidc" in line for line in notes(site))
