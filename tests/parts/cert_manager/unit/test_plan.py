"""What cert-manager's keys make in the plan, and what the ingress asks of it.

Does not prove: that anything is issued; no cert-manager runs in the lab.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ruamel.yaml import YAML

from components.parts.cert_manager import plan as its
from components.parts.cert_manager.config import CertManager
from components.parts.chart import known, leaves
from components.parts.part import Expected, Probe
from components.parts.tls import WrongKeyError, must_belong
from lab.paths import TOOLS_BIN
from ops import probes, questions
from stacks.load import site_from
from stacks.model import Site
from stacks.secret_names import secret_names
from tests.samples import ROOT
from tests.self_signed import self_signed
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("L2")

CHART = ROOT / "lab/parts/cert_manager/charts/cert-manager"
ACME: dict[str, Any] = {
    "kind": "acme",
    "server": "https://acme.example.org/directory",
    "email": "ops@example.org",
    "dns01": {"cloudflare": {"apiTokenSecretRef": {"name": "dns", "key": "token"}}},
    "secrets": {"dns": {"key": "token", "valueSecret": "dnsToken"}},
}
FORCE = {"pulumi.com/patchForce": "true"}


def authority(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate of an authority, in PEM form."""
    made = self_signed(key, "An authority", x509.BasicConstraints(ca=True, path_length=None))
    return made.public_bytes(Encoding.PEM).decode()


def site(folder: Path, *, ingress: dict[str, Any] | None = None, manager: dict[str, Any] | None = None) -> Site:
    """A cluster whose ingress has its certificate from an authority of the site."""
    (folder / "ca.pem").write_text(authority(ec.generate_private_key(ec.SECP256R1())))
    own = {"kind": "ca", "certificate": "ca.pem", "keySecret": "caKey"}
    network = {
        "loadBalancer": {"pool": "10.0.0.200-10.0.0.209"},
        "certManager": {"issuers": {"own": own, "public": ACME}} if manager is None else manager,
        "ingress": {"kind": "haproxy", "issuer": {"name": "own"}} if ingress is None else ingress,
    }
    hosts = {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}, "two": {"address": "10.0.0.2"}}
    said = {"domain": "ai.example.org", "hosts": hosts, "kubernetes": {}, "network": network}
    if not network["certManager"]:
        del network["certManager"]
    return site_from(said, stack="lab", folder=folder, keys=False)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(site(tmp_path_factory.mktemp("site")))


def test_a_pinned_release_in_a_namespace_of_its_own(plan: Plan) -> None:
    release = plan.one("cert-manager-release").inputs
    assert (release["name"], release["namespace"], release["version"]) == ("cert-manager", "cert-manager", "v1.21.1")
    assert release["repositoryOpts"] == {"repo": "https://charts.jetstack.io"}
    assert release["values"] == {"crds": {"enabled": True}}
    labels = plan.one("cert-manager-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_issuers_come_after_the_release_with_their_secrets(plan: Plan) -> None:
    own, public = plan.one("cert-manager-issuer-own"), plan.one("cert-manager-issuer-public")
    assert own.inputs["spec"] == {"ca": {"secretName": "issuer-own"}}
    assert public.inputs["spec"]["acme"] == {
        "server": "https://acme.example.org/directory",
        "email": "ops@example.org",
        "privateKeySecretRef": {"name": "issuer-public"},
        "solvers": [{"dns01": ACME["dns01"]}],
    }
    assert {"cert-manager-release", "cert-manager-authority-own"} <= set(own.depends_on)
    assert {"cert-manager-release", "cert-manager-secret-dns"} <= set(public.depends_on)
    pair, dns = plan.one("cert-manager-authority-own"), plan.one("cert-manager-secret-dns")
    assert (pair.inputs["type"], pair.inputs["metadata"]["name"]) == ("kubernetes.io/tls", "issuer-own")
    assert pair.secret == dns.secret == {"stringData"}
    assert set(dns.inputs["stringData"]) == {"token"}
    assert pair.options["hooks"] == ("before-cert-manager-authority-own",)
    for each in (own, public):
        assert (each.inputs["kind"], each.inputs["metadata"]["annotations"]) == ("ClusterIssuer", FORCE)


def test_the_secrets_of_issuers_are_asked_for(tmp_path: Path) -> None:
    found = secret_names(site(tmp_path))
    assert found["caKey"] == ["network.certManager.issuers.own.keySecret"]
    assert found["dnsToken"] == ["network.certManager.issuers.public.secrets.dns.valueSecret"]
    assert "ingressKey" not in found


def test_an_authority_has_its_own_key() -> None:
    own, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    keys = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for key in (own, other)]
    must_belong(keys[0], authority(own), "caKey", "network.certManager.issuers.own.keySecret")
    with pytest.raises(WrongKeyError, match=r"network.certManager.issuers.own.keySecret\) is the key of another"):
        must_belong(keys[1], authority(own), "caKey", "network.certManager.issuers.own.keySecret")


