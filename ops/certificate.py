"""A client certificate from the cluster's own CertificateSigningRequest API, for a key that is made here.

The private key never leaves this process: the cluster gets the request, which has the public key.
"""

import asyncio
import base64
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.in_cluster import Kubectl
from ops.stop import Code, Stop

SIGNER = "kubernetes.io/kube-apiserver-client"
"""Its certificates are for clients of the API server. It refuses the group system:masters."""
LABEL = "gpu-metal/user"
PATIENCE = 30.0
"""Seconds for the controller that signs."""
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Issued:
    """A private key with its certificate, both PEM."""

    key: str = field(repr=False)
    certificate: str
    end: datetime


async def issue(kubectl: Kubectl, user: str, subject: str, seconds: int, group: str | None = None) -> Issued:
    """Requests, approves and fetches a certificate for `subject`, in no group unless one is named. Raises Stop; leaves
    no open request."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"gpu-metal-{user}-{secrets.token_hex(4)}"
    await kubectl.run("create", "-f", "-", stdin=_request(key, name, user, _names(user, subject, group), seconds))
    try:
        await kubectl.run("certificate", "approve", name)
        text = await _signed(kubectl, name)
        certificate = _ours(text, key, [*([group] if group else []), subject])
    except BaseException:
        await kubectl.run("delete", "certificatesigningrequest", name, "--ignore-not-found")
        raise
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Issued(private.decode(), text, certificate.not_valid_after_utc)


def _names(user: str, subject: str, group: str | None) -> x509.Name:
    try:
        common = x509.NameAttribute(NameOID.COMMON_NAME, subject)
    except ValueError:
        text = f"the subject {subject} has {len(subject)} characters, and a certificate has room for 64."
        raise Stop(Code.WRONG, [f"users.{user}: {text} Fix: a shorter subject."]) from None
    return x509.Name([*([x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []), common])


def _request(key: ec.EllipticCurvePrivateKey, name: str, user: str, names: x509.Name, seconds: int) -> str:
    request = x509.CertificateSigningRequestBuilder().subject_name(names).sign(key, hashes.SHA256())
    spec = {
        "request": base64.b64encode(request.public_bytes(PEM)).decode(),
        "signerName": SIGNER,
        "expirationSeconds": seconds,
        "usages": ["client auth"],
    }
    top = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    return json.dumps({**top, "metadata": {"name": name, "labels": {LABEL: user}}, "spec": spec})


async def _signed(kubectl: Kubectl, name: str) -> str:
    clock = asyncio.get_running_loop().time
    end = clock() + PATIENCE
    while True:
        status: dict[str, Any] = (await kubectl.get("certificatesigningrequest", name) or {}).get("status", {})
        if status.get("certificate"):
            return base64.b64decode(status["certificate"]).decode()
        for condition in status.get("conditions", ()):
            if condition["type"] in ("Denied", "Failed"):
                said = f"{condition.get('reason', '')}: {condition.get('message', '')}"
                raise Stop(Code.NO, [f"The cluster does not sign the certificate ({condition['type']}). {said}"])
        if clock() > end:
            fix = "Fix: on a control plane, crictl ps -a shows whether kube-controller-manager runs."
            raise Stop(Code.TIME_UP, [f"The certificate was not signed within {PATIENCE:g} s. {fix}"])
        await asyncio.sleep(0.3)


def _ours(text: str, key: ec.EllipticCurvePrivateKey, wanted: list[str]) -> x509.Certificate:
    """The certificate, once it is seen to be for this key and these names."""
    certificate = x509.load_pem_x509_certificate(text.encode())
    names = [attribute.value for attribute in certificate.subject]
    if certificate.public_key() != key.public_key() or names != wanted:
        raise Stop(Code.NO, [f"The cluster signed a certificate for {names}, not for {wanted}. It was not used."])
    return certificate


def subject_and_end(request: dict[str, Any]) -> tuple[str, datetime] | None:
    """Whose certificate a CertificateSigningRequest of the cluster is, and when it ends; None if it is not signed."""
    signed = request.get("status", {}).get("certificate")
    if request["spec"]["signerName"] != SIGNER or not signed:
        return None
    certificate = x509.load_pem_x509_certificate(base64.b64decode(signed))
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return (str(names[0].value), certificate.not_valid_after_utc) if names else None


def left(end: datetime) -> str:
    """`5 days`, `7 h`, or `ended`."""
    hours = (end - datetime.now(UTC)).total_seconds() / 3600
    if hours <= 0:
        return "ended"
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} h"
