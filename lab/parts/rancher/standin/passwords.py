"""Passwords of local users: a Secret of the user's name each, with a hash by PBKDF2 as Rancher keeps it."""

import base64
import hashlib
import hmac
import secrets

from lab.kube import CORE, Body, Kube
from lab.parts.rancher.standin.kinds import RANCHER

NAMESPACE = "cattle-local-user-passwords"
HASHED = "cattle.io/password-hash"
_KIND = "pbkdf2sha3512"
_ROUNDS = 10_000
"""Rancher does 210,000; fewer keep the lab's processors free."""
_LENGTH = "password-min-length"


def letters(count: int) -> str:
    """A random end of a name."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(count))


def weak(username: str, new: str, least: int, current: str = "") -> str:
    """Why a password is refused, empty if it is not; the texts are Rancher's."""
    if len(new) < least:
        return f"Password must be at least {least} characters"
    if username == new:
        return "Password cannot be the same as username"
    if new == current:
        return "The new password must not be the same as the current password"
    return ""


def least(kube: Kube) -> int:
    """How long a password must be."""
    setting = kube.ask("GET", f"{RANCHER}/settings/{_LENGTH}")
    return int(setting["value"] or setting["default"])


def secret(user: Body, password: str) -> Body:
    """The user's Secret, hashed."""
    name = user["metadata"]["name"]
    owner = {"apiVersion": user["apiVersion"], "kind": "User", "name": name, "uid": user["metadata"]["uid"]}
    metadata = {"name": name, "namespace": NAMESPACE, "annotations": {HASHED: _KIND}, "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": _data(password)}


def _data(password: str) -> dict[str, str]:
    salt = secrets.token_bytes(32)
    return {name: base64.b64encode(value).decode() for name, value in _pair(password, salt).items()}


def _pair(password: str, salt: bytes) -> dict[str, bytes]:
    return {"password": hashlib.pbkdf2_hmac("sha3_512", password.encode(), salt, _ROUNDS, 32), "salt": salt}


def right(kube: Kube, user: str, password: str) -> bool:
    """Whether it is the user's. Raises KubeError."""
    kept = kube.get(f"{CORE}/namespaces/{NAMESPACE}/secrets/{user}")
    if kept is None or "salt" not in kept.get("data", {}):
        return False
    data = {name: base64.b64decode(kept["data"][name]) for name in ("password", "salt")}
    return hmac.compare_digest(_pair(password, data["salt"])["password"], data["password"])


def change(kube: Kube, user: Body, password: str) -> None:
    """Gives the user another password. Raises KubeError."""
    kube.ensure(f"{CORE}/namespaces/{NAMESPACE}/secrets", secret(user, password))
