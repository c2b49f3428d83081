"""One API server: which kinds it has, and get, apply, replace and delete of objects as plain dicts."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote

import urllib3
import yaml
from kubernetes.client.api_client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, new_client_from_config_dict

from lab.plugins.kubernetes_provider.config import Settings
from lab.plugins.serve import PluginError

Object = dict[str, Any]
_APPLY = "application/apply-patch+yaml"


class ApiError(PluginError):
    """The API server said no: its status, reason and message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class NoMatchError(PluginError):
    """The API server has no such kind (yet)."""


class UnreachableError(PluginError):
    """No answer, or none to us."""


@dataclass(frozen=True)
class Kind:
    """Where objects of a kind live."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str) -> str:
        """Of one object, or of the collection when name is empty."""
        scope = f"/namespaces/{quote(namespace or 'default')}" if self.namespaced else ""
        return f"{self.prefix}{scope}/{self.plural}" + (f"/{quote(name)}" if name else "")


def in_memory(text: str) -> int:
    """An open file that is nowhere on disk; /proc/self/fd/N names it, for this process and for children given it."""
    descriptor = os.memfd_create("gpu-metal")
    os.write(descriptor, text.encode())
    return descriptor


def _client(settings: Settings) -> ApiClient:
    """A client from the kubeconfig; its keys stay in memory (the library would write them to files)."""
    if settings.kubeconfig is None:
        raise UnreachableError("there is no kubeconfig")
    parsed = yaml.safe_load(settings.kubeconfig)
    for section in ("clusters", "users"):
        for entry in parsed.get(section) or []:
            fields = entry[section[:-1]]
            for key in [key for key in fields if key.endswith("-data")]:
                descriptor = in_memory(_decoded(fields.pop(key)))
                fields[key.removesuffix("-data")] = f"/proc/self/fd/{descriptor}"
    if settings.cluster:
        for entry in parsed.get("contexts") or []:
            entry["context"]["cluster"] = settings.cluster
    try:
        client = new_client_from_config_dict(parsed, context=settings.context)
    except ConfigException as error:
        raise UnreachableError(
            f"unable to load Kubernetes client configuration from kubeconfig file: {error}"
        ) from None
    client.configuration.retries = False
    return ApiClient(client.configuration)


def _decoded(data: str) -> str:
    from base64 import b64decode  # noqa: PLC0415

    return b64decode(data).decode()


class Cluster:
    """Calls to the API server. Raises ApiError, NoMatchError and UnreachableError."""

    def __init__(self, settings: Settings) -> None:
        self._client, self._timeout = _client(settings), settings.timeout
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._lock = Lock()
        self.call("GET", "/apis")

    def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """One request; the answer's JSON."""
        try:
            response = self._client.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=self._timeout,
            )
        except ApiException as error:
            raise _api_error(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(str(error)) from None
        answer: Object = json.loads(response.data)
        return answer

    def kind(self, api_version: str, kind: str) -> Kind:
        """Where `kind` lives; asks the server once per API version, and again while it has no such kind."""
        with self._lock:
            found = self._kinds.get(api_version, {}).get(kind)
            if found is None:
                self._kinds[api_version] = self._discover(api_version)
                found = self._kinds[api_version].get(kind)
        if found is None:
            raise NoMatchError(f'no matches for kind "{kind}" in version "{api_version}"')
        return found

    def _discover(self, api_version: str) -> dict[str, Kind]:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            listed = self.call("GET", prefix)["resources"]
        except ApiError as error:
            if error.status == 404:
                return {}
            raise
        return {
            entry["kind"]: Kind(prefix, entry["name"], entry["namespaced"])
            for entry in listed
            if "/" not in entry["name"]
        }

    def get(self, wanted: Object) -> Object:
        """The live object that `wanted` names."""
        return self.call("GET", self._path(wanted))

    def items(self, api_version: str, kind: str, namespace: str, selector: str) -> list[Object]:
        """Objects by label selector."""
        found = self.call("GET", self.kind(api_version, kind).path(namespace, ""), query={"labelSelector": selector})
        listed: list[Object] = found["items"]
        return listed

    def apply(self, wanted: Object, manager: str, *, force: bool, dry_run: bool = False) -> Object:
        """Server-side apply."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Warn"}
        return self.call("PATCH", self._path(wanted), wanted, query | _dry(dry_run), _APPLY)

    def replace(self, wanted: Object, live: Object, manager: str, *, dry_run: bool = False) -> Object:
        """PUT in place of `live`; a status written meanwhile makes it another try."""
        for left in range(4, -1, -1):
            version = {"resourceVersion": live["metadata"]["resourceVersion"]}
            whole = {**wanted, "metadata": {**wanted["metadata"], **version}}
            try:
                return self.call("PUT", self._path(wanted), whole, {"fieldManager": manager} | _dry(dry_run))
            except ApiError as error:
                if error.status != 409 or not left:
                    raise
                live = self.get(wanted)
        raise AssertionError

    def delete(self, wanted: Object, policy: str) -> None:
        """Ask for deletion; finalizers may take their time."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        self.call("DELETE", self._path(wanted), body)

    def _path(self, wanted: Object) -> str:
        metadata = wanted["metadata"]
        kind = self.kind(wanted["apiVersion"], wanted["kind"])
        return kind.path(metadata.get("namespace", ""), metadata["name"])


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _api_error(error: ApiException) -> ApiError:
    try:
        answer = json.loads(error.body)
    except (TypeError, ValueError):
        answer = {}
    return ApiError(error.status, answer.get("reason", ""), answer.get("message") or f"{error.status} {error.reason}")
