"""The names of hosts in CoreDNS' configuration, and what a real CoreDNS answers with it; kubectl is a stand-in.

Does not prove: that the cluster's CoreDNS reads its ConfigMap again, which its plugin reload does.
"""

import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.paths import TOOLS_BIN
from stacks import plan
from stacks.load import site_from
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("N3")

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/coredns_hosts.sh"
ENTRIES = {"entries": "10.0.0.11 cp-1.infra.nauta\n10.0.0.21 gpu-1.infra.nauta"}
COREFILE = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    cache 30
    loop
    reload
    loadbalance
}
"""
"""As kubeadm has it, without the plugins that ask a cluster or another name server."""


@pytest.fixture
def cluster(tmp_path: Path) -> StepHost:
    made = StepHost(tmp_path)
    made.file("/corefile", COREFILE)
    # The stand-in keeps the configuration as the API server would, from the patch's YAML.
    made.program("kubectl", f"""
        case $* in
            *"get --raw /readyz"*) echo ok ;;
            *"get configmap coredns"*) printf %s "$(<{tmp_path}/corefile)"; echo ;;
            *"patch configmap coredns"*)
                sed '1,2d; s/^    //' "${{@: -1}}" >{tmp_path}/corefile ;;
        esac""")  # fmt: skip
    return made


def corefile(cluster: StepHost) -> str:
    return cluster.path("/corefile").read_text()


def test_the_block_is_put_once_follows_the_site_and_leaves_with_the_key(cluster: StepHost) -> None:
    assert cluster.call(STEP, "check", bulk=ENTRIES) == (
        10,
        "CoreDNS does not answer the site's 2 hosts as the site has them",
    )
    assert cluster.call(STEP, "apply", bulk=ENTRIES) == (0, "")
    once = corefile(cluster)
    assert cluster.call(STEP, "check", bulk=ENTRIES) == (0, "")
    assert cluster.call(STEP, "apply", bulk=ENTRIES) == (0, "")
    assert corefile(cluster) == once
    assert once.count("# gpu-metal begin") == 1
    fewer = {"entries": "10.0.0.11 cp-1.infra.nauta"}
    assert cluster.call(STEP, "check", bulk=fewer)[0] == 10
    assert cluster.call(STEP, "apply", bulk=fewer) == (0, "")
    assert "gpu-1" not in corefile(cluster)
    assert cluster.call(STEP, "undo") == (0, "")
    assert corefile(cluster) == COREFILE


def test_what_others_changed_beside_it_stays_and_in_it_is_mended(cluster: StepHost) -> None:
    cluster.call(STEP, "apply", bulk=ENTRIES)
    changed = corefile(cluster).replace("cache 30", "cache 5").replace("10.0.0.21", "10.0.0.99")
    cluster.file("/corefile", changed)
    assert cluster.call(STEP, "check", bulk=ENTRIES)[0] == 10
    cluster.call(STEP, "apply", bulk=ENTRIES)
    assert "10.0.0.21 gpu-1" in corefile(cluster)
    assert "cache 5" in corefile(cluster)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (COREFILE.replace("    errors\n", "    hosts {\n        10.9.9.9 old\n    }\n"), "has hosts of others already"),
        (COREFILE.replace(".:53 {", "example.org:53 {"), 'has no root zone ".:53 {". Fix: kubectl -n kube-system edit'),
    ],
)
def test_a_configuration_of_others_is_refused_and_left_alone(cluster: StepHost, text: str, says: str) -> None:
    cluster.file("/corefile", text)
    for function in ("check", "apply"):
        status, said = cluster.call(STEP, function, bulk=ENTRIES)
        assert (status, says in said) == (10, True), said
    assert corefile(cluster) == text


def test_a_block_without_its_end_takes_nothing_else_along(cluster: StepHost) -> None:
    cluster.call(STEP, "apply", bulk=ENTRIES)
    cut = corefile(cluster).replace("    # gpu-metal end\n", "")
    cluster.file("/corefile", cut)
    status, said = cluster.call(STEP, "apply", bulk=ENTRIES)
    assert (status, "has hosts of others already" in said) == (10, True), said
    assert cluster.call(STEP, "undo") == (0, "")
    assert corefile(cluster) == cut


def test_an_api_server_that_does_not_answer_empties_nothing(cluster: StepHost) -> None:
    cluster.call(STEP, "apply", bulk=ENTRIES)
    before = corefile(cluster)
    kubectl = cluster.path("/bin/kubectl").read_text()
    failing = 'if [[ $* == *"get configmap"* ]]; then echo "Unable to connect" >&2; exit 1; fi'
    cluster.program("kubectl", failing + kubectl.removeprefix("#!/bin/bash"))
    assert cluster.call(STEP, "undo")[0] != 0
    assert corefile(cluster) == before


@contextmanager
def running(folder: Path, text: str) -> Iterator[int]:
    """A CoreDNS with this configuration, on a port of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    own = text.replace(".:53 {", f".:{port} {{\n    bind 127.0.0.1").replace("    ready\n", "")
    own = own.replace("    health {\n       lameduck 5s\n    }\n", "").replace("    loop\n    reload\n", "")
    (folder / "Corefile").write_text(own)
    with subprocess.Popen([TOOLS_BIN / "coredns", "-conf", folder / "Corefile"], stdout=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


def answer(port: int, name: str) -> list[str]:
    """The addresses in CoreDNS' answer to a question of type A; it is asked again until it has started."""
    words = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + words + b"\0" + struct.pack(">HH", 1, 1)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            client.connect(("127.0.0.1", port))
            try:
                client.send(question)
                reply = client.recv(512)
            except OSError:
                continue
        count = struct.unpack(">H", reply[6:8])[0]
        return [socket.inet_ntoa(reply[-4:])] if count == 1 else []
    raise AssertionError("CoreDNS does not answer")


def test_a_real_coredns_answers_hosts_and_lets_other_names_pass(cluster: StepHost, tmp_path: Path) -> None:
    if not (TOOLS_BIN / "coredns").exists():
        pytest.skip("coredns is not here: python3 -m lab.tools.get lab")
    cluster.call(STEP, "apply", bulk=ENTRIES)
    with running(tmp_path, corefile(cluster)) as port:
        assert answer(port, "gpu-1.infra.nauta") == ["10.0.0.21"]
        assert answer(port, "gpu-2.infra.nauta") == []


def test_control_planes_have_the_step_where_the_site_wants_it(tmp_path: Path) -> None:
    hosts = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21"},
        "old": {"address": "10.0.0.22", "state": "gone"},
    }
    for wanted in (True, False):
        said = {"domain": "infra.nauta", "hosts": hosts, "kubernetes": {"hostNames": wanted}}
        site = site_from(said, stack="lab", folder=tmp_path, keys=False)
        found = {
            name: {step.id: step for step in plan.node(site, site.hosts[name])}.get("coredns_hosts")
            for name in ("cp-1", "gpu-1")
        }
        assert found["gpu-1"] is None
        assert (found["cp-1"] is not None) == wanted
        if step := found["cp-1"]:
            assert step.bulk["entries"] == ENTRIES["entries"]


def test_pods_and_services_of_another_cluster_domain_need_no_proxy(tmp_path: Path) -> None:
    said = {
        "hosts": {"cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]}},
        "kubernetes": {"clusterDomain": "kubernetes.nauta"},
        "proxy": {"http": "http://proxy.example.org:3128"},
    }
    site = site_from(said, stack="lab", folder=tmp_path, keys=False)
    [proxy] = [step for step in plan.base(site, site.hosts["cp-1"]) if step.id == "proxy"]
    assert ".kubernetes.nauta" in proxy.bulk["no_proxy"]
