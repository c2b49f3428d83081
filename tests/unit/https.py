"""An HTTPS server in this process, with a CA of its own, that can be told to answer badly."""

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.rest.access import Access

NAME = "api.site.example"
PASSWORD = "canary-Passw0rd!"
Answer = tuple[int, Any]


@dataclass(frozen=True)
class Asked:
    """One call as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: str
    host: str


@dataclass
class Fault:
    """What goes wrong with the next calls that match: a status, `cut` before, or `late` after they were carried out."""

    match: str
    how: int | Literal["cut", "late", "hang"]
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


class Server:
    """Answers by `handler`, after the faults."""

    def __init__(self, handler: Callable[[Asked], Answer]) -> None:
        self.handler = handler
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.port = 0

    @property
    def calls(self) -> list[str]:
        """Method and path of each call."""
        return [f"{each.method} {each.path}" for each in self.asked]

    def fault(self, match: str, how: int | Literal["cut", "late", "hang"], times: int = 1, **more: Any) -> None:
        """Lets the next calls go wrong."""
        self.faults.append(Fault(match, how, times, **more))

    def access(self, **more: Any) -> Access:
        """How to reach it."""
        return Access(
            **{
                "url": f"https://{NAME}",
                "username": "admin@site.example",
                "password": PASSWORD,
                "server": f"127.0.0.1:{self.port}",
                "ca": authority()[0],
                **more,
            }
        )

    def take(self, asked: Asked) -> Fault | None:
        """The fault for a call."""
        self.asked.append(asked)
        for fault in self.faults:
            if fault.times and re.search(fault.match, f"{asked.method} {asked.path}"):
                fault.times -= 1
                return fault
        return None


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that trusts us not ends the connection."""


@contextmanager
def https(handler: Callable[[Asked], Answer], folder: Path, name: str = NAME, port: int = 0) -> Iterator[Server]:
    """The server on 127.0.0.1, on a free port or the given one, with a certificate for `name`."""
    server = Server(handler)
    httpd = _Quiet(("127.0.0.1", port), _handler(server))
    httpd.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = folder / f"{name}.pem"
    pem.write_text(certificate(name))
    context.load_cert_chain(pem)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
    server.port = httpd.server_address[1]
    thread = threading.Thread(target=lambda: httpd.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            kind = self.headers.get("Content-Type") or ""
            form = {key: values[-1] for key, values in parse_qs(content.decode()).items()}
            body = form if "urlencoded" in kind else json.loads(content) if content else None
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            asked = Asked(self.command, parts.path, query, body, token, self.headers["Host"])
            fault = server.take(asked)
            if fault and isinstance(fault.how, int):
                said = fault.body or {"code": fault.how, "message": f"fault {fault.how}"}
                self._send(fault.how, said, fault.headers)
                return
            if fault is None or fault.how == "late":
                status, answer = server.handler(asked)
                if fault is None:
                    self._send(status, answer, {})
                    return
            if fault.how == "hang":
                threading.Event().wait(5)
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the base class calls them so

        def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
            content = b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@cache
def authority() -> tuple[str, ec.EllipticCurvePrivateKey, x509.Name]:
    """A CA: its certificate in PEM, its key and its name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Site CA")])
    made = _signed(name, key.public_key(), key, name, [x509.BasicConstraints(ca=True, path_length=None)])
    return made.public_bytes(serialization.Encoding.PEM).decode(), key, name


@cache
def certificate(name: str) -> str:
    """A certificate for a name, and its key, in PEM."""
    _, signer, issuer = authority()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = _signed(issuer, key.public_key(), signer, subject, [x509.SubjectAlternativeName([x509.DNSName(name)])])
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode() + made.public_bytes(serialization.Encoding.PEM).decode()


def _signed(
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    extensions: list[Any],
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer, subject, public, x509.random_serial_number(), now, now + timedelta(days=1)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=isinstance(each, x509.BasicConstraints))
    return builder.sign(signer, hashes.SHA256())
