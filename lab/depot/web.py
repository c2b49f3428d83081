"""Serves one folder over HTTP, and Debian's packages, in a process of its own: `web.py ADDRESS PORT FOLDER POOL`.

A package of debian/pool.json is fetched from the machine's mirror when it is first asked for; apt's own client knows
the machine's proxy, and compares the checksum.
"""

import json
import subprocess
import sys
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PACKAGES = "/debian/pool/"


class Handler(SimpleHTTPRequestHandler):
    """HTTP/1.1: apt asks for many files over one connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, pool: Path, directory: str) -> None:
        self.pool = pool
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]  # what the server gives

    def translate_path(self, path: str) -> str:
        """Where the file of a request lies: a package is there afterwards, if there is one."""
        found = super().translate_path(path)
        if not path.startswith(PACKAGES):
            return found
        name = Path(found).relative_to(Path(self.directory, "debian")).as_posix()
        file = self.pool / name
        if not file.exists():
            self._fetch(name, file)
        return str(file)

    def _fetch(self, name: str, file: Path) -> None:
        table = json.loads(Path(self.directory, "debian/pool.json").read_text())
        if name not in table:
            return
        uri, checksum = table[name]
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.pool) as folder:
            new = Path(folder, "new")
            client = ["/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]
            done = subprocess.run([*client, "download-file", uri, str(new), f"SHA256:{checksum}"], check=False)
            if done.returncode == 0:
                new.replace(file)


if __name__ == "__main__":
    address, port, folder, pool = sys.argv[1:]
    handler = partial(Handler, directory=folder, pool=Path(pool))
    ThreadingHTTPServer((address, int(port)), handler).serve_forever()
