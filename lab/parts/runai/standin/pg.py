"""A small client of PostgreSQL's protocol: one connection, values as text, SCRAM-SHA-256 as the server asks for it."""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from dataclasses import dataclass

Row = dict[str, str | None]
UNIQUE_VIOLATION = "23505"


class SqlError(Exception):
    """PostgreSQL refuses a statement."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state
        """SQLSTATE, five characters."""


@dataclass(frozen=True)
class Address:
    """Where a database is, and who asks."""

    host: str
    port: int
    user: str
    password: str
    database: str


class Connection:
    """One connection. OSError means that it is lost: make a new one."""

    def __init__(self, address: Address, timeout: float = 5) -> None:
        self._socket = socket.create_connection((address.host, address.port), timeout)
        self._file = self._socket.makefile("rb")
        self._address = address
        names = f"user\0{address.user}\0database\0{address.database}\0\0".encode()
        self._socket.sendall(struct.pack("!ii", len(names) + 8, 196608) + names)
        self._authenticate()
        self._until_ready()

    def close(self) -> None:
        """Ends it."""
        self._file.close()
        self._socket.close()

    def query(self, sql: str, *values: str | None) -> list[Row]:
        """The rows of one statement with $1, $2, …. Raises SqlError, and OSError when the connection is lost."""
        bound = b"".join(_value(value) for value in values)
        self._socket.sendall(
            _message(b"P", b"\0" + sql.encode() + b"\0\0\0")
            + _message(b"B", b"\0\0\0\0" + struct.pack("!h", len(values)) + bound + b"\0\0")
            + _message(b"D", b"P\0")
            + _message(b"E", b"\0\0\0\0\0")
            + _message(b"S", b"")
        )
        return self._until_ready()

    def script(self, sql: str) -> None:
        """Several statements without values. Raises as query."""
        self._socket.sendall(_message(b"Q", sql.encode() + b"\0"))
        self._until_ready()

    def _until_ready(self) -> list[Row]:
        names: list[str] = []
        rows: list[Row] = []
        refusal: SqlError | None = None
        while True:
            kind, content = self._receive()
            if kind == b"T":
                names = _names(content)
            elif kind == b"D":
                rows.append(dict(zip(names, _row(content), strict=True)))
            elif kind == b"E":
                refusal = _refusal(content)
                if refusal.state.startswith(("57P", "08", "28")):  # it ends the connection, and says no more
                    raise ConnectionError(str(refusal))
            elif kind == b"Z":
                if refusal:
                    raise refusal
                return rows

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._file.read(5)
        if len(head) < 5:
            raise ConnectionError("PostgreSQL has closed the connection")
        length = struct.unpack("!i", head[1:])[0] - 4
        content = self._file.read(length)
        if len(content) < length:
            raise ConnectionError("PostgreSQL has closed the connection")
        return head[:1], content

    def _authenticate(self) -> None:
        scram = _Scram(self._address.password)
        while True:
            kind, content = self._receive()
            if kind == b"E":
                raise ConnectionError(str(_refusal(content)))
            (code,) = struct.unpack("!i", content[:4])
            if code == 0:
                return
            if code == 10:
                first = scram.first()
                name = b"SCRAM-SHA-256\0"
                self._socket.sendall(_message(b"p", name + struct.pack("!i", len(first)) + first))
            elif code == 11:
                self._socket.sendall(_message(b"p", scram.final(content[4:])))
            elif code == 12:
                scram.verify(content[4:])
            else:
                raise ConnectionError(f"PostgreSQL asks for authentication {code}, which is not SCRAM-SHA-256")


class _Scram:
    """RFC 5802 without channel binding. The user's name is that of the connection."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._bare = f"n=,r={secrets.token_urlsafe(18)}"
        self._signature = b""

    def first(self) -> bytes:
        return b"n,," + self._bare.encode()

    def final(self, challenge: bytes) -> bytes:
        fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
        salt, rounds = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        key = hmac.digest(salted, b"Client Key", "sha256")
        without = f"c=biws,r={fields['r']}"
        signed = f"{self._bare},{challenge.decode()},{without}".encode()
        proof = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(one ^ other for one, other in zip(key, proof, strict=True))
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return f"{without},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, answer: bytes) -> None:
        if answer != b"v=" + base64.b64encode(self._signature):
            raise ConnectionError("PostgreSQL does not know the password itself")


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def _value(value: str | None) -> bytes:
    if value is None:
        return struct.pack("!i", -1)
    text = value.encode()
    return struct.pack("!i", len(text)) + text


def _names(content: bytes) -> list[str]:
    names, at = [], 2
    for _ in range(struct.unpack("!h", content[:2])[0]):
        end = content.index(b"\0", at)
        names.append(content[at:end].decode())
        at = end + 19
    return names


def _row(content: bytes) -> list[str | None]:
    values: list[str | None] = []
    at = 2
    for _ in range(struct.unpack("!h", content[:2])[0]):
        (length,) = struct.unpack("!i", content[at : at + 4])
        at += 4
        values.append(None if length < 0 else content[at : at + length].decode())
        at += max(length, 0)
    return values


def _refusal(content: bytes) -> SqlError:
    fields = {part[:1]: part[1:].decode() for part in content.split(b"\0") if part}
    return SqlError(fields.get(b"C", ""), fields.get(b"M", ""))
