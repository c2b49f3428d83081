"""What is said of an admission webhook that is down. tests/plugins/test_delivery_chart.py has a real one."""

import pytest

from components.kubernetes.webhook import Down, down, judged

pytestmark = pytest.mark.row("L1", "X14")

POST = 'Post "https://metallb-webhook-service.metallb-system.svc:443/validate-metallb-io-v1beta1-pool?timeout=10s": '
WEBHOOK = "pools.metallb.io"
RAW = f'Internal error occurred: failed calling webhook "{WEBHOOK}": failed to call webhook: '
OF = ("metallb-webhook-service", "metallb-system")
NO_ENDPOINTS = 'no endpoints available for service "metallb-webhook-service"'
CONFIG = ["config validatingwebhookconfiguration metallb-webhook-configuration", "release metallb"]
THERE = [*CONFIG, "service"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"{POST}{NO_ENDPOINTS}", NO_ENDPOINTS),
        (
            f"{POST}dial tcp 10.96.0.9:443: connect: connection refused",
            "dial tcp 10.96.0.9:443: connect: connection refused",
        ),
        (f"{POST}context deadline exceeded", "context deadline exceeded"),
        (f"{POST}tls: failed to verify certificate: x509: unknown", "tls: failed to verify certificate: x509: unknown"),
    ],
)
def test_it_is_found_in_the_api_servers_words(said: str, why: str) -> None:
    error = f'update of resource "urn" failed because: {RAW}{said}\nmore lines'
    assert down(["another error", error]) == Down(WEBHOOK, *OF, why)


def test_other_errors_are_not_of_a_webhook() -> None:
    denied = f'admission webhook "{WEBHOOK}" denied the request: the pool overlaps'  # it answers, and says why itself
    assert down([denied, 'namespaces "x" not found', ""]) is None


@pytest.mark.parametrize(
    ("lines", "seen", "fix"),
    [
        (
            CONFIG,
            "There is no service metallb-webhook-service in metallb-system: what had it is gone and left",
            "kubectl delete validatingwebhookconfiguration metallb-webhook-configuration",
        ),
        (
            [*THERE, "deployment controller 0"],
            "Its deployment controller has 0 replicas",
            "kubectl -n metallb-system scale deployment controller --replicas=1",
        ),
        (
            [*THERE, "deployment controller 1"],
            "No pod is behind service metallb-webhook-service in metallb-system",
            "see why: kubectl -n metallb-system describe deployment controller",
        ),
        (
            [*THERE, "pod controller-x False Running CrashLoopBackOff", "deployment controller 1"],
            "Its pod controller-x is not ready (Running, CrashLoopBackOff)",
            "see why: kubectl -n metallb-system describe pod controller-x",
        ),
        (
            [*THERE, "pod controller-x True Running", "deployment controller 1"],
            "Its pods are ready, but the API server does not reach them",
            "see whether pods of the node answer: sitectl verify; kubectl -n metallb-system get pods -o wide",
        ),
    ],
)
def test_whose_it_is_what_is_wrong_there_and_what_to_do(lines: list[str], seen: str, fix: str) -> None:
    text = judged("cp-1", "load-balancer-pool", Down(WEBHOOK, *OF, "context deadline exceeded"), lines)
    assert text.startswith(
        "cp-1 [webhook] load-balancer-pool was not written: Kubernetes asks webhook pools.metallb.io of metallb first, "
        f'which does not answer ("context deadline exceeded"). {seen}'
    )
    assert text.endswith(f". Fix: {fix}; then pulumi up")


def test_a_certificate_that_is_not_good_needs_a_restart() -> None:
    of = Down(WEBHOOK, *OF, "tls: failed to verify certificate: x509: certificate has expired")
    text = judged(
        "cp-1", "pool", of, [*THERE[:1], "service", "pod controller-x True Running", "deployment controller 1"]
    )
    assert "of service metallb-webhook-service in metallb-system first" in text, "no release of Helm has it"
    assert "Fix: kubectl -n metallb-system rollout restart deployment controller; then pulumi up" in text
