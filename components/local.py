"""Files on the operator's machine that a site names, by what must be in them, and when that ends.

`wrong` reads the file: a run would fail on it much later, or send a host what it cannot use. That a certificate or a
key has expired is not wrong: it comes by itself, and a site that was right the day before must take other changes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from components import openpgp
from components.model import LocalPath
from components.rule import Mark
from components.shown import quoted

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_LIMIT = 4 * 1024 * 1024
"""Bytes. The content goes into the plan."""


@dataclass(frozen=True)
class Ending:
    """When the first thing in a file ends, and what that is."""

    when: datetime
    what: str

    @property
    def days(self) -> int:
        """How many whole days are left; negative once it has ended."""
        return (self.when - datetime.now(UTC)).days


@dataclass(frozen=True)
class Holds(Mark):
    """What a file must hold. `wrong` gives the message about a text that is not it; `binary` how to convert one."""

    wrong: Callable[[str], str | None]
    binary: str = "Write a text file."
    public: bool = True
    """Every host gets it, and it must hold no private key."""
    optional: bool = False
    """It is needed to reach hosts only: a machine that checks the site need not have it."""
    begins: bytes = b""
    """First bytes of the binary form, where that is as good."""
    whole: bool = True
    """False for a vendor's file of any content and size, which is known by its SHA-256: it must be there."""
    ends: Callable[[bytes], Ending | None] | None = None
    """Reads from a good file when its certificate or key expires; None for a kind of file in which nothing expires."""

    def ending(self, path: Path) -> Ending | None:
        """When what the file holds ends; None if never, and for a file that `trouble` is about."""
        if self.ends is None or self.trouble(path) or not path.exists():
            return None
        return self.ends(path.read_bytes())

    def trouble(self, path: Path) -> str | None:
        """Why the file cannot be used; None if it can, or if it is optional and absent."""
        if self.optional and not path.exists():
            return None
        if not self.whole:
            return None if path.is_file() else _absent(path)
        try:
            text = _text(path)
            found = None if text is None and self._is_whole(path) else self._of(text, path.name)
        except FileNotFoundError:
            return _absent(path)
        except OSError as error:
            found = f"cannot be read: {error.strerror}. Correct the path, or who may read it."
        except _TooLargeError:
            found = f"has more than {_LIMIT // 1024**2} MiB. Correct the path."
        return f"{quoted(path.name)} {found}" if found else None

    def _is_whole(self, path: Path) -> bool:
        with path.open("rb") as file:
            first = file.read(1)
        return bool(first) and first in self.begins

    def _of(self, text: str | None, name: str) -> str | None:
        if text is None:
            return f"is binary. {self.binary.format(name=name)}"
        if self.public and re.search("-----BEGIN .*PRIVATE KEY", text):
            return "has a private key in it, and hosts show this file to all. Take the key out of it."
        return self.wrong(text)


class _TooLargeError(Exception):
    """The file is larger than any that belongs here."""


def shown(path: Path) -> str:
    """The path as messages have it: from the folder where the program runs, else its name and folder."""
    here = Path.cwd()
    below = path.is_relative_to(here)
    return quoted(str(path.relative_to(here))) if below else f"{quoted(path.name)} in {path.parent}"


def _absent(path: Path) -> str:
    return f"there is no file {shown(path)}. Put it there, or correct the path."


def _text(path: Path) -> str | None:
    """The file's text; None if it is binary. Raises OSError, _TooLargeError."""
    if path.stat().st_size > _LIMIT:
        raise _TooLargeError
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def certificates(text: str) -> "list[Certificate]":
    """The certificates in a PEM text. Raises ValueError."""
    from cryptography import x509  # noqa: PLC0415 - most sites have none, and its start takes a tenth of a second

    return x509.load_pem_x509_certificates(text.encode())


def _not_certificates(text: str) -> str | None:
    try:
        found = certificates(text)
    except ValueError:
        return "has no certificate in PEM form (-----BEGIN CERTIFICATE-----). Write the file that has it."
    for each in found:
        if datetime.now(UTC) < each.not_valid_before_utc:
            day = each.not_valid_before_utc.date()
            whose = quoted(each.subject.rfc4514_string())
            return (
                f"has a certificate that is not valid before {day} ({whose}). See that this machine's clock is right."
            )
    return None


def _first_end(content: bytes) -> Ending:
    first = min(certificates(content.decode()), key=lambda each: each.not_valid_after_utc)
    return Ending(first.not_valid_after_utc, f"a certificate ({quoted(first.subject.rfc4514_string())})")


def _key_end(content: bytes) -> Ending | None:
    when = openpgp.end(content)
    return Ending(when, "a key") if when else None


def _not_authorities(text: str) -> str | None:
    if wrong := _not_certificates(text):
        return wrong
    for each in certificates(text):
        if not _is_authority(each):
            said = f"has a certificate that is not an authority's ({quoted(each.subject.rfc4514_string())})"
            return f"{said}: it signs no other. Write the file of the authority that signed it."
    return None


def _is_authority(certificate: "Certificate") -> bool:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _not_a_public_key(text: str) -> str | None:
    if "-----BEGIN PGP PUBLIC KEY BLOCK-----" in text:
        return None
    return "has no armored public key (-----BEGIN PGP PUBLIC KEY BLOCK-----). Write the vendor's .asc file."


def _not_a_private_key(text: str) -> str | None:
    if re.match(r"(ssh-|ecdsa-|sk-)\S+ AAAA", text):
        return "is a public key. Write the file of the private one, which most often has the name without .pub."
    if re.search(r"-----BEGIN .*PRIVATE KEY", text):
        return None
    return "has no private key (-----BEGIN … PRIVATE KEY-----). Write the file that has it."


CertificateFile = Annotated[
    LocalPath,
    Holds(_not_certificates, "Convert it: openssl x509 -inform der -in {name} -out {name}.pem", ends=_first_end),
]
"""Certificates in PEM form."""
AuthorityFile = Annotated[
    LocalPath,
    Holds(_not_authorities, "Convert it: openssl x509 -inform der -in {name} -out {name}.pem", ends=_first_end),
]
"""Certificates of authorities in PEM form."""
PublicKeyFile = Annotated[
    LocalPath,
    Holds(
        _not_a_public_key,
        "Write the vendor's .asc or .gpg file.",
        begins=b"\x98\x99\x9a\xc6",  # a public key's packet, RFC 9580 section 4.2
        ends=_key_end,
    ),
]
"""A package source's public key, armored or binary."""
PrivateKeyFile = Annotated[
    LocalPath, Holds(_not_a_private_key, "Write the key in OpenSSH or PEM form.", public=False, optional=True)
]
"""A private SSH key."""
TextFile = Annotated[LocalPath, Holds(lambda _: None)]
"""Any text in UTF-8."""
VendorFile = Annotated[LocalPath, Holds(lambda _: None, whole=False)]
"""A vendor's program or archive."""
