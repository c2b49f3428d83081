"""What the ingress makes of its keys, and what is said of certificates.

Does not prove: that a controller takes it; the lab's test does.
"""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from ruamel.yaml import YAML

from components.certificates import fingerprint, fits, not_its_key
from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.local import certificates
from components.parts.chart import leaves
from components.parts.ingress import asked, plan, versions
from components.parts.ingress.config import Ingress
from components.parts.part import Question
from components.parts.tls import WrongKeyError, must_belong
from ops import chart_keys, questions
from stacks.checks import notes
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from stacks.plan import preflight
from tests.parts.ingress.unit.signed import certificate
from tests.samples import ROOT, UPSTREAM
from tests.unit.recorder import Plan
from tests.unit.step_host import StepHost
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("L2")

FILES = Path(__file__).parents[1] / "good/files"
CERTIFICATE = FILES / "ai.example.org.pem"
STAND_IN = ROOT / "lab/parts/ingress/charts/kubernetes-ingress"
POOL = {"pool": "10.0.0.200-10.0.0.209"}
HOSTS = {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}, "two": {"address": "10.0.0.2"}}
SET = chart_keys.listed("ingress")
"""The values that we set, as kubernetes-ingress 1.52.1 names them."""
ADDRESS = {("controller", "service", "loadBalancerIP")}
AT_NODES = {("controller", "service", "nodePorts", name) for name in ("http", "https")}


def site_of(folder: Path, balancer: dict[str, Any] | None = POOL, file: Path = CERTIFICATE, **said: Any) -> Site:
    own = {"kind": "haproxy", "certificate": str(file), "keySecret": "ingressKey", **said}
    network = {"ingress": own, **({"loadBalancer": balancer} if balancer else {})}
    data = {"domain": "ai.example.org", "hosts": HOSTS, "kubernetes": {}, "network": network}
    return site_from(data, stack="lab", folder=folder, keys=False)


def config_of(site: Site) -> Ingress:
    [config] = [entry.config for entry in site.entries if isinstance(entry.config, Ingress)]
    return config


def values_of(site: Site) -> dict[str, Any]:
    return plan.values(config_of(site), ground(site))


def pem(key: ec.EllipticCurvePrivateKey, how: KeySerializationEncryption) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


def test_its_address_is_the_pools_first_or_the_sites(tmp_path: Path) -> None:
    service = values_of(site_of(tmp_path))["controller"]["service"]
    assert (service["type"], service["loadBalancerIP"]) == ("LoadBalancer", "10.0.0.200")
    service = values_of(site_of(tmp_path, address="10.0.0.205"))["controller"]["service"]
    assert service["loadBalancerIP"] == "10.0.0.205"
    assert service["enablePorts"] == {"http": True, "https": True, "quic": False, "stat": False, "admin": False}


def test_without_a_load_balancer_it_is_at_ports_of_the_nodes(tmp_path: Path) -> None:
    site = site_of(tmp_path, None, expose="nodePort", nodePorts={"https": 31443})
    service = values_of(site)["controller"]["service"]
    assert (service["type"], service["nodePorts"]) == ("NodePort", {"http": 30080, "https": 31443})
    assert plan.answers_at(config_of(site), ground(site)) == (["10.0.0.1", "10.0.0.2"], 31443)


def test_the_charts_own_values_have_each_that_we_set(tmp_path: Path) -> None:
    assert set(leaves(values_of(site_of(tmp_path)))) == SET - AT_NODES
    assert set(leaves(values_of(site_of(tmp_path, None, expose="nodePort")))) == SET - ADDRESS
    file = UPSTREAM / "haproxy-kubernetes-ingress" / versions.CHART / "values.yaml"
    if not file.exists():
        pytest.skip(f"the chart's own values are not here: {file}")
    assert list(chart_keys.lacking(SET, chart_keys.values([str(file)]))) == []


def test_the_labs_chart_has_the_upstreams_names() -> None:
    own = YAML(typ="safe").load(STAND_IN / "values.yaml")
    assert list(chart_keys.lacking(SET, own)) == []
    file = UPSTREAM / "haproxy-kubernetes-ingress" / versions.CHART / "values.yaml"
    if not file.exists():
        pytest.skip(f"the chart's own values are not here: {file}")
    assert list(chart_keys.lacking(set(leaves(own)), chart_keys.values([str(file)]))) == []


