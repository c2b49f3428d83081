"""Serves one folder over HTTP, and Debian's packages, in a process of its own: `web.py ADDRESS PORT FOLDER POOL`.

A package of debian/pool.json is fetched from the machine's mirror when it is first asked for; apt's own client knows
the machine's proxy, and compares the checksum.
"""

import json
import subprocess
import sys
import tempfile
from functools import lru_cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

PACKAGES = "/debian/pool/"


@lru_cache(maxsize=1)
def read(file: Path, made: int) -> dict[str, list[str]]:  # noqa: ARG001 - another file after each making
    """The table of packages: path → address at the mirror, SHA-256."""
    table: dict[str, list[str]] = json.loads(file.read_text())
    return table


class Handler(SimpleHTTPRequestHandler):
    """HTTP/1.1: apt asks for many files over one connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, pool: Path, directory: str) -> None:
        self.pool = pool
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]  # what the server gives

    def translate_path(self, path: str) -> str:
        """The file for a request; a package is fetched first, if there is one of that name."""
        if not path.startswith(PACKAGES):
            return super().translate_path(path)
        name = unquote(path.removeprefix("/debian/"))  # apt writes g%2b%2b
        file = Path(self.directory, "debian/pool.json")
        table = read(file, file.stat().st_mtime_ns)
        kept = self.pool / name
        if name not in table:
            return str(self.pool / "no-such-package")
        if not kept.exists():
            self._fetch(kept, *table[name])
        return str(kept)

    def _fetch(self, file: Path, uri: str, checksum: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.pool) as folder:
            new = Path(folder, "new")
            client = ["/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]
            for _ in range(3):
                done = subprocess.run([*client, "download-file", uri, str(new), f"SHA256:{checksum}"], check=False)
                if done.returncode == 0:
                    new.replace(file)
                    return


if __name__ == "__main__":
    address, port, folder, pool = sys.argv[1:]
    handler = partial(Handler, directory=folder, pool=Path(pool))
    ThreadingHTTPServer.request_queue_size = 128  # several hosts install at once
    ThreadingHTTPServer((address, int(port)), handler).serve_forever()
