"""Asks an API server for one object, each time by a new connection, until a line comes on stdin; run as a module.

usage: python -m tests.lab.asker KUBECONFIG [DEPLOYMENT]
With the name of a Deployment in the namespace default, it asks for that one: it is to have a pod that is available.
stdout: how often it has asked, the seconds of the longest answer, then a line for each time that it got no answer,
another object, or no pod was available
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

NAMESPACE, DEPLOYMENTS = "/api/v1/namespaces/kube-system", "/apis/apps/v1/namespaces/default/deployments"
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


def failure(place: str, trusted: ssl.SSLContext, path: str) -> str | None:
    """Why one request got no answer; None if it did."""
    connection = http.client.HTTPSConnection(place, timeout=LIMIT, context=trusted)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.read()
        if answer.status != http.client.OK:
            return f"{answer.status} {found[:200]!r}"
        seen = json.loads(found)
        if seen["metadata"]["name"] != path.rpartition("/")[2]:
            return f"another object: {found[:200]!r}"
        return None if path == NAMESPACE or seen["status"].get("availableReplicas") else "no pod is available"
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


def main() -> None:
    """Runs until it is told to stop."""
    config = json.loads(Path(sys.argv[1]).read_text())
    place, trusted = urlsplit(config["clusters"][0]["cluster"]["server"]).netloc, context(config)
    path = f"{DEPLOYMENTS}/{sys.argv[2]}" if len(sys.argv) > 2 else NAMESPACE
    asked, slowest, failed = 0, 0.0, []
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        begun = time.monotonic()
        asked += 1
        why = failure(place, trusted, path)
        slowest = max(slowest, took := time.monotonic() - begun)
        if why:
            failed.append(f"{time.strftime('%T')} after {took:.1f} s: {why}")
    sys.stdout.write("".join(f"{line}\n" for line in [str(asked), f"{slowest:.1f}", *failed]))


if __name__ == "__main__":
    main()