def the_rest(made: Plan) -> Any:
    """All that the plan says of the release and its options."""
    release = made.one("ingress-release")
    return release.inputs, release.depends_on


def test_another_certificate_changes_the_secret_alone(tmp_path: Path) -> None:
    before, after = plan_of(site_of(tmp_path)), plan_of(site_of(tmp_path, file=FILES / "lone.pem"))
    one, two = (made.one("ingress-certificate") for made in (before, after))
    assert one.inputs["stringData"] != two.inputs["stringData"]
    assert one.inputs["stringData"]["tls.crt"] == CERTIFICATE.read_text()
    assert the_rest(before) == the_rest(after)
    assert one.secret == {"stringData"}
    assert one.options["hooks"] == ("before-ingress-certificate",)
    assert "ingress-certificate" in before.one("ingress-release").depends_on
    assert "the value of ingressKey" not in str(before.one("ingress-release").inputs)


def test_it_comes_after_the_load_balancer(tmp_path: Path) -> None:
    assert "load-balancer-layer2" in plan_of(site_of(tmp_path)).one("ingress-release").depends_on


def test_a_key_is_compared_with_its_certificate() -> None:
    own, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    text = certificate(own, days=40)
    assert not_its_key(pem(own, NoEncryption()), text) is None
    with pytest.raises(WrongKeyError) as wrong:
        must_belong(pem(other, NoEncryption()), text, "ingressKey", "network.ingress.keySecret")
    assert str(wrong.value) == (
        'the secret ingressKey (network.ingress.keySecret) is the key of another certificate than "CN=*.ai.example.org"'
        ", the first of the file. Set the key that belongs to it. Nothing was changed. "
        "Fix: pulumi config set --secret ingressKey < FILE"
    )
    assert "is encrypted" in str(not_its_key(pem(own, BestAvailableEncryption(b"word")), text))
    assert "is no private key in PEM form" in str(not_its_key("hunter2", text))


def test_names_of_certificates_cover_hosts() -> None:
    assert [fits(one, "a.b.org") for one in ("*.b.org", "*.org", "A.b.org", "*.a.b.org")] == [True, False, True, False]


def test_few_days_and_an_issuer_left_out_are_notes(tmp_path: Path) -> None:
    file = tmp_path / "short.pem"
    file.write_text(certificate(ec.generate_private_key(ec.SECP256R1()), days=12.5))
    said = list(notes(site_of(tmp_path, file=file)))
    assert any(
        line.startswith('network.ingress.certificate: "short.pem" has a certificate ("CN=*.ai.') for line in said
    )
    assert any(" that ends in 12 days, on 20" in line and "Renew it: the next pulumi up" in line for line in said)
    said = list(notes(site_of(tmp_path, file=FILES / "lone.pem")))
    assert any('has no certificate of its issuer "CN=An authority"' in line for line in said)
    assert not any("network.ingress" in line for line in notes(site_of(tmp_path)))


def test_control_planes_are_asked_for_a_name_before_anything_is_changed(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    steps = {name: {step.id: step for step in preflight(site, host)} for name, host in site.hosts.items()}
    assert ["wildcard_name" in found for found in steps.values()] == [True, False]
    assert steps["one"]["wildcard_name"].inputs == {
        "name": "gpu-metal-check",
        "domain": "ai.example.org",
        "addresses": "10.0.0.200",
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "no name server that this host asks knows names under ai.example.org."),
        ("10.0.0.9", "gpu-metal-check.ai.example.org is 10.0.0.9 here, and the ingress is at 10.0.0.200."),
        ("10.0.0.200", ""),
    ],
)
def test_a_name_that_leads_elsewhere_is_a_remark(tmp_path: Path, answer: str, said: str) -> None:
    host = StepHost(tmp_path)
    host.program("timeout", 'shift; exec "$@"')
    host.program("getent", f'[[ -n "{answer}" ]] && echo "{answer}  STREAM x"')
    inputs = {"name": "gpu-metal-check", "domain": "ai.example.org", "addresses": "10.0.0.200"}
    status, text = host.call(asked.HERE / "steps/wildcard_name.sh", "check", inputs)
    assert status == 0
    assert text.strip("\n\2").startswith(said)
    assert bool(said) == bool(text.strip())


