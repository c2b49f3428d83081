"""Several control planes behind an address that moves between them: their site, and what others see of them."""

import base64
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.hosts import faults
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from lab.tools.catalogue import ETCD_TOOLS
from tests.lab.stack import ROOT, Stack, on, until
from tools.get import get

PLANES = ("rack-1", "rack-2", "rack-4")
ADDRESS = "10.213.77.201"
PORT = 8443
SHARE = "/mnt/backups"
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--request-timeout=20s"]
_KEPT = {"domain", "knownHosts", "ssh", "os", "minimum", "repositories", "engine", "kubernetes", "network"}
_ARCHIVE = "/root/etcd.tar.gz"
_SHARED = f"""
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && apt-get install -qy age bindfs
mkdir -p /srv/share {SHARE}
echo '/srv/share {SHARE} fuse.bindfs defaults 0 0' >>/etc/fstab
mount {SHARE}
"""


def fresh(name: str) -> None:
    """The host as after its installation, with a share for backups and etcd's release archive."""
    hosts.reset(lab_host(name))
    on(name, ["bash", "-c", _SHARED], limit=300)
    faults.run_in(lab_host(name), ["sh", "-c", f"base64 -d >{_ARCHIVE}"], stdin=base64.b64encode(archive()).decode())


def archive() -> bytes:
    """etcd's programs, as etcd releases them; always the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ETCD_TOOLS.binaries:
            tar.add(get(ETCD_TOOLS) / name, f"etcd-v{ETCD_TOOLS.version}-linux-amd64/{name}")
    return gzip.compress(out.getvalue(), compresslevel=1, mtime=0)


def site_of(folder: Path, workers: Sequence[str] = ()) -> dict[str, Any]:
    """The dev site's settings on the control planes: Secrets encrypted by key a, backups for a key in `folder`."""
    whole = YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    site = {key: value for key, value in whole.items() if key in _KEPT}
    site["hosts"] = {name: {"address": lab_host(name).address, "roles": ["control-plane"]} for name in PLANES}
    site["hosts"] |= {name: {"address": lab_host(name).address} for name in workers}
    made = on(PLANES[0], ["age-keygen"])
    _key_of(folder).write_text(made)
    recipient = made.split("# public key: ")[1].split()[0]
    site["kubernetes"] |= {
        "virtualAddress": {"address": ADDRESS},
        "encryption": {"keys": [key("a")]},
        "backup": {
            "folder": SHARE,
            "recipients": [recipient],
            "tools": {"file": _ARCHIVE, "sha256": sha256(archive()).hexdigest()},
        },
    }
    return site


def key(name: str) -> dict[str, str]:
    """A key of Secrets, as the site names it."""
    return {"name": name, "keySecret": f"secretsKey{name.upper()}"}


def _key_of(folder: Path) -> Path:
    """The private key that opens backups: whoever runs the site has it, and no host."""
    return folder / "backup.key"


def created(folder: Path, workers: Sequence[str] = ()) -> Stack:
    """The stack of that site, with the keys a and b of Secrets; not up yet."""
    made = Stack("planes", folder)
    made.create(site_of(folder, workers))
    for name in "ab":
        made.tell(f"secretsKey{name.upper()}", base64.b64encode(os.urandom(32)).decode())
    return made


def kubectl(plane: str, *words: str) -> str:
    """As the cluster's administrator there."""
    return on(plane, [*KUBECTL, *words], limit=120)


def holders() -> list[str]:
    """Who has the address."""
    return [name for name in PLANES if ADDRESS in on(name, ["ip", "-o", "-4", "address"])]


def holder() -> str:
    """The one that has the address. Somebody takes it some seconds after the first API server is well."""
    until(lambda: len(holders()) == 1, what="one has the address", limit=60)
    return holders()[0]


def _etcd(plane: str, question: str, data: str) -> Any:
    pki = "/etc/kubernetes/pki/etcd"
    words = ["curl", "-s", "--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/server.crt", "--key", f"{pki}/server.key"]
    return json.loads(on(plane, [*words, f"https://127.0.0.1:2379/v3/{question}", "--data", data]))


def members(plane: str) -> set[str]:
    """Names of etcd's members, all of which vote."""
    found = _etcd(plane, "cluster/member/list", "{}")["members"]
    assert not [each for each in found if each.get("isLearner")]
    return {each["name"] for each in found}


def stored(plane: str, secret: str) -> str:
    """How etcd there has a Secret of the namespace default: the first characters."""
    path = base64.b64encode(f"/registry/secrets/default/{secret}".encode()).decode()
    [found] = _etcd(plane, "kv/range", json.dumps({"key": path}))["kvs"]
    return base64.b64decode(found["value"])[:24].decode(errors="replace")


def read(plane: str, secret: str) -> str:
    """What this control plane's own API server reads in a Secret."""
    own = ("--server", f"https://{lab_host(plane).address}:6443")
    return base64.b64decode(kubectl(plane, *own, "get", "secret", secret, "-o", "jsonpath={.data.p}")).decode()


def all_ready() -> bool:
    """Whether every haproxy has all API servers: then one may go."""
    ask = "curl -sk -o /dev/null -w '%{{http_code}} ' --max-time 3 https://{}:{}/readyz"
    places = [(lab_host(name).address, port) for name in PLANES for port in (6443, PORT)]
    said = on(PLANES[0], ["bash", "-c", "; ".join(ask.format(*place) for place in places) + "; true"])
    return said.split() == ["200"] * len(places)


def restored(plane: str, stack: Stack) -> str:
    """Restores the last backup of this control plane; returns what was said."""
    last = on(plane, ["bash", "-c", f"ls {SHARE}/{plane}-*.age | tail -n 1"]).strip()
    words, key = ["gpu-metal-restore", last], _key_of(stack.folder).read_text()
    return faults.run_in(lab_host(plane), words, stdin=key, deadline=900).stdout


class Asker:
    """Reads an object through the address all the time, each time by a new connection."""

    def __init__(self, folder: Path, plane: str, *more: str) -> None:
        """`more`: words of tests.lab.asker after the kubeconfig."""
        config = YAML(typ="safe").load(on(plane, ["cat", "/etc/kubernetes/admin.conf"]))
        (folder / "asker.json").write_text(json.dumps(config))
        self.words = [sys.executable, "-m", "tests.lab.asker", str(folder / "asker.json"), *more]

    def __enter__(self) -> "Asker":
        self.process = subprocess.Popen(self.words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        said = self.process.communicate("stop\n", timeout=60)[0]
        lines = said.splitlines()
        self.asked, self.slowest, self.failed = int(lines[0]), float(lines[1]), lines[2:]
