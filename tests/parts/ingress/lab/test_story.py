"""Load balancer and ingress in the lab's site: an address that answers from outside, and a certificate that is rotated.

MetalLB and haproxy are real; the controller beside haproxy is the lab's stand-in. Does not prove: HAProxy's own
controller, BGP, name servers of a site.
"""

import json
import shlex

import pytest

from tests.lab.stack import Stack, on, until
from tests.parts.ingress.lab import front

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]


@pytest.fixture(scope="module")
def first(cluster: Stack) -> str:
    """The fingerprint of the certificate with which both parts came up, by one edit of the site."""
    front.network(cluster)
    own = front.renew(cluster)
    cluster.sitectl("preflight").ok()
    cluster.up().ok()
    applied = f"echo {shlex.quote(json.dumps(front.SHOP))} | {' '.join(front.KUBECTL)} apply -f -"
    on("cp-1", ["sh", "-c", applied])
    return own


@pytest.mark.row("L1", "L2")
def test_the_address_answers_from_outside_with_the_sites_certificate(cluster: Stack, first: str) -> None:
    until(lambda: front.page("/busybox").endswith("200 OK"), what="the page under its name")
    assert front.shown() == first
    verdict = json.loads(cluster.sitectl("verify", "-o", "json").ok().out)
    said = {check["id"]: (check["status"], check["saw"]) for check in verdict["checks"]}
    assert said["ingress/answers"] == ("ok", f"{front.ADDRESS}:443 answers")
    assert said["ingress/certificate"][1].startswith("89 days left")
    assert said["load-balancer/addresses"] == ("ok", "services with an address: 1")
    assert said["load-balancer/metallb-speaker"][0] == "ok"
    assert said["ingress/name"][0] == "note"  # the lab has no name server for the domain
    cluster.up("--expect-no-changes").ok()


@pytest.mark.row("L2")
def test_a_certificate_is_rotated_by_one_edit_and_nothing_restarts(cluster: Stack, first: str) -> None:
    before = front.pods()
    own = front.renew(cluster)
    assert own != first
    failed = json.loads(cluster.sitectl("verify", "-o", "json").out)["failures"]
    assert failed == ["ingress/certificate"]
    said = cluster.up().ok().out
    assert "1 updated" in said
    until(lambda: front.shown() == own, what="the new certificate")
    assert front.page("/busybox").endswith("200 OK")
    assert front.pods() == before


@pytest.mark.row("L2")
def test_a_key_of_another_certificate_changes_nothing(cluster: Stack, first: str) -> None:  # noqa: ARG001 - they are up
    now, good = front.shown(), (cluster.folder / "site.pem").read_text()
    front.renew(cluster)
    (cluster.folder / "site.pem").write_text(good)
    refused = cluster.up()
    assert refused.status != 0
    assert "the secret ingressKey (network.ingress.keySecret) is the key of another certificate" in refused.text
    assert front.shown() == now


@pytest.mark.row("L1", "L2")
def test_without_their_lines_both_are_gone(cluster: Stack, first: str) -> None:  # noqa: ARG001 - they are up
    front.take_away(cluster)
    cluster.up().ok()
    left = on("cp-1", [*front.KUBECTL, "get", "namespaces", "-o", "name"]).split()
    assert not {"namespace/metallb-system", "namespace/haproxy-controller"} & set(left)
    cluster.sitectl("verify").ok()