def put(question: Question, folder: Path, **programs: str) -> Check:
    """The answer to a question on a machine with these programs."""
    for name, text in {"timeout": 'shift; exec "$@"', **programs}.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)

    async def bash(words: str, script: bytes) -> Result:
        command = ["bash", "-c", f"PATH={folder}:$PATH bash -s -- {words}"]
        done = subprocess.run(command, input=script, capture_output=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return asyncio.run(questions.ask("cp-1", "ingress", question, bash))


def shown(days: float, own: str) -> str:
    """openssl, for a server that shows a certificate."""
    end = f"$(date -u -d '{int(days * 24 + 1):+} hours' '+%b %d %H:%M:%S %Y GMT')"
    return f'[[ $1 == x509 ]] || exit 0; printf "sha256 Fingerprint={own}\\nnotAfter=%s\\n" "{end}"'


@pytest.mark.row("M3")
def test_verify_asks_for_address_certificate_and_name(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    asks = {each.id: each for name, each in questions.of(site) if name == "ingress"}
    assert list(asks) == ["answers", "certificate", "name"]
    own = fingerprint(certificates(CERTIFICATE.read_text())[0])
    certificate_ = asks["certificate"]
    fine = put(certificate_, tmp_path, openssl=shown(90, own))
    assert (fine.id, fine.status, fine.saw[:12]) == ("ingress/certificate", "ok", "90 days left")
    assert put(certificate_, tmp_path, openssl=shown(9, own)).status == "note"
    ended = put(certificate_, tmp_path, openssl=shown(-3, own))
    assert (ended.status, ended.saw[:25]) == ("failed", "the certificate ended on ")
    assert ended.fix == "put a new one into network.ingress.certificate, then pulumi up"
    other = put(certificate_, tmp_path, openssl=shown(90, "00:11"))
    assert (other.status, other.fix) == ("failed", "pulumi up")
    assert "another certificate than that of network.ingress.certificate" in other.saw
    renewed = replace(certificate_, words=("any", *certificate_.words[1:]))
    assert put(renewed, tmp_path, openssl=shown(60, "00:11")).status == "ok"
    late = put(renewed, tmp_path, openssl=shown(9, "00:11"))
    assert (late.status, "was not renewed" in late.saw, late.fix) == ("failed", True, "see ingress/issued")
    assert put(certificate_, tmp_path, openssl="exit 1").saw.startswith("no certificate is shown at port 443 of")
    none = put(asks["answers"], tmp_path, kubectl="true")
    assert none.saw == "there is no service haproxy-kubernetes-ingress -n haproxy-controller."
    waiting = put(asks["answers"], tmp_path, kubectl="[[ $* == *spec.type* ]] && echo LoadBalancer || true")
    assert "has the address none, and the site gives it 10.0.0.200" in waiting.saw
    found = put(asks["name"], tmp_path, getent="echo 10.0.0.200 STREAM")
    assert (found.status, found.saw) == ("ok", "*.ai.example.org is 10.0.0.200")
    assert put(asks["name"], tmp_path, getent="exit 2").status == "note"


@pytest.mark.row("M3")
def test_a_question_that_broke_is_not_an_answer(tmp_path: Path) -> None:
    script = tmp_path / "broken.sh"
    script.write_text("no-such-program\n")
    broken = put(Question("x", script), tmp_path)
    assert (broken.status, broken.saw[:19]) == ("unknown", "could not be asked:")


@pytest.mark.row("L1", "M3")
def test_services_that_wait_for_an_address_are_named(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    [addresses] = [each for name, each in questions.of(site) if name == "load-balancer"]
    waiting = put(addresses, tmp_path, kubectl="printf 'a/web 10.0.0.201\\nb/late \\n'")
    assert (waiting.status, waiting.saw) == ("failed", "no address for b/late.")
    fine = put(addresses, tmp_path, kubectl="printf 'a/web 10.0.0.201\\n'")
    assert (fine.status, fine.saw) == ("ok", "services with an address: 1")
