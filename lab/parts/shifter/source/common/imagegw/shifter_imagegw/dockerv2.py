"""Images from a registry: manifest, layers into the cache, a tree in the folder to expand in."""

import hashlib
import json
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

_LISTS = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


class Registry:
    """One location of imagemanager.json."""

    def __init__(self, name: str, location: dict[str, Any]) -> None:
        if location["remotetype"] != "dockerv2":
            raise NotImplementedError(f"Unsupported remote type {location['remotetype']}")
        self._url = location.get("url") or f"https://{name}"
        self._tls = ssl.create_default_context(cafile=location.get("sslcacert"))
        self._token: str | None = None

    def pull(self, repository: str, tag: str, cache: Path, expand: Path) -> tuple[str, dict[str, Any]]:
        """The image's identity and configuration; its tree lies in expand / identity."""
        manifest = self._manifest(repository, tag)
        digest = manifest["config"]["digest"]
        config = json.loads(self._get(f"{repository}/blobs/{digest}"))
        identity = digest.partition(":")[2]
        tree = expand / identity
        tree.mkdir(exist_ok=True)
        for layer in manifest["layers"]:
            _extract(self._layer(repository, layer["digest"], cache), tree)
        return identity, config.get("config") or {}

    def _manifest(self, repository: str, reference: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._get(f"{repository}/manifests/{reference}", (*_MANIFESTS, *_LISTS)))
        if "manifests" not in found:
            return found
        here = [entry for entry in found["manifests"] if entry["platform"]["architecture"] == "amd64"]
        return self._manifest(repository, here[0]["digest"])

    def _layer(self, repository: str, digest: str, cache: Path) -> Path:
        file = cache / f"{digest.partition(':')[2]}.tar"
        if not file.exists():
            content = self._get(f"{repository}/blobs/{digest}")
            if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
                raise OSError(f"layer {digest} is not what its digest says")
            new = file.with_suffix(".new")
            new.write_bytes(content)
            new.replace(file)
        return file

    def _get(self, path: str, accept: tuple[str, ...] = ()) -> bytes:
        headers = {"Accept": ", ".join(accept)} if accept else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            return _open(f"{self._url}/v2/{path}", headers, self._tls)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate") or ""
            if error.code != 401 or self._token or not challenge.startswith("Bearer "):
                raise OSError(f"{self._url}/v2/{path}: {error.code} {error.reason}") from error
        words = dict(part.split("=", 1) for part in challenge.removeprefix("Bearer ").split(","))
        asked = {key: words[key].strip('"') for key in ("service", "scope") if key in words}
        url = f"{words['realm'].strip(chr(34))}?{urllib.parse.urlencode(asked)}"
        self._token = json.loads(_open(url, {}, self._tls))["token"]
        return self._get(path, accept)


def _open(url: str, headers: dict[str, str], tls: ssl.SSLContext) -> bytes:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60, context=tls) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def _extract(layer: Path, tree: Path) -> None:
    options = ("--no-same-owner", "--delay-directory-restore", "--exclude=dev/*")
    subprocess.run(["tar", "-x", "-f", layer, "-C", tree, *options], check=True, capture_output=True)
    for mark in list(tree.rglob(".wh.*")):  # what this layer takes away of those below
        gone = mark.with_name(mark.name.removeprefix(".wh."))
        subprocess.run(["rm", "-rf", "--", gone, mark], check=True)
