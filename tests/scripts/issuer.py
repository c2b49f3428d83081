"""An OIDC issuer at the lab's gateway: its two documents over HTTPS, and the tokens that it signs."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.hosts.inventory import GATEWAY
from tests.self_signed import self_signed


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(number: int) -> str:
    return _text(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class Issuer:
    """`authority` is the file that `caFile` wants."""

    url: str
    authority: Path
    key: rsa.RSAPrivateKey

    def token(self, audience: str, **claims: object) -> str:
        """One that is good for ten minutes."""
        now = int(time.time())
        body = {"iss": self.url, "aud": audience, "iat": now, "exp": now + 600, **claims}
        head = {"alg": "RS256", "kid": "lab"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, body))
        return f"{signed}.{_text(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def documents(self) -> dict[str, object]:
        numbers = self.key.public_key().public_numbers()
        jwk = {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": "lab",
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        found = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", "id_token_signing_alg_values_supported": ["RS256"]}
        return {"/.well-known/openid-configuration": found, "/keys": {"keys": [jwk]}}


@contextmanager
def issuer(folder: Path) -> Iterator[Issuer]:
    """Answers until the end; the folder gets its certificate and key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # One for both places: Go takes a second one of the same name and key for the first, and finds no authority.
    own = _certificate(key).public_bytes(pem)
    (folder / "both.pem").write_bytes(own + plain)
    (folder / "ca.pem").write_bytes(own)
    documents: dict[str, object] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in documents else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(documents.get(self.path)).encode())

        def log_message(self, *_: object) -> None:
            """pytest shows what the server says otherwise."""

    server = ThreadingHTTPServer((GATEWAY, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made = Issuer(f"https://{GATEWAY}:{server.server_address[1]}", folder / "ca.pem", key)
    documents.update(made.documents())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Its own authority."""
    authority = x509.BasicConstraints(ca=True, path_length=None)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address(GATEWAY))])
    return self_signed(key, "issuer of the lab", authority, here, last=1)
