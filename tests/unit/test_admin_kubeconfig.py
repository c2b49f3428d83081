"""sitectl kubeconfig --as: an administrator's own kubeconfig.

A real API server signs one in tests/plugins/test_user_access.py.
"""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from ruamel.yaml import YAML

from ops import admin_kubeconfig
from ops.certificate import PEM
from ops.stop import Stop
from ops.user_kubeconfig import Made
from stacks.load import site_from
from stacks.model import Site
from tests.unit.fake_hosts import Sitectl, sitectl

pytestmark = pytest.mark.row("N5")
SITE: dict[str, Any] = {
    "hosts": {"cp-1": {"address": "192.0.2.11", "roles": ["control-plane"]}},
    "kubernetes": {},
    "users": {"ana": {"subject": "ana-of-lps"}},
}


class Signs:
    """kubectl of a cluster that signs what it is asked for."""

    def __init__(self, *, bound: bool = True) -> None:
        self.bound, self.certificate, self.requests = bound, "", list[dict[str, Any]]()

    async def run(self, *words: str, stdin: str = "") -> str:
        if words[0] == "create":
            self.requests.append(json.loads(stdin))
            asked = self.requests[-1]["spec"]
            request = x509.load_pem_x509_csr(base64.b64decode(asked["request"]))
            now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
            made = x509.CertificateBuilder(request.subject, request.subject, request.public_key(), 7)
            made = made.not_valid_before(now).not_valid_after(now + timedelta(seconds=asked["expirationSeconds"]))
            signed = made.sign(key, hashes.SHA256()).public_bytes(PEM)
            self.certificate = base64.b64encode(signed).decode()
        return json.dumps({"server": "https://192.0.2.11:6443", "certificate-authority-data": "Q0E="})

    async def get(self, *words: str) -> dict[str, Any] | None:
        if words[0] == "clusterrolebinding":
            return {"kind": "ClusterRoleBinding"} if self.bound and words[1] == "kubeadm:cluster-admins" else None
        return {"status": {"certificate": self.certificate}}


def made(site: Site, kubectl: Any) -> Made:
    return asyncio.run(admin_kubeconfig.make(kubectl, site, "nauta-admin", 86400))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_from(SITE, stack="lab", folder=tmp_path, keys=False)


def test_it_is_an_administrators_by_name_and_ends(site: Site) -> None:
    kubectl = Signs()
    answer = made(site, kubectl)
    file = YAML(typ="safe").load(answer.text)
    certificate = x509.load_pem_x509_certificate(base64.b64decode(file["users"][0]["user"]["client-certificate-data"]))
    assert certificate.subject.rfc4514_string() == "CN=nauta-admin,O=kubeadm:cluster-admins"
    assert (kubectl.requests[0]["spec"]["expirationSeconds"], file["current-context"]) == (86400, "lab")
    assert "opens the whole cluster until then" in answer.honest
    assert "client-key-data" in file["users"][0]["user"]
    assert "PRIVATE" not in repr(answer)


def test_a_cluster_without_the_rights_of_kubeadms_group_is_named(site: Site) -> None:
    with pytest.raises(Stop) as stop:
        made(site, Signs(bound=False))
    [line] = stop.value.lines
    assert line.startswith(
        "The cluster gives no rights to the group kubeadm:cluster-admins, as kubeadm does. Fix: on a"
    )


@pytest.mark.parametrize("name", ["ana", "ana-of-lps"])
def test_no_user_becomes_an_administrator_by_it(site: Site, name: str) -> None:
    with pytest.raises(Stop) as stop:
        admin_kubeconfig.checked(site, name)
    assert f"--as {name}: is a user of the site" in stop.value.lines[0]
    assert f"such as {name}-admin" in stop.value.lines[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--as", "system:masters"], "--as system:masters: is no name: a-z, 0-9 and '-', 32 at most"),
        (["--as", "Ana"], "a letter first and no '-' last. Fix: --as dev-admin"),
        (["--days", "3"], "--days: the cluster's own kubeconfig has its certificate's. Fix: --as NAME, too"),
        (["--as", "nauta-admin", "--days", "365"], "Fix: --days 1 to --days 90.\n"),
    ],
)
def test_what_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str) -> None:
    ctl: Sitectl = sitectl(tmp_path, monkeypatch)
    result = ctl("kubeconfig", *words)
    assert (result.exit_code, says in result.output) == (2, True), result.output
