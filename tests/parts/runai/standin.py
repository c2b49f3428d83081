"""The stand-in of Run:ai on loopback: its REST server as a process, with a PostgreSQL from Debian's packages."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lab.parts.runai import depot
from lab.tools.debian import unpacked
from tests.plugins.api_server import until

ROOT = Path(__file__).parents[3]
ADMIN, PASSWORD = "admin@runai.lab", "First!234"
_NOBODY = "65534"


@dataclass
class Backend:
    """A control plane that runs, and the token of who speaks."""

    port: int
    folder: Path
    database: int
    token: str = ""
    version: str = "3.0.0"
    limits: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Status and answer of a call."""
        bearer = self.token if token is None else token
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        data = None if body is None else json.dumps(body).encode()
        return self._send(urllib.request.Request(self.url + path, data, headers, method=method))  # noqa: S310

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a call that must succeed."""
        status, answer = self.ask(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def refused(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, str]:
        """Status and message of a call that must fail, with the documented body."""
        status, answer = self.ask(method, path, body, token=token)
        assert status >= 400, (method, path, status, answer)
        assert answer["code"] == status
        return status, answer["message"]

    def form(self, path: str, **fields: str) -> tuple[int, Any]:
        """Status and answer of a form."""
        return self._send(urllib.request.Request(self.url + path, urlencode(fields).encode()))  # noqa: S310

    def log_in(self, username: str = ADMIN, password: str = PASSWORD) -> str:
        """A token by name and password."""
        status, answer = self.form("/api/v2/token", grant_type="password", username=username, password=password)
        assert status == 200, answer
        return str(answer["access_token"])

    def _send(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text and text[:1] in b"{[" else text.decode()


@contextmanager
def database(folder: Path) -> Iterator[int]:
    """PostgreSQL as the image runs it; yields its port."""
    folder.mkdir()
    port = free()
    found = [unpacked(name) / place for name in (*depot.DATABASE, *depot.LIBRARIES) for place in ("usr/lib", "lib")]
    libraries = [str(path) for folder_ in found for path in folder_.glob("*-linux-gnu")]
    binaries = unpacked("postgresql-15") / "usr/lib/postgresql/15/bin"
    own = {"PGDATA": str(folder / "data"), "POSTGRES_PASSWORD": "secret", "LISTEN": "127.0.0.1", "PORT": str(port)}
    own |= {"SOCKETS": "", "BIN": str(binaries), "LD_LIBRARY_PATH": ":".join(libraries)}
    # PostgreSQL refuses to run as root; in a user namespace it sees another name, and may still read our files.
    other = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"] if os.geteuid() == 0 else []
    command = [*other, "sh", str(ROOT / "lab/parts/runai/postgres.sh")]
    with process(command, {**os.environ, **own}, folder / "postgres.log"):
        until(lambda: _accepts(folder / "postgres.log"), folder)
        yield port


@contextmanager
def server(folder: Path, port: int, version: str = "3.0.0", **limits: str) -> Iterator[Backend]:
    """The REST server on a database; yields it with the administrator's token."""
    own = free()
    env = {"RUNAI_VERSION": version, "RUNAI_DOMAIN": "runai.lab", "RUNAI_HOST": "127.0.0.1", "RUNAI_PORT": str(own)}
    env |= {"RUNAI_ADMIN": ADMIN, "RUNAI_ADMIN_PASSWORD": PASSWORD, "PGHOST": "127.0.0.1", "PGPORT": str(port)}
    env |= {"PGUSER": "postgres", "PGPASSWORD": "secret", "PGDATABASE": "backend", "PYTHONPATH": str(ROOT), **limits}
    command = [sys.executable, "-m", "lab.parts.runai.standin.server"]
    with process(command, {**os.environ, **env}, folder / "server.log"):
        backend = Backend(own, folder, port, version=version)
        until(lambda: backend.ask("GET", "/healthz")[0] == 200, folder)
        backend.token = backend.log_in()
        yield backend


@contextmanager
def backend(folder: Path, version: str = "3.0.0", **limits: str) -> Iterator[Backend]:
    """Both."""
    with ExitStack() as running:
        port = running.enter_context(database(folder / "postgresql"))
        yield running.enter_context(server(folder, port, version, **limits))


def free() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _accepts(log: Path) -> bool:
    return "ready to accept connections" in log.read_text()


@contextmanager
def process(command: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    """A program that runs until the end of the block, and not less."""
    with log.open("wb") as out:
        begun = subprocess.Popen(command, stdout=out, stderr=out, env=env)
    try:
        yield
        assert begun.poll() is None, log.read_text()[-2000:]
    finally:
        begun.terminate()
        try:
            begun.wait(10)
        except subprocess.TimeoutExpired:
            begun.kill()
            begun.wait()
