"""An authority of the tests, and certificates that it signs.

`python -m tests.parts.runai.authority` writes those of good/files anew.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

FILES = Path(__file__).parent / "good/files"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, in PEM form."""

    text: str
    key: str


class Authority:
    """Signs certificates that end in so many days."""

    def __init__(self, name: str = "Example authority", days: float = 3650) -> None:
        self._name, self._days, self._key = _name(name), days, ec.generate_private_key(ec.SECP256R1())
        self.text = self._made(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None), days, [])

    def sign(self, *names: str, days: float | None = None) -> Signed:
        """One for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        text = self._made(_name(names[0]), key, x509.BasicConstraints(ca=False, path_length=None), days, names)
        return Signed(text, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

    def _made(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        basic: x509.BasicConstraints,
        days: float | None,
        names: "tuple[str, ...] | list[str]",
    ) -> str:
        end = datetime.now(UTC) + timedelta(days=self._days if days is None else days)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(datetime.now(UTC), end) - timedelta(days=1))
            .not_valid_after(end)
            .add_extension(basic, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            built = built.add_extension(alternatives, critical=False)
        return built.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()


def write() -> None:
    """The files of the sample site and of the bad ones."""
    own, other = Authority(), Authority("Another authority")
    FILES.mkdir(exist_ok=True, parents=True)
    files = {
        "authority.pem": own.text,
        "other-authority.pem": other.text,
        "ai.example.org.pem": own.sign("ai.example.org", "*.ai.example.org").text,
        "ingress.pem": own.sign("*.ai.example.org").text,
        "models.pem": own.sign("*.models.example.org").text,
        "no-wildcard.pem": own.sign("ai.example.org").text,
        "old-name.pem": own.sign("old.example.org", "*.old.example.org").text,
        "unordered.pem": own.sign("ai.example.org", "*.ai.example.org").text + other.text,
    }
    for name, text in files.items():
        (FILES / name).write_text(text)


if __name__ == "__main__":
    write()
