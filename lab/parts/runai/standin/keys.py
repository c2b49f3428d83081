"""RSA, and the tokens that it signs (RS256): a real API server accepts them, and Python alone has no RSA."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

_BITS = 2048
_EXPONENT = 65537
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_SMALL = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


class TokenError(Exception):
    """A token that is not ours, or not valid any more; the message says why."""


@dataclass(frozen=True)
class Key:
    """A private key."""

    modulus: int
    private: int

    @classmethod
    def new(cls) -> "Key":
        """Makes one; takes about a second."""
        while True:
            p, q = _prime(_BITS // 2), _prime(_BITS // 2)
            around = (p - 1) * (q - 1)
            if p != q and around % _EXPONENT:
                return cls(p * q, pow(_EXPONENT, -1, around))

    @property
    def name(self) -> str:
        """The `kid` of its tokens."""
        return hashlib.sha256(str(self.modulus).encode()).hexdigest()[:16]

    def public(self) -> dict[str, str]:
        """As a JWKS has it."""
        modulus = _text(self.modulus.to_bytes(_BITS // 8, "big"))
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.name, "n": modulus, "e": "AQAB"}

    def signed(self, claims: dict[str, Any]) -> str:
        """A token."""
        head = {"alg": "RS256", "typ": "JWT", "kid": self.name}
        content = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        signature = pow(_padded(content), self.private, self.modulus)
        return f"{content}.{_text(signature.to_bytes(_BITS // 8, 'big'))}"

    def claims(self, token: str, kind: str) -> dict[str, Any]:
        """What a token of this kind (`typ`) says. Raises TokenError."""
        content, _, signature = token.rpartition(".")
        try:
            number = int.from_bytes(_bytes(signature), "big")
            claims: dict[str, Any] = json.loads(_bytes(content.split(".")[1]))
        except (ValueError, IndexError) as error:
            raise TokenError("the token is not a JWT") from error
        if pow(number, _EXPONENT, self.modulus) != _padded(content):
            raise TokenError("the token's signature is not ours")
        if claims.get("typ") != kind:
            raise TokenError(f"the token is of type {claims.get('typ')!r}, not {kind!r}")
        if claims["exp"] < time.time():
            raise TokenError("the token has expired")
        return claims


def _padded(content: str) -> int:
    """PKCS #1 version 1.5."""
    digest = _SHA256 + hashlib.sha256(content.encode()).digest()
    return int.from_bytes(b"\x00\x01" + b"\xff" * (_BITS // 8 - 3 - len(digest)) + b"\x00" + digest, "big")


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _prime(bits: int) -> int:
    while True:
        candidate = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(candidate % small for small in _SMALL) and all(_passes(candidate) for _ in range(20)):
            return candidate


def _passes(candidate: int) -> bool:
    """Miller and Rabin's test with one random base."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    value = pow(secrets.randbelow(candidate - 3) + 2, odd, candidate)
    if value in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % candidate
        if value == candidate - 1:
            return True
    return False
