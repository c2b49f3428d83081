"""Certificates for the ingress of the tests."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.self_signed import self_signed


def certificate(key: ec.EllipticCurvePrivateKey, *, days: float, domain: str = "ai.example.org") -> str:
    """One for *.DOMAIN that signs itself and ends in so many days, in PEM form."""
    star = f"*.{domain}"
    made = self_signed(key, star, x509.SubjectAlternativeName([x509.DNSName(star)]), last=days)
    return made.public_bytes(Encoding.PEM).decode()
