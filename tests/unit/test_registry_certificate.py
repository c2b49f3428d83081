"""What the registry's host says of a certificate that ends soon: the step's own functions and the real openssl.

Does not prove: that the registry starts with it (tests/scripts/test_registry.py).
"""

import subprocess
from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/engine/steps/registry_certificate.sh"
FOLDER = "/etc/gpu-metal-registry"
INPUTS = {"names": "gpu-1", "port": "5000", "certificate_from": "site"}


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    """A host with everything that the step makes, and a certificate that ends in nine days."""
    made = StepHost(tmp_path)
    folder = made.path(FOLDER)
    (folder / "client").mkdir(parents=True)
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=x"]
    names = ["-addext", "subjectAltName=DNS:gpu-1", "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt"]
    subprocess.run([*request, *names], check=True, capture_output=True)
    (folder / "address").write_text("gpu-1:5000\n")
    (folder / "client/ca.crt").write_text((folder / "tls.crt").read_text())
    made.program("stat", "echo 640:gpu-metal-registry")
    return made


@pytest.mark.row("C3")
def test_a_certificate_of_the_site_that_ends_soon_is_a_remark(host: StepHost) -> None:
    bulk = {"certificate": host.path(f"{FOLDER}/tls.crt").read_text().removesuffix("\n")}
    status, said = host.call(STEP, "check", INPUTS, bulk=bulk)
    assert status == 0, said
    assert "the registry's certificate ends on " in said
    assert "Fix: put a new one into registry.certificate, then pulumi up" in said


@pytest.mark.row("C3")
def test_one_that_the_host_made_is_renewed(host: StepHost) -> None:
    status, said = host.call(STEP, "check", {**INPUTS, "certificate_from": "host"})
    assert status == 10
    assert said.endswith("Fix: run pulumi up")
