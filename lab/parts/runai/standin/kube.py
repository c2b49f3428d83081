"""A small client of the Kubernetes API: JSON over one connection."""

import http.client
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Body = dict[str, Any]
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TYPES = {"PATCH": "application/merge-patch+json"}


class KubeError(Exception):
    """The API server refuses a request, or does not answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status


@dataclass
class Kube:
    """An API server, and who asks it."""

    url: str
    authority: str
    """A file with the certificates that sign its own."""
    token: str = ""
    _connection: http.client.HTTPSConnection | None = None

    @classmethod
    def inside(cls) -> "Kube":
        """For a pod, by its service account."""
        host = f"{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
        return cls(f"https://{host}", str(_ACCOUNT / "ca.crt"))

    def ask(self, method: str, path: str, body: Body | None = None) -> Body:
        """The answer. Raises KubeError."""
        content = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token or (_ACCOUNT / 'token').read_text()}"}
        headers |= {"Content-Type": _TYPES.get(method, "application/json")}
        try:
            status, text = self._send(method, path, content, headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            raise KubeError(0, f"{method} {path}: {error}") from error
        if status >= 300:
            raise KubeError(status, f"{method} {path}: {text[:300]}")
        answer: Body = json.loads(text)
        return answer

    def _send(self, method: str, path: str, content: str | None, headers: dict[str, str]) -> tuple[int, str]:
        if self._connection is None:
            context = ssl.create_default_context(cafile=self.authority)
            self._connection = http.client.HTTPSConnection(urlsplit(self.url).netloc, timeout=10, context=context)
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def get(self, path: str) -> Body | None:
        """An object, None if it is not there. Raises KubeError."""
        try:
            return self.ask("GET", path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str) -> list[Body]:
        """The objects of a list; none where its kind is unknown. Raises KubeError."""
        listed: list[Body] = (self.get(path) or {}).get("items", [])
        return listed

    def put(self, collection: str, name: str, body: Body) -> None:
        """Makes an object, or merges it into the one that is there. Raises KubeError."""
        before = self.get(f"{collection}/{name}")
        if before is None:
            self.ask("POST", collection, body)
        elif not _within(body, before):
            self.ask("PATCH", f"{collection}/{name}", body)

    def remove(self, path: str) -> None:
        """Removes an object, if it is there. Raises KubeError."""
        try:
            self.ask("DELETE", path)
        except KubeError as error:
            if error.status != 404:
                raise


def _within(part: object, whole: object) -> bool:
    """Whether a merge of `part` would change nothing."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    return part == whole
