"""One HTTPS call with a deadline for all of it, from this machine or through a host of the site.

The standard library's client: the name that is asked for and the address that is connected to are given apart, and
the connection may be a channel of our SSH line.
"""

import base64
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from components.hostrun.stream import NoStreamError, stream
from components.rest import error as say
from components.rest.access import Access

CONNECT = 15.0
"""Seconds for a connection, with SSH and TLS."""
_MOST = 32 << 20
"""Bytes of an answer; a longer one is none of ours."""
SAFE = frozenset({"GET", "PUT", "DELETE"})
"""Methods that may be repeated when it is not known whether they were carried out."""


@dataclass(frozen=True)
class Call:
    """What is asked."""

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    basic: bool = False
    """Name and password go with it, in place of a token."""
    limit: float = 30.0
    """Seconds, from the first packet to the last."""
    harmless: bool = False
    """A POST that may be repeated, such as a login."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def safe(self) -> bool:
        """Whether it may be repeated."""
        return self.harmless or self.method in SAFE

    def secrets(self) -> list[str]:
        """What of it no message may show."""
        found = [value for key, value in (self.form or {}).items() if key not in {"grant_type", "username"}]
        found += [
            str(value) for key, value in _pairs(self.body) if "password" in key.lower() or "secret" in key.lower()
        ]
        return [*found, self.token]


@dataclass(frozen=True)
class Reply:
    """An answer that is no error."""

    status: int
    data: Any = field(repr=False)
    """Its JSON; None if it has no body."""


class Answer(Exception):  # noqa: N818 - how an answer that is an error gets to the one who repeats
    """An answer of 400 or more."""

    def __init__(self, status: int, retry_after: str | None, error: say.RestError) -> None:
        super().__init__(status)
        self.status, self.retry_after, self.error = status, retry_after, error


def once(access: Access, call: Call) -> Reply:
    """Asks once. Raises Answer for an answer that is an error, DarkError if nothing was sent, else RestError."""
    connection = _connect(access, call)
    late = threading.Event()

    def cut() -> None:
        late.set()
        connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(call.limit, cut)
    timer.start()
    try:
        status, headers, content = _exchange(access, call, connection)
    except (OSError, http.client.HTTPException, ValueError) as error:
        over = late.is_set() or isinstance(error, TimeoutError)
        saw = f"no answer within {call.limit:g} s" if over else f"the connection ended ({_reason(error)})"
        raise say.no_answer(str(call), saw, safe=call.safe) from None
    finally:
        timer.cancel()
        connection.close()
    if status >= 400:
        raise Answer(
            status,
            {key.lower(): value for key, value in headers.items()}.get("retry-after"),
            _refused(access, call, status, content),
        )
    return Reply(status, _json(call, status, content))


def _connect(access: Access, call: Call) -> ssl.SSLSocket:
    host, port = access.address
    limit = min(CONNECT, call.limit)
    where = f"{host}:{port}" if access.server is None else f"{access.host} at {host}:{port}"
    try:
        plain = (
            stream(access.planes, host, port, limit) if access.planes else socket.create_connection((host, port), limit)
        )
    except (OSError, NoStreamError) as error:
        raise say.no_connection(str(call), where, _reason(error)) from None
    plain.settimeout(limit)
    try:
        context = ssl.create_default_context(cadata=access.ca)
        secure = context.wrap_socket(plain, server_hostname=access.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise say.bad_certificate(str(call), access.host, error.verify_message) from None
    except (OSError, ValueError) as error:
        plain.close()
        raise say.no_connection(str(call), where, f"no TLS ({_reason(error)})") from None
    secure.settimeout(call.limit)
    return secure


def _exchange(access: Access, call: Call, to: socket.socket) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection(access.host)
    connection.sock = to
    content = None
    headers = {"Host": access.netloc, "Accept": "application/json", "Connection": "close"}
    if call.form is not None:
        content = urlencode(call.form).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif call.body is not None:
        content = json.dumps(call.body).encode()
        headers["Content-Type"] = "application/json"
    if call.token:
        headers["Authorization"] = f"Bearer {call.token}"
    elif call.basic:
        pair = f"{access.username}:{access.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    path = f"{call.path}?{urlencode(call.query)}" if call.query else call.path
    connection.request(call.method, path, content, headers)
    answer = connection.getresponse()
    read = answer.read(_MOST + 1)
    if len(read) > _MOST:
        raise ValueError("the answer is too long")
    return answer.status, dict(answer.headers), read


def _json(call: Call, status: int, content: bytes) -> Any:  # noqa: ANN401
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except ValueError:
        fix = "look what answers at this address: it may be another program, or a page of the load balancer"
        error = say.RestError if call.safe else say.UnsureError
        raise error(str(call), f"{status} with {len(content)} bytes that are not JSON", fix) from None


def _refused(access: Access, call: Call, status: int, content: bytes) -> say.RestError:
    code, message = "", content.decode(errors="replace")
    try:
        body = json.loads(content)
    except ValueError:
        message = "" if "<" in message else message  # a page of a load balancer says nothing in one line
    else:
        if isinstance(body, dict):
            code = str(body.get("code") or body.get("error_code") or body.get("error") or "")
            said = [body.get(key) for key in ("message", "error_description", "details")]
            message = ": ".join(str(each) for each in said if each)
    secrets = [access.password, *call.secrets()]
    return say.refused(str(call), status, say.clean(code, secrets), say.clean(message, secrets), safe=call.safe)


def _pairs(of: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
    return list(of.items()) if isinstance(of, Mapping) else []


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
