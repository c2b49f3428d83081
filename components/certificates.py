"""What certificates that a site names say: their names and order, and whether a key belongs to one."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from components.local import certificates
from components.shown import quoted

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

# cryptography's start takes a tenth of a second, and most sites have no certificate: it is imported where it is used.
# ruff: noqa: PLC0415


def names(certificate: "Certificate") -> list[str]:
    """The names and addresses in a certificate: clients look at these alone, not at the subject (RFC 9525)."""
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def fits(pattern: str, name: str) -> bool:
    """Whether a name of a certificate covers a host's: `*.` stands for one label."""
    if pattern.startswith("*."):
        return name.partition(".")[2].lower() == pattern[2:].lower()
    return pattern.lower() == name.lower()


def broken_at(chain: Sequence["Certificate"]) -> str | None:
    """Whose issuer is not the next certificate of the file, as its subject; None if the chain is in order."""
    for one, issuer in pairwise(chain):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, _bad_signature()):
            return one.subject.rfc4514_string()
    return None


def lone(chain: Sequence["Certificate"]) -> bool:
    """Whether the file has no issuer of its certificate, which is not its own issuer either."""
    return len(chain) == 1 and chain[0].issuer != chain[0].subject


def fingerprint(certificate: "Certificate") -> str:
    """SHA-256, as `openssl x509 -fingerprint` writes it."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex(":").upper()


def not_its_key(key: str, text: str) -> str | None:
    """Why a private key in PEM form cannot be used with the first certificate of a text; None if it can."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        of_key = load_pem_private_key(key.encode(), None).public_key()
    except TypeError:
        return "is encrypted, and nobody is there to type its passphrase. Write it without: openssl pkey -in FILE"
    except ValueError:
        return "is no private key in PEM form (-----BEGIN PRIVATE KEY-----). Set the content of the key's file."
    own = certificates(text)[0]
    both = [each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for each in (of_key, own.public_key())]
    if both[0] != both[1]:
        whose = quoted(own.subject.rfc4514_string())
        return f"is the key of another certificate than {whose}, the first of the file. Set the key that belongs to it."
    return None


def _bad_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature
