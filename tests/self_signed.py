"""Certificates that sign themselves, for tests."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256


def self_signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    called: str,
    *extensions: x509.ExtensionType,
    first: float = -1,
    last: float = 90,
) -> x509.Certificate:
    """Of the common name, valid from and to so many days from now."""
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, called)]), datetime.now(UTC)
    begins, ends = now + timedelta(days=first), now + timedelta(days=last)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begins, ends)
    for each in extensions:
        made = made.add_extension(each, critical=isinstance(each, x509.BasicConstraints))
    return made.sign(key, SHA256())
