"""The ingress as a part (docs/parts/ingress/how-to.md)."""

from collections.abc import Sequence

from components.parts.ingress import asked, checks
from components.parts.ingress.config import Ingress
from components.parts.ingress.plan import CERTIFICATE, NAMESPACE, RELEASE
from components.parts.part import ClusterPart, Expected, Part, Probe, Provide


def _asks(config: Ingress) -> frozenset[Provide]:
    """An address, and who issues its certificate."""
    found: set[Provide] = {"load-balancer"} if config.expose == "loadBalancer" else set()
    return frozenset(found | ({"certificates"} if config.issuer and not config.issuer.existing else set()))


def _expected(config: Ingress) -> Sequence[Expected]:
    """cert-manager has issued the certificate."""
    if config.issuer is None:
        return []
    what, fix = f"certificate {CERTIFICATE} -n {NAMESPACE}", "on a control plane: kubectl describe"
    why = f"{fix} {what}, and the order and challenge that it names"
    return [Expected.ready("issued", what, why)]


PART: Part[Ingress] = Part(
    config=Ingress,
    checks=checks.checks,
    notes=checks.notes,
    asks=_asks,
    gives=frozenset({"ingress"}),
    version=lambda config: (("version",), config.version),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "baseline"},
        component="components.parts.ingress.component:HaProxy",
        probes=lambda _: (Probe("deployment", RELEASE, NAMESPACE),),
        preflight=asked.preflight,
        questions=asked.questions,
        expected=_expected,
    ),
)
