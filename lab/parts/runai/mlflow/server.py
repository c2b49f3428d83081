"""The lab's stand-in of MLflow's tracking server 3.15 with its users (basic-auth): this is not MLflow.

It answers the documented calls about users, experiments and runs that a site and a training job need, and refuses what
the real one refuses of them. As the real command: `mlflow db upgrade URI`, `mlflow server OPTIONS`.
"""

import argparse
import base64
import json
import os
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lab.parts.runai.mlflow.kept import Body, Kept, Refused, invalid
from lab.parts.runai.mlflow.tracking import Tracking
from lab.parts.runai.mlflow.users import Users

SCHEMA = "3.15"
"""Of the database: a server does not start with that of another release."""
_API = "/api/2.0/mlflow/"
_lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Reads calls and writes answers."""

    protocol_version = "HTTP/1.1"
    users: Users
    tracking: Tracking
    hosts: frozenset[str]

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        if parts.path == "/health":
            self._send(200, b"OK")
            return
        if self.hosts and (self.headers["Host"] or "") not in self.hosts:
            self._send(403, b"Invalid Host header - possible DNS rebinding attack detected")
            return
        given: Body = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            with _lock:
                who = self._caller()
                body = json.loads(content) if content else given
                self._send(200, json.dumps(self._call(who, parts.path, body)).encode())
        except Refused as refused:
            self._send(refused.status, json.dumps(refused.body).encode())
        except (KeyError, ValueError) as error:
            self._send(400, json.dumps({"error_code": "BAD_REQUEST", "message": repr(error)}).encode())

    def _caller(self) -> str:
        try:
            text = base64.b64decode((self.headers.get("Authorization") or "").removeprefix("Basic ")).decode()
        except ValueError:
            text = ""
        name, _, password = text.partition(":")
        if not self.users.fits(name, password):
            raise Refused(401, "UNAUTHENTICATED", "You are not authenticated.")
        return name

    def _call(self, who: str, path: str, body: Body) -> Body:
        tracking = self.tracking
        known: dict[str, Callable[[], Body]] = {
            "GET users/get": lambda: self._shown(who, body),
            "GET users/current": lambda: {"user": self.users.shown(who)},
            "POST users/create": lambda: self._new(who, body),
            "PATCH users/update-password": lambda: self._password(who, body),
            "DELETE users/delete": lambda: self._remove(who, body),
            "POST experiments/create": lambda: tracking.create_experiment(who, body),
            "GET experiments/get-by-name": lambda: tracking.experiment(who, body),
            "POST runs/create": lambda: tracking.create_run(who, body),
            "POST runs/log-metric": lambda: tracking.log(who, body, "metrics"),
            "POST runs/log-parameter": lambda: tracking.log(who, body, "params"),
            "POST runs/update": lambda: tracking.end(who, body),
            "GET runs/get": lambda: tracking.run(who, body),
        }
        call = known.get(f"{self.command} {path.removeprefix(_API)}")
        if call is None:
            raise Refused(404, "ENDPOINT_NOT_FOUND", f"the stand-in has no {self.command} {path}")
        return call()

    def _alone(self, who: str) -> None:
        if not self.users.admin(who):
            raise Refused(403, "PERMISSION_DENIED", "Permission denied")

    def _shown(self, who: str, body: Body) -> Body:
        if who != body["username"]:
            self._alone(who)
        return {"user": self.users.shown(body["username"])}

    def _new(self, who: str, body: Body) -> Body:
        self._alone(who)
        return self.users.new(str(body["username"]), str(body["password"]))

    def _remove(self, who: str, body: Body) -> Body:
        self._alone(who)
        self.users.remove(str(body["username"]))
        return {}

    def _password(self, who: str, body: Body) -> Body:
        name = str(body["username"])
        if who != name:
            self._alone(who)
        elif not self.users.fits(name, str(body.get("current_password") or "")):
            raise invalid("Current password does not match.")
        self.users.set(self.users.one(name), str(body["password"]), admin=self.users.admin(name))
        return {}

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="mlflow"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - named by http.server


def database(uri: str) -> Kept:
    """The file of a store."""
    return Kept(Path("/", uri.removeprefix("sqlite:///").lstrip("/")))


def serve(words: list[str]) -> None:
    """Until it is ended; with users only, as the chart of the site wants it."""
    told = argparse.ArgumentParser("mlflow server")
    told.add_argument("--app-name", required=True, choices=["basic-auth"])
    for name in ("host", "port", "backend-store-uri", "artifacts-destination", "allowed-hosts", "cors-allowed-origins"):
        told.add_argument(f"--{name}", default="")
    given, env = told.parse_args(words), os.environ
    store = database(given.backend_store_uri)
    if store.data.setdefault("schema", SCHEMA) != SCHEMA:
        sys.exit("Detected out-of-date database schema. Take a backup, then run 'mlflow db upgrade <database_uri>'")
    if env["AUTH_DEFAULT_PERMISSION"] != "NO_PERMISSIONS":
        sys.exit("the stand-in knows the default permission NO_PERMISSIONS alone")
    Handler.users = Users(Kept(Path(env["AUTH_DATABASE"])), env["AUTH_ADMIN"], env["AUTH_PASSWORD"])
    Handler.tracking = Tracking(store, Handler.users, given.artifacts_destination)
    Handler.hosts = frozenset(filter(None, given.allowed_hosts.split(",")))
    ThreadingHTTPServer((given.host, int(given.port)), Handler).serve_forever()


def main(words: list[str]) -> None:
    """The command."""
    if words[:2] == ["db", "upgrade"] and len(words) == 3:
        store = database(words[2])
        store.data["schema"] = SCHEMA
        store.write()
    elif words[:1] == ["server"]:
        serve(words[1:])
    else:
        sys.exit("the lab's stand-in of MLflow knows: db upgrade URI, server OPTIONS")
