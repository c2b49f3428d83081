"""The stand-in of Rancher: `python3 -m lab.parts.rancher.standin.server`, in a pod of the chart.

CATTLE_VERSION; RANCHER_HTTP and RANCHER_HTTPS, its two ports; RANCHER_TLS, a folder with tls.crt and tls.key.
"""

import contextlib
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab.kube import Kube, KubeError
from lab.parts.rancher.standin import admission, builtin, controller, people, sessions, settings
from lab.parts.rancher.standin.norman import Answer, Call, Handler, RefusedError

PAGE = """<!doctype html><html lang="en"><title>Stand-in of Rancher</title><h1>This is not Rancher</h1>
<p>A stand-in of gpu-metal's lab for Rancher: it answers a part of the documented calls, and has no user interface.</p>
</html>
"""
WHAT = "stand-in of Rancher"
LOGINS = {("/v1-public/login", ""), ("/v3-public/localproviders/local", "login")}
ROUTES: dict[tuple[str, str, bool, str], Handler] = {
    ("GET", "users", False, ""): people.listed,
    ("POST", "users", False, ""): people.create,
    ("POST", "users", False, "changepassword"): people.change_password,
    ("GET", "users", True, ""): people.one,
    ("PUT", "users", True, ""): people.edit,
    ("DELETE", "users", True, ""): people.remove,
    ("POST", "users", True, "setpassword"): people.set_password,
    ("GET", "settings", False, ""): settings.listed,
    ("GET", "settings", True, ""): settings.one,
    ("PUT", "settings", True, ""): settings.edit,
    ("GET", "tokens", False, ""): sessions.listed,
    ("POST", "tokens", False, ""): sessions.create,
    ("POST", "tokens", False, "logout"): sessions.logout,
    ("GET", "tokens", True, ""): sessions.one,
    ("DELETE", "tokens", True, ""): sessions.remove,
}
"""Method, type, whether of one resource, action."""


def answered(kube: Kube, method: str, target: str, bearer: str, content: Any) -> Answer:  # noqa: ANN401 - JSON
    """The answer to a call. Raises RefusedError and KubeError."""
    address = urlsplit(target)
    query = dict(parse_qsl(address.query))
    action = query.pop("action", "").lower()
    if method == "POST" and (address.path.lower(), action) in LOGINS:
        return sessions.login(kube, content)
    session, user, admin = sessions.caller(kube, bearer)
    version, _, rest = address.path.strip("/").partition("/")
    kind, _, name = rest.partition("/")
    kinds = {route[1] for route in ROUTES}
    if version != "v3" or kind.lower() not in kinds or "/" in name:
        raise RefusedError("NotFound", f"the stand-in has no {address.path}")
    handler = ROUTES.get((method, kind.lower(), bool(name), action))
    if handler is None:
        raise RefusedError("ActionNotAvailable" if action else "MethodNotAllow", f"{method} {target}")
    body = content if isinstance(content, dict) else {}
    return handler(Call(kube, name, action, query, body, user, admin, session))


class Listener(BaseHTTPRequestHandler):
    """Reads calls and writes answers."""

    kube: Kube
    protocol_version = "HTTP/1.1"
    timeout = 120
    """Seconds until a connection that nothing comes over is closed."""

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if self.command == "GET" and path in ("/", "/ping", "/healthz"):
            self._send(200, PAGE if path == "/" else {"/ping": "pong", "/healthz": "ok"}[path])
            return
        try:
            self._send(*self._call(path, content))
        except RefusedError as refusal:
            self._send(refusal.status, refusal.body())
        except KubeError as error:
            code = {404: "NotFound", 409: "Conflict", 400: "InvalidBodyContent"}.get(error.status, "ServerError")
            self._send(RefusedError(code).status, RefusedError(code, str(error)).body())

    def _call(self, path: str, content: bytes) -> tuple[int, Any]:
        try:
            body = json.loads(content or b"null")
        except ValueError as error:
            raise RefusedError("InvalidBodyContent", f"the body is not JSON: {error}") from error
        if path.startswith("/v1/webhook/"):
            return 200, admission.reviewed(self.kube, path, body)
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return answered(self.kube, self.command, self.path, token if kind.lower() == "bearer" else "", body)

    def _send(self, status: int, body: object) -> None:
        page = isinstance(body, str)
        content = str(body).encode() if page else b"" if body is None else json.dumps(body).encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("X-Gpu-Metal-Lab", WHAT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - named by http.server

    def log_message(self, format: str, *args: object) -> None:
        """One line for each call, but for those of probes and of the API server."""
        if self.path not in ("/ping", "/healthz") and not self.path.startswith("/v1/webhook/"):
            sys.stderr.write(f"{format % args}\n")


class Plain(ThreadingHTTPServer):
    """Without TLS."""

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - of the standard library
        """Handles one connection, which its other end may break."""
        with contextlib.suppress(OSError):
            super().finish_request(request, client_address)


class Secure(Plain):
    """With TLS; the handshake is left to the connection's own thread."""

    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - of the standard library
        """Handles one connection."""
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)


def serve(kube: Kube, http: int, https: int, tls: str, host: str = "") -> list[Plain]:
    """Starts both servers, each in a thread; returns them, so that they can be ended."""
    handler = type("Bound", (Listener,), {"kube": kube})
    plain, secure = Plain((host, http), handler), Secure((host, https), handler)
    secure.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.context.load_cert_chain(f"{tls}/tls.crt", f"{tls}/tls.key")
    for each in (plain, secure):
        each.daemon_threads = True
        threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 3600}, daemon=True).start()
    return [plain, secure]


def main() -> None:
    """Serves until it is ended."""
    env, kube = os.environ, Kube.inside()
    builtin.begin(kube, env["CATTLE_VERSION"])
    serve(kube, int(env["RANCHER_HTTP"]), int(env["RANCHER_HTTPS"]), env["RANCHER_TLS"])
    controller.run(kube, threading.Event())


if __name__ == "__main__":
    main()
