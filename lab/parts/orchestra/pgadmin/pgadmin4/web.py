"""The stand-in's web server: /misc/ping, and POST /login with an address and a password, a line each, in its body."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from . import config, setup


class Page(BaseHTTPRequestHandler):
    """Answers 200, or 401 for a login that is not there."""

    def do_GET(self) -> None:
        """`/misc/ping`, as pgAdmin answers it."""
        self._say(200, "PING" if self.path == "/misc/ping" else "The lab's stand-in of pgAdmin")

    def do_POST(self) -> None:
        """A login."""
        email, password = self.rfile.read(int(self.headers["Content-Length"])).decode().split("\n")[:2]
        asked = "SELECT password FROM user WHERE username = ? AND active AND NOT locked"
        row = setup.there().execute(asked, (email,)).fetchone()
        right = row and setup.hashed(password, bytes.fromhex(row[0].split("$")[0])) == row[0]
        self._say(200 if right else 401, "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def main() -> None:
    """Serves, in server mode only."""
    if not config.SERVER_MODE or not Path(config.SQLITE_PATH).exists():
        raise SystemExit("the stand-in runs in server mode, after setup-db")
    at = (config.DEFAULT_SERVER, config.DEFAULT_SERVER_PORT)
    sys.stdout.write(f"Starting pgAdmin 4. Please navigate to http://{at[0]}:{at[1]} in your browser.\n")
    ThreadingHTTPServer(at, Page).serve_forever()
