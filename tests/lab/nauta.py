"""The hosts of Nauta's guide in the lab, with what is around them, and what their cluster and shares answer."""

import contextlib
import http.client
import json
import shlex
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.hosts import faults
from lab.hosts import lab as hosts
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE
from lab.hosts.inventory import host as lab_host
from tests.lab.names import name_server
from tests.lab.nauta_site import (
    ADDRESS,
    DOMAIN,
    MASTER,
    NAMES,
    PASSWORD,
    PLACES,
    PROXIES,
    SOCKS,
    WORKERS,
    config,
    inventory,
)
from tests.lab.stack import Stack, on, password_only, until
from tests.parts.ingress.unit.signed import certificate
from tests.scripts.net_peers import socks_server, web_server

OUTSIDE = "http://outside.example.com/file"
"""What only the proxies know."""
DISK = "/var/lib/docker/disk.img"
"""On a folder that is no overlay."""
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
_LOOPS = "for n in {0..31}; do [ -e /dev/loop$n ] || mknod /dev/loop$n b 7 $n; done; mknod /dev/loop-control c 10 237"


def certified(stack: Stack) -> None:
    """A certificate of the site's names, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    (stack.folder / "site.pem").write_text(certificate(key, days=90, domain=DOMAIN))
    stack.tell("ingressKey", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@dataclass
class Lab:
    """The site, and what its proxies were asked for."""

    stack: Stack
    seen: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    """By each of PROXIES."""
    sent: list[str] = field(default_factory=list)
    """By redsocks: `ADDRESS:PORT`."""


@contextlib.contextmanager
def begun(folder: Path) -> Iterator[Lab]:
    """Bare hosts, and the two files of the guide in the folder."""
    hosts.serve(lambda _: None)
    with ThreadPoolExecutor(len(PLACES)) as pool:
        list(pool.map(lambda place: hosts.reset(lab_host(place)), PLACES.values()))
    device = prepared()
    (folder / "inventory").write_text(inventory(device))
    (folder / "config.yml").write_text(config())
    found = Lab(Stack("nauta", folder))
    with contextlib.ExitStack() as around:
        for address in NAMES:  # they know no name, and say so
            listens(address)
            around.enter_context(name_server(address))
        around.enter_context(socks_server(SOCKS, found.sent))
        for proxy, seen in zip(PROXIES, found.seen, strict=True):
            around.enter_context(web_server(int(proxy.rpartition(":")[2]), {OUTSIDE: 200}, seen))
        yield found
        for address in NAMES:
            silent(address)
    run("losetup", "--detach", device)  # it is the machine's own: it would outlive its host
    for place in PLACES.values():
        hosts.stop(lab_host(place), grace=0)


def listens(address: str) -> None:
    """This machine has the address of a name server."""
    run("ip", "address", "replace", f"{address}/32", "dev", BRIDGE)


def silent(address: str) -> None:
    """Nothing has it any more."""
    run("ip", "address", "delete", f"{address}/32", "dev", BRIDGE)


def prepared() -> str:
    """Hosts that take passwords only, workers that only the master reaches by SSH, and the master's empty disk."""
    for place in PLACES.values():
        password_only(place, PASSWORD)
    for name in WORKERS:
        faults.only_from(lab_host(PLACES[name]), 22, lab_host(PLACES[MASTER]).address)
    attach = f"{_LOOPS}; truncate -s 1G {DISK}; losetup --find --show {DISK}"
    return on(PLACES[MASTER], ["bash", "-ec", attach]).strip()


def kubectl(*words: str) -> Any:
    """What the API server says, as JSON."""
    return json.loads(on(PLACES[MASTER], ["sh", "-c", f"{KUBECTL} {shlex.join(words)} -o json"], limit=180))


def ready() -> set[str]:
    """Names of the nodes that are Ready."""
    return {
        node["metadata"]["name"]
        for node in kubectl("get", "nodes")["items"]
        if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    }


def named(kind: str, namespace: str = "default") -> set[str]:
    """The names of all objects of a kind."""
    return {each["metadata"]["name"] for each in kubectl("get", kind, "-n", namespace)["items"]}


def administer(words: str, limit: float = 180) -> str:
    """What kubectl prints, as root on the master."""
    return on(PLACES[MASTER], ["bash", "-c", f"{KUBECTL} {words}"], limit=limit)


def apply(thing: Mapping[str, Any]) -> None:
    """Makes it, or changes it."""
    administer(f"apply -f - <<'END'\n{json.dumps(thing)}\nEND")


def pod(namespace: str, name: str, command: str, *, user: int = 1000, **spec: Any) -> dict[str, Any]:
    """A pod that runs a command in busybox, with the volumes of `volumes_of` where the namespace has them."""
    mounts = [{"name": each, "mountPath": f"/mnt/{each}"} for each in ("input", "output")]
    claims = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in ("input", "output")]
    container = {"name": "main", "image": "registry.k8s.io/busybox:1.36", "command": ["sh", "-c", command]}
    found = spec.pop("volumes", claims)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsUser": user, "runAsGroup": user},
            "containers": [{**container, "volumeMounts": mounts if found is claims else []}],
            "volumes": found,
            **spec,
        },
    }


def ran(thing: dict[str, Any]) -> str:
    """What such a pod prints, once it has ended."""
    name, namespace = thing["metadata"]["name"], thing["metadata"]["namespace"]
    apply(thing)
    until(lambda: phase(name, namespace) in {"Succeeded", "Failed"}, what=f"pod {name}", limit=240, pause=1)
    return administer(f"-n {namespace} logs {name}")


def phase(name: str, namespace: str) -> str:
    """The pod's."""
    return str(kubectl("get", "pod", name, "-n", namespace)["status"]["phase"])


def page(name: str, path: str = "/", login: str = "") -> str:
    """What the ingress answers under a name of the site's domain."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(ADDRESS, timeout=20, context=context)
    said = {"Host": f"{name}.{DOMAIN}"}
    if login:
        said["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    connection.request("GET", path, headers=said)
    answer = connection.getresponse()
    return f"{answer.status} {answer.read().decode()}"


def samba(user: str, password: str, share: str, command: str) -> str:
    """What smbclient prints, on the master."""
    login, place = f"username = {user}\npassword = {password}\n", lab_host(PLACES[MASTER])
    faults.run_in(place, ["bash", "-c", "umask 077; cat >/run/login"], stdin=login)
    return on(
        PLACES[MASTER], ["bash", "-c", f"smbclient -A /run/login //127.0.0.1/{share} -c '{command}' 2>&1 || true"]
    )


def checks(stack: Stack, verb: str = "verify") -> dict[str, list[dict[str, Any]]]:
    """The checks of a verb that are not ok, by their id."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(stack.sitectl(verb, "-o", "json").out)["checks"]:
        if each["status"] != "ok":
            found.setdefault(each["id"], []).append(each)
    return found
