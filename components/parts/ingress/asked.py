"""What preflight and verify ask about the ingress. Reads the certificate's file."""

from collections.abc import Sequence
from pathlib import Path

from components.certificates import fingerprint
from components.hostrun.step import Step
from components.local import certificates
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import Ground, Question

HERE = Path(__file__).parent
_ANY = "any"
"""In place of the fingerprint of a certificate that cert-manager renews."""


def preflight(config: Ingress, ground: Ground) -> Sequence[Step]:
    """Names under the domain lead to it, as a control plane sees them."""
    addresses, _ = plan.answers_at(config, ground)
    inputs = {"name": plan.PROBED, "domain": ground.domain or "", "addresses": " ".join(addresses)}
    return [Step(HERE / "steps/wildcard_name.sh", inputs)]


def questions(config: Ingress, ground: Ground) -> Sequence[Question]:
    """It answers, with the site's certificate, and its names lead there."""
    addresses, port = plan.answers_at(config, ground)
    at = (str(port), *addresses)
    domain = ground.domain or ""
    own = fingerprint(certificates(config.certificate.read_text())[0]) if config.certificate else _ANY
    return [
        Question("answers", HERE / "questions/answers.sh", (plan.NAMESPACE, plan.RELEASE, *at)),
        Question("certificate", HERE / "questions/certificate.sh", (own, f"{plan.PROBED}.{domain}", *at)),
        Question("name", HERE / "questions/name.sh", (plan.PROBED, domain, *addresses)),
    ]
