"""A small client of the Kubernetes API for stand-ins that run in pods: calls of JSON and watches, for several threads.

It needs nothing but Python: images of stand-ins have this one file.
"""

import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

Body = dict[str, Any]
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MERGE = "application/merge-patch+json"
_PAUSE = 1.0
"""Seconds before a watch that broke is begun again."""
_SILENCE = 3600
"""Seconds without an event after which a watch is begun again; the API server ends each one within an hour."""

CORE = "/api/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class KubeError(Exception):
    """The API server refuses a request, or does not answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Kube:
    """An API server, and who asks it."""

    url: str
    authority: str
    """A file with the certificates that sign its own."""
    token: str = ""
    _own: threading.local = field(default_factory=threading.local)

    @classmethod
    def inside(cls) -> "Kube":
        """For a pod, by its service account."""
        host = f"{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
        return cls(f"https://{host}", str(_ACCOUNT / "ca.crt"))

    def ask(self, method: str, path: str, body: Body | None = None, kind: str = "") -> Body:
        """The answer; `kind` is the body's content type, if it is another than usual. Raises KubeError."""
        content = None if body is None else json.dumps(body)
        headers = self._headers(method) | ({"Content-Type": kind} if kind else {})
        try:
            status, text = self._send(method, path, content, headers)
        except (OSError, http.client.HTTPException) as error:
            self._own.connection = None
            raise KubeError(0, f"{method} {path}: {error}") from error
        if status >= 300:
            raise KubeError(status, f"{method} {path}: {_said(text)}")
        answer: Body = json.loads(text)
        return answer

    def _send(self, method: str, path: str, content: str | None, headers: dict[str, str]) -> tuple[int, str]:
        kept: http.client.HTTPSConnection | None = getattr(self._own, "connection", None)
        connection = kept or self._connect(10)
        try:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException):
            if kept is None:
                raise
            # The API server ends connections that nothing came over for a while: once more over a new one.
            connection = self._connect(10)
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
        self._own.connection = connection
        return answer.status, answer.read().decode()

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(urlsplit(self.url).netloc, timeout=seconds, context=context)

    def _headers(self, method: str) -> dict[str, str]:
        kind = _MERGE if method == "PATCH" else "application/json"
        return {"Authorization": f"Bearer {self.token or (_ACCOUNT / 'token').read_text()}", "Content-Type": kind}

    def get(self, path: str) -> Body | None:
        """An object, None if it is not there. Raises KubeError."""
        try:
            return self.ask("GET", path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, labels: str = "") -> list[Body]:
        """The objects of a list that have these labels; none where their kind is unknown. Raises KubeError."""
        query = f"?labelSelector={quote(labels)}" if labels else ""
        listed: list[Body] = (self.get(f"{path}{query}") or {}).get("items", [])
        return listed

    def ensure(self, collection: str, body: Body) -> None:
        """Makes an object, or merges this into the one that is there. Raises KubeError."""
        path = f"{collection}/{body['metadata']['name']}"
        before = self.get(path)
        if before is None:
            self.ask("POST", collection, body)
        elif not within(body, before):
            self.ask("PATCH", path, body)

    def remove(self, path: str) -> None:
        """Removes an object, if it is there. Raises KubeError."""
        try:
            self.ask("DELETE", path)
        except KubeError as error:
            if error.status != 404:
                raise

    def watch(self, path: str, changed: Callable[[], None], ended: threading.Event) -> None:
        """Calls `changed` for each event of these objects, and for each object that there is, until `ended` is set."""
        while not ended.is_set():
            try:
                self._events(path, changed)
            except (OSError, http.client.HTTPException):
                time.sleep(_PAUSE)

    def _events(self, path: str, changed: Callable[[], None]) -> None:
        connection = self._connect(_SILENCE)
        try:
            connection.request("GET", f"{path}?watch=1", None, self._headers("GET"))
            answer = connection.getresponse()
            if answer.status >= 300:
                raise http.client.HTTPException(_said(answer.read().decode()))
            while answer.readline():
                changed()
        finally:
            connection.close()


def within(part: object, whole: object) -> bool:
    """Whether a merge of `part` would change nothing."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(value is None if key not in whole else within(value, whole[key]) for key, value in part.items())
    return part == whole


def _said(text: str) -> str:
    """The message of the API server's refusal."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:300]
