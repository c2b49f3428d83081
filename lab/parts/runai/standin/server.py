"""The control plane's REST server: `python3 -m lab.parts.runai.standin.server`, set up by its environment.

RUNAI_VERSION, RUNAI_DOMAIN, RUNAI_PORT; RUNAI_ADMIN and RUNAI_ADMIN_PASSWORD of the first administrator; PGHOST,
PGPORT, PGUSER, PGPASSWORD, PGDATABASE; for tests RUNAI_TOKEN_SECONDS, RUNAI_BOOTSTRAP_SECONDS, RUNAI_SILENCE_SECONDS.
"""

import contextlib
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.parts.runai.standin import accounts, client, clusters, grants, pg, releases, rules, sync, units
from lab.parts.runai.standin.keys import Key
from lab.parts.runai.standin.store import Store, UnavailableError
from lab.parts.runai.standin.web import ADMIN, CLUSTER, OPEN, App, Call, Plain, RefusedError, Route

PAGE = """<!doctype html><html lang="en"><title>Stand-in of Run:ai</title><h1>This is not Run:ai</h1>
<p>A stand-in of gpu-metal's lab for the control plane of NVIDIA Run:ai {version}: it answers the documented calls of
its REST API, and has no user interface.</p></html>
"""
ROUTES = [
    *(*grants.ROUTES, *accounts.ROUTES, *clusters.ROUTES, *units.ROUTES, *rules.ROUTES, *sync.ROUTES, *client.ROUTES),
    Route("GET", "/", lambda call: (200, Plain(PAGE.format(version=call.app.version), "text/html")), OPEN),
    Route("GET", "/healthz", lambda _call: (200, Plain("ok\n")), OPEN),
]
_lock = threading.Lock()
"""One call at a time: there is one connection to the database."""


def answered(call: Call, method: str, path: str) -> tuple[int, Any]:
    """The answer to a call. Raises RefusedError."""
    there = [(route, open_parts) for route in ROUTES if (open_parts := route.matches(path)) is not None]
    if not there:
        raise RefusedError(404, f"the stand-in has no {path}")
    for route, open_parts in there:
        if route.method == method:
            call.path = open_parts
            _admit(call, route.who)
            return route.handler(call)
    raise RefusedError(405, f"{path} has no {method}")


def _admit(call: Call, who: str) -> None:
    if who == OPEN:
        return
    if not call.token:
        raise RefusedError(401, "Unauthorized: no bearer token")
    call.caller = grants.caller(call.app, call.token)
    if who == ADMIN and not call.caller["admin"]:
        raise RefusedError(403, f"Forbidden: {call.caller['name']} is no {accounts.ADMINISTRATOR} of the tenant")
    if who == CLUSTER and call.caller["id"] != call.path[0]:
        raise RefusedError(403, f"Forbidden: {call.caller['name']} is not that cluster's agent")


class Handler(BaseHTTPRequestHandler):
    """Reads calls and writes answers."""

    app: App
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            with _lock, self.app.store.transaction():
                status, body = self._call(content)
        except RefusedError as refusal:
            status, body = refusal.status, refusal.body()
        except UnavailableError as unavailable:
            status, body = 503, {"code": 503, "message": f"Service UnavailableError: {unavailable}"}
        except Exception as error:
            sys.stderr.write(f"{self.command} {self.path}: {error!r}\n")
            status, body = 500, {"code": 500, "message": f"Internal Server Error: {type(error).__name__}"}
        self._send(status, body)

    def _call(self, content: bytes) -> tuple[int, Any]:
        address = urlsplit(self.path)
        body: Any = content
        if content and "json" in self.headers.get("Content-Type", ""):
            try:
                body = json.loads(content)
            except ValueError as error:
                raise RefusedError(400, f"the body is not JSON: {error}") from error
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        query = parse_qs(address.query)
        call = Call(self.app, (), query, body if content else None, token if kind.lower() == "bearer" else "")
        return answered(call, self.command, address.path)

    def _send(self, status: int, body: object) -> None:
        plain = body if isinstance(body, Plain) else Plain("" if body is None else json.dumps(body), "application/json")
        content = plain.text.encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", plain.kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - named by http.server

    def log_message(self, format: str, *args: object) -> None:
        """One line for each call, but for those of probes."""
        if self.path != "/healthz":
            sys.stderr.write(f"{format % args}\n")


def started(store: Store, version: str, admin: tuple[str, str]) -> Key:
    """Prepares the database, and returns the key that it keeps. Raises ValueError for data that may not be upgraded."""
    with store.transaction():
        before = store.setting("version")
        if before and (refused := releases.refused(before, version)):
            raise ValueError(refused)
        kept = json.loads(store.setting("key") or "null")
        key = Key(**kept) if kept else Key.new()
        store.set("key", json.dumps({"modulus": key.modulus, "private": key.private}))
        store.set("version", version)
        accounts.first_admin(store, *admin)
    return key


def main() -> None:
    """Serves until it is ended."""
    env = os.environ
    port = int(env.get("PGPORT", "5432"))
    address = pg.Address(env["PGHOST"], port, env["PGUSER"], env["PGPASSWORD"], env["PGDATABASE"])
    store, version = Store(address), env["RUNAI_VERSION"]
    while True:
        try:
            key = started(store, version, (env["RUNAI_ADMIN"], env["RUNAI_ADMIN_PASSWORD"]))
            break
        except UnavailableError as unavailable:
            sys.stderr.write(f"waits for PostgreSQL: {unavailable}\n")
            time.sleep(1)
        except ValueError as error:
            sys.exit(f"runai-backend: {error}")
    limits = {
        f"{name}_seconds": int(env[f"RUNAI_{name.upper()}_SECONDS"])
        for name in ("token", "bootstrap", "silence")
        if f"RUNAI_{name.upper()}_SECONDS" in env
    }
    Handler.app = App(store, key, env["RUNAI_DOMAIN"], version, **limits)
    ThreadingHTTPServer((env.get("RUNAI_HOST", ""), int(env.get("RUNAI_PORT", "8080"))), Handler).serve_forever()


if __name__ == "__main__":
    main()
