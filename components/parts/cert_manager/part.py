"""cert-manager as a part (docs/parts/cert_manager/how-to.md)."""

from collections.abc import Sequence

from components.parts.cert_manager import checks
from components.parts.cert_manager.config import CertManager
from components.parts.cert_manager.plan import NAMESPACE, RELEASE
from components.parts.part import ClusterPart, Expected, Part, Probe


def _expected(config: CertManager) -> Sequence[Expected]:
    """Each issuer can issue."""
    return [
        Expected.ready(
            f"issuer-{name}",
            f"clusterissuer {name}",
            f"on a control plane: kubectl describe clusterissuer {name} says why",
        )
        for name in config.issuers
    ]


PART: Part[CertManager] = Part(
    config=CertManager,
    checks=checks.checks,
    gives=frozenset({"certificates"}),
    version=lambda config: (("version",), config.version.removeprefix("v")),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "restricted"},
        component="components.parts.cert_manager.component:Manager",
        probes=lambda _: [
            Probe("deployment", f"{RELEASE}{suffix}", NAMESPACE) for suffix in ("", "-cainjector", "-webhook")
        ],
        expected=_expected,
    ),
)
