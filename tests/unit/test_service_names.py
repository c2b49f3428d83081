"""Hosts that resolve the cluster's services: which steps they get, what preflight wants of them, what verify says.

Does not prove: how systemd-resolved answers; tests/scripts/test_service_names.py asks the real one.
"""

from pathlib import Path
from typing import Any

import pytest

from stacks import plan
from stacks.load import site_from
from stacks.model import Site
from tests.unit.fake_hosts import SITE, Sitectl, sitectl
from tests.unit.step_host import StepHost

pytestmark = [pytest.mark.row("N3", "N4")]

RESOLVED = Path(__file__).parents[2] / "components/kubernetes/steps/resolved.sh"
NAME = "kubernetes.default.svc.cluster.local"


def site(folder: Path, **more: Any) -> Site:
    hosts = {"cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]}, "gpu-1": {"address": "10.0.0.21"}}
    said = {"hosts": hosts, "network": {"serviceSubnet": "10.4.0.0/16"}, "kubernetes": {"serviceNames": True, **more}}
    return site_from(said, stack="lab", folder=folder, keys=False)


def test_each_host_has_it_last_once_the_pod_network_is_there(tmp_path: Path) -> None:
    found = site(tmp_path, clusterDomain="kubernetes.nauta")
    for host in found.active:
        last = plan.node(found, host)[-1]
        assert (last.id, last.inputs) == ("service_names", {"domain": "kubernetes.nauta", "server": "10.4.0.10"})
        assert "resolved" in [step.id for step in plan.preflight(found, host)]


def test_no_host_has_it_unless_the_site_says_so(tmp_path: Path) -> None:
    found = site(tmp_path, serviceNames=False)
    for host in found.active:
        steps = [*plan.preflight(found, host), *plan.node(found, host)]
        assert not {"resolved", "service_names"} & {step.id for step in steps}


@pytest.fixture
def resolving(host: StepHost) -> StepHost:
    """A host whose programs ask systemd-resolved."""
    host.file("/etc/resolv.conf", "# by systemd-resolved\nnameserver 127.0.0.53\n")
    host.program("systemctl", "if [[ $1 == --version ]]; then echo systemd 239; fi")
    host.program("resolvectl", "echo '  default-route [LINK [BOOL]]'")
    return host


@pytest.mark.row("H16")
def test_a_host_with_systemd_resolved_is_ready(resolving: StepHost) -> None:
    assert resolving.call(RESOLVED, "check") == (0, "")


@pytest.mark.row("H16")
@pytest.mark.parametrize(
    ("program", "text", "resolver", "says"),
    [
        (
            "systemctl",
            "exit 3",
            "10.0.0.1",
            "has no systemd-resolved that runs, and only it asks the cluster's DNS for",
        ),
        (
            "true",
            "",
            "10.0.0.1",
            "has programs that ask 10.0.0.1, not systemd-resolved (/etc/resolv.conf). Fix: ln -sf",
        ),
        ("resolvectl", "echo dns", "127.0.0.53", "has systemd 239, which cannot keep the cluster's DNS to one domain."),
    ],
)
def test_what_a_host_lacks_is_said_with_the_fix(
    resolving: StepHost, program: str, text: str, resolver: str, says: str
) -> None:
    resolving.program(program, text)
    resolving.file("/etc/resolv.conf", f"nameserver {resolver}\n")
    status, said = resolving.call(RESOLVED, "check")
    assert (status, said.startswith(says)) == (10, True), said
    assert said.endswith("or kubernetes.serviceNames: false")


@pytest.mark.row("N8")
@pytest.mark.parametrize(
    ("seen", "status", "saw"),
    [
        ("10.96.0.1", "ok", f"{NAME} is 10.96.0.1"),
        ("", "failed", f"gets no address of {NAME} from the cluster's DNS."),
        ("192.0.2.9", "failed", f"gets 192.0.2.9 for {NAME}."),
    ],
)
def test_verify_asks_each_host_for_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: str, status: str, saw: str
) -> None:
    ctl: Sitectl = sitectl(tmp_path, monkeypatch)
    text = SITE.replace('{version: "1.34.2"}', '{version: "1.34.2", serviceNames: true}', 1)
    (ctl.folder / "Pulumi.dev.yaml").write_text(text)
    ctl.hosts.units.update({(name, "service_names"): "10.96.0.1" for name in ("cp-1", "gpu-1", "gpu-2")})
    ctl.hosts.units["gpu-1", "service_names"] = seen
    checks = {each["host"]: each for each in ctl.json("verify")["checks"] if each["id"] == "service-names"}
    assert (checks["gpu-1"]["status"], checks["gpu-1"]["saw"]) == (status, saw)
    assert checks["cp-1"]["status"] == "ok"
    assert ("start CoreDNS, or kube-proxy on this host" in checks["gpu-1"]["fix"]) == (status == "failed")