def test_the_ingress_waits_for_its_certificate_and_shows_it(plan: Plan) -> None:
    issued, release = plan.one("ingress-issued"), plan.one("ingress-release")
    assert issued.inputs["metadata"] == {
        "name": "site-certificate",
        "namespace": "haproxy-controller",
        "annotations": {**FORCE, "pulumi.com/waitFor": "condition=Ready"},
    }
    assert issued.inputs["spec"] == {
        "secretName": "issued-certificate",
        "dnsNames": ["*.ai.example.org", "ai.example.org"],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "own"},
        "privateKey": {"rotationPolicy": "Always"},
    }
    assert "cert-manager-issuer-own" in issued.depends_on
    assert "ingress-issued" in release.depends_on
    assert release.inputs["values"]["controller"]["defaultTLSSecret"]["secret"] == "issued-certificate"
    assert not [each for each in plan.resources.values() if each.name == "ingress-certificate"]


def test_an_issuer_of_another_cert_manager_needs_no_part(tmp_path: Path) -> None:
    ingress = {"kind": "haproxy", "issuer": {"name": "corp", "existing": True}}
    plan = plan_of(site(tmp_path, ingress=ingress, manager={}))
    assert plan.one("ingress-issued").inputs["spec"]["issuerRef"]["name"] == "corp"
    assert not [each for each in plan.resources.values() if each.name.startswith("cert-manager")]


@pytest.mark.row("M3")
def test_verify_asks_whether_certificates_are_issued(tmp_path: Path) -> None:
    of = site(tmp_path)
    asked = {f"{name}/{each.name}": each for name, each in probes.of(of) if isinstance(each, Expected)}
    ready = '{.status.conditions[?(@.type=="Ready")].status}'
    for check, objects in (
        ("cert-manager/issuer-own", "clusterissuer own"),
        ("ingress/issued", "certificate site-certificate -n haproxy-controller"),
    ):
        assert (asked[check].objects, asked[check].path, asked[check].want) == (objects, ready, "True")
    deployments = {each.name for name, each in probes.of(of) if name == "cert-manager" and isinstance(each, Probe)}
    assert deployments == {"cert-manager", "cert-manager-cainjector", "cert-manager-webhook"}
    [shown] = [each for name, each in questions.of(of) if (name, each.id) == ("ingress", "certificate")]
    assert shown.words == ("any", "gpu-metal-check.ai.example.org", "443", "10.0.0.200")


def test_helm_renders_the_labs_chart_with_its_values() -> None:
    config = CertManager.model_validate({"images": "mirror.example.org:5000/hub"})
    wanted = its.values(config)
    assert set(leaves(wanted)) == known((ROOT / "components/parts/cert_manager/chart.keys").read_text())
    program = TOOLS_BIN / "helm"
    if not program.exists():
        pytest.skip("helm is not here: make tools")
    words = [str(program), "template", "cert-manager", str(CHART), "-f", "-"]
    done = subprocess.run(words, input=json.dumps(wanted), capture_output=True, text=True, check=True)
    made = [each for each in YAML(typ="safe").load_all(done.stdout) if each]
    images = [
        each["spec"]["template"]["spec"]["containers"][0]["image"] for each in made if each["kind"] == "Deployment"
    ]
    assert sorted(images) == [
        f"mirror.example.org:5000/hub/jetstack/cert-manager-{name}:v1.21.1"
        for name in ("cainjector", "controller", "webhook")
    ]
    kinds = {each["metadata"]["name"] for each in made if each["kind"] == "CustomResourceDefinition"}
    assert kinds == {"clusterissuers.cert-manager.io", "certificates.cert-manager.io"}
    odd = subprocess.run(words, input='{"crd": {}}', capture_output=True, text=True, check=False)
    assert odd.returncode == 1
