"""Rancher on the lab's site: what the cluster has of it, and what its API says."""

import json
import shlex
from typing import Any

from components.platforms.rancher.api import SETTINGS, USERS, RancherApi
from components.rest.access import Access
from components.rest.error import RestError
from lab.hosts.inventory import GATEWAY
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, on
from tests.parts.ingress.lab import front
from tests.parts.runai.authority import Authority

NAME = f"rancher.{front.DOMAIN}"
BOOTSTRAP, ADMIN, FIRST, OWN = (f"Lab-of-Rancher-{number}" for number in range(4))
"""Passwords: of the very first login, of admin, of each user at first, and the one that a user takes then."""
QUOTA, DEFAULT = "resourcequotas", "resourcequota.management.cattle.io/default-resource-quota=true"
ENTRY: dict[str, Any] = {
    "kind": "rancher",
    "repository": front.CHARTS,
    "replicas": 1,
    "bootstrapPasswordSecret": "rancherBootstrap",
    "admin": {"passwordSecret": "rancherAdmin"},
    "firstPasswordSecret": "rancherFirst",
    "eula": "2026-11-30",
    "projects": {"vision": {"namespace": {"gpus": 2}}},
    "volumes": {"server": GATEWAY, "path": "/srv/cluster-volume", "capacity": "1Gi"},
    "values": {"resources": {"requests": {"cpu": "10m", "memory": "48Mi"}}},
}


def add(stack: Stack) -> None:
    """Rancher and what it needs, with a certificate of an authority of the site's own."""
    authority = Authority(days=30)
    signed = authority.sign(front.DOMAIN, f"*.{front.DOMAIN}")
    (stack.folder / "authority.pem").write_text(authority.text)
    front.network(stack)
    (stack.folder / "site.pem").write_text(signed.text)
    for name, value in {"ingressKey": signed.key, "rancherBootstrap": BOOTSTRAP, "rancherAdmin": ADMIN}.items():
        stack.tell(name, value)
    stack.tell("rancherFirst", FIRST)

    def change(site: dict[str, Any]) -> None:
        site.update(users={"ana": {}, "ben": {}})
        site["projects"]["vision"]["members"] = ["ana", "ben"]
        site["platforms"] = [{**ENTRY, "authority": str(stack.folder / "authority.pem")}]

    stack.edit(change)


def api(stack: Stack, username: str = "admin", password: str = ADMIN) -> RancherApi:
    """Rancher's API, from this machine."""
    ca, server = (stack.folder / "authority.pem").read_text(), f"{front.ADDRESS}:443"
    return RancherApi.of(Access(f"https://{NAME}", username=username, password=password, server=server, ca=ca))


def opens(stack: Stack, username: str, password: str) -> bool:
    """Whether this user logs in with this password."""
    return logs_in(api(stack, username, password))


def logs_in(rancher: RancherApi) -> bool:
    """Whether Rancher takes the user and password of this session."""
    try:
        rancher.session.log_in()
    except RestError as error:
        assert error.status == 401, error
        return False
    return True


def user(stack: Stack, username: str) -> dict[str, Any]:
    """As Rancher has it."""
    return dict(api(stack).user(username) or {})


def people(stack: Stack) -> set[str]:
    """Login names of all users."""
    return {each["username"] for each in api(stack).session.call("GET", USERS)["data"]}


def setting(stack: Stack, name: str) -> str:
    """Its value."""
    return str(api(stack).session.call("GET", f"{SETTINGS}/{name}")["value"])


def may(uid: str, verb: str, what: str, namespace: str) -> bool:
    """What `kubectl auth can-i` answers of a user of Rancher's, as whom Rancher asks the API server."""
    words = [*front.KUBECTL, "auth", "can-i", verb, what, "-n", namespace, "--as", uid]
    said = on("cp-1", ["sh", "-c", f"{shlex.join(words)} 2>/dev/null || true"]).strip()
    assert said in ("yes", "no"), said
    return said == "yes"


def project() -> dict[str, Any]:
    """What Rancher's project promises its namespaces."""
    return dict(kubectl("get", "projects.management.cattle.io", "-n", "local", "p-vision")["spec"]["resourceQuota"])


def quota() -> dict[str, str]:
    """What Rancher's own quota in the project's namespace has; empty if there is none."""
    found = kubectl("get", QUOTA, "-n", "vision", "-l", DEFAULT)["items"]
    return dict(found[0]["spec"]["hard"]) if found else {}


def claim() -> str:
    """Whether the project's claim has its volume."""
    return str(kubectl("get", "pvc", "-n", "vision", "volume")["status"]["phase"])


def spoil(kind: str, name: str, namespace: str, change: dict[str, Any]) -> None:
    """A change by hand, with kubectl."""
    words = ["patch", kind, name, "-n", namespace, "--type", "merge", "-p", json.dumps(change)]
    on("cp-1", [*front.KUBECTL, *words])


def held() -> set[str]:
    """Namespaces that nobody can delete without Rancher's controller."""
    found = kubectl("get", "namespaces")["items"]
    return {
        each["metadata"]["name"]
        for each in found
        if any("cattle.io" in held for held in each["metadata"].get("finalizers", []))
    }
