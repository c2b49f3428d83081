"""Asks an API server for one object, each time by a new connection, until a line comes on stdin; run as a module.

usage: python -m tests.lab.asker KUBECONFIG
stdout: how often it has asked, then a line for each time that it got no answer, or not that object
"""

import base64
import http.client
import json
import select
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATH = "/api/v1/namespaces/kube-system"
PAUSE, LIMIT = 0.2, 10.0
"""Seconds from one to the next, and for one."""


def context(config: dict[str, Any]) -> ssl.SSLContext:
    """Trusts the cluster's authority, and has the user's certificate."""
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    made = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pair:
        for key in ("client-certificate-data", "client-key-data"):
            pair.write(base64.b64decode(user[key]))
        pair.flush()
        made.load_cert_chain(pair.name)
    return made


def failure(place: str, trusted: ssl.SSLContext) -> str | None:
    """Why one request got no answer; None if it did."""
    connection = http.client.HTTPSConnection(place, timeout=LIMIT, context=trusted)
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        found = answer.read()
        if answer.status != http.client.OK:
            return f"{answer.status} {found[:200]!r}"
        return None if json.loads(found)["metadata"]["name"] == "kube-system" else f"another object: {found[:200]!r}"
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


def main() -> None:
    """Runs until it is told to stop."""
    config = json.loads(Path(sys.argv[1]).read_text())
    place, trusted = urlsplit(config["clusters"][0]["cluster"]["server"]).netloc, context(config)
    asked, failed = 0, []
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        begun = time.monotonic()
        asked += 1
        if why := failure(place, trusted):
            failed.append(f"{time.strftime('%T')} after {time.monotonic() - begun:.1f} s: {why}")
    sys.stdout.write("".join(f"{line}\n" for line in [str(asked), *failed]))


if __name__ == "__main__":
    main()
