"""Objects of any kind by server-side apply: check, diff, create, read, update, delete, with the official rules.

Differences: no client-side apply, no rendering to files; the diff compares inputs (a refresh puts drift into them), so
what the server stores in another form than it was sent is never shown as a change.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from lab.plugins import diffs
from lab.plugins.kubernetes_provider import awaits, messages, objects
from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster, NoMatchError, Object
from lab.plugins.kubernetes_provider.config import Settings
from lab.plugins.kubernetes_provider.force_new import replacing
from lab.plugins.serve import InitFailedError, PluginError, unique
from lab.plugins.values import Properties, Tree, has_unknown, plain

_RETRIES = (1, 2, 4, 8, 16)
"""Seconds before each new try of a create whose namespace or kind does not exist yet."""


@dataclass(frozen=True)
class Operation:
    """What one RPC is about."""

    urn: str
    timeout: float
    say: Callable[[str], None]
    cancelled: Callable[[], bool]

    @property
    def token(self) -> str:
        """`kubernetes:GROUP/VERSION:KIND`."""
        return self.urn.split("::")[2].rsplit("$", 1)[-1]

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def is_patch(self) -> bool:
        """A Patch resource holds some fields of an object that others own: ConfigMapPatch has kind ConfigMap."""
        return self.token.endswith("Patch")


@dataclass(frozen=True)
class Resources:
    """`cluster` is None where there is no way to it."""

    settings: Settings
    cluster: Cluster | None
    unreachable: str = ""

    def reached(self) -> Cluster:
        """The cluster. Raises PluginError."""
        if self.cluster is None:
            raise PluginError(f"configured Kubernetes cluster is unreachable: {self.unreachable}")
        return self.cluster

    def check(self, operation: Operation, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """The inputs with a name and a namespace."""
        wanted = objects.manifest(news)
        metadata = wanted.get("metadata") or {}
        if isinstance(metadata, dict):
            if operation.is_patch and not metadata.get("name"):
                raise PluginError("patch resources require the `.metadata.name` field to be set")
            if metadata.get("generateName") and not metadata.get("name"):
                raise PluginError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
        objects.named(wanted, objects.manifest(olds), operation.name, seed)
        self._place(wanted)
        checked: Properties = objects.with_secrets(objects.underscored(wanted), news)
        return checked

    def _place(self, wanted: Object) -> None:
        """The provider's namespace, for a namespaced object without one."""
        metadata = wanted["metadata"]
        if not self.settings.namespace or not isinstance(metadata, dict) or metadata.get("namespace"):
            return
        if self.cluster is not None:
            try:
                if not self.cluster.kind(wanted["apiVersion"], wanted["kind"]).namespaced:
                    return
            except NoMatchError:
                pass  # probably a kind that this program is still to define: taken as namespaced, as officially
        metadata["namespace"] = self.settings.namespace

    def diff(
        self, operation: Operation, olds: Properties, news: Properties
    ) -> tuple[dict[str, diffs.Change], set[str], bool]:
        """Changed paths, those that replace, and whether the old object must go first."""
        before, wanted, live = objects.manifest(objects.inputs_of(olds)), objects.manifest(news), objects.live_of(olds)
        for side in (before, wanted):
            if isinstance(side.get("metadata"), dict) and side["metadata"].get("namespace") == "default":
                del side["metadata"]["namespace"]
        found = {
            path: change
            for path, change in diffs.changes(before, wanted).items()
            if not (change == "add" and _empty(wanted, path))
        }
        replaces = replacing(wanted, list(found), patch=operation.is_patch, mutable=self.settings.mutable)
        metadata = wanted["metadata"] if isinstance(wanted.get("metadata"), dict) else {}
        same = metadata.get("name") == live["metadata"]["name"] and (
            metadata.get("namespace", "default") == live["metadata"].get("namespace", "default")
        )
        first = bool(replaces) and same and objects.annotation(wanted, "autonamed") != "true"
        return found, replaces, first

    def create(self, operation: Operation, news: Properties, *, preview: bool) -> tuple[str, Properties]:
        """A new object, awaited: (id, state). Raises InitFailedError when it exists and is not ready."""
        wanted = objects.manifest(news)
        if preview:
            return "", self._previewed(operation, wanted, news)
        cluster, manager = self.reached(), _manager(wanted, {})
        live = self._created(operation, cluster, wanted, manager)
        return self._awaited(operation, cluster, wanted, live, news, manager)

    def _previewed(self, operation: Operation, wanted: Object, news: Properties) -> Properties:
        if self.cluster is None or operation.is_patch or has_unknown(wanted) or not self._known(wanted):
            return news
        manager = _manager(wanted, {})
        try:
            self._refuse_existing(self.cluster, wanted, upsert=False)
            live = self.cluster.apply(wanted, manager, force=self._force(wanted), dry_run=True)
        except ApiError as error:
            if error.status in (403, 404, 409):  # forbidden, no such namespace yet, exists: the inputs must do
                return news
            raise
        live.pop("status", None)
        return objects.checkpoint(news, live, wanted["apiVersion"], manager)

    def _known(self, wanted: Object) -> bool:
        try:
            self.reached().kind(wanted["apiVersion"], wanted["kind"])
        except NoMatchError:
            return False
        return True

    def _created(self, operation: Operation, cluster: Cluster, wanted: Object, manager: str) -> Object:
        for pause in (*_RETRIES, None):
            try:
                self._refuse_existing(cluster, wanted, upsert=operation.is_patch or self.settings.upsert)
                return cluster.apply(wanted, manager, force=self._force(wanted))
            except (ApiError, NoMatchError) as error:
                if pause is None or (isinstance(error, ApiError) and error.status != 404) or operation.cancelled():
                    raise PluginError(messages.not_created(operation.urn, wanted, manager, error)) from None
                operation.say(f"creation failed, retrying: {error}")
                time.sleep(pause)
        raise AssertionError

    @staticmethod
    def _refuse_existing(cluster: Cluster, wanted: Object, *, upsert: bool) -> None:
        """4.29 and later do not take over what exists already."""
        if upsert:
            return
        try:
            cluster.get(wanted)
        except ApiError as error:
            if error.status == 404:
                return
            raise
        plural = cluster.kind(wanted["apiVersion"], wanted["kind"]).plural
        raise ApiError(409, "AlreadyExists", f'{plural} "{wanted["metadata"]["name"]}" already exists')

    def _force(self, wanted: Object) -> bool:
        return self.settings.patch_force or objects.annotation(wanted, "patchForce").lower() == "true"

    def _awaited(
        self, operation: Operation, cluster: Cluster, wanted: Object, live: Object, news: Properties, manager: str
    ) -> tuple[str, Properties]:
        failure = ""
        try:
            live = awaits.until_ready(cluster, wanted, live, operation.timeout, operation.say, operation.cancelled)
        except awaits.NotReadyError as error:
            live, failure = error.live, str(error)
        state = objects.checkpoint(news, live, wanted["apiVersion"], manager)
        if failure:
            reason = (
                f'resource "{operation.urn}" was successfully created, but the Kubernetes API server reported that it '
                f"failed to fully initialize or become live: {failure}"
            )
            raise InitFailedError(objects.identifier(live), state, [reason])
        return objects.identifier(live), state

    def update(self, operation: Operation, olds: Properties, news: Properties, *, preview: bool) -> Properties:
        """The object as wanted now. An apply that is refused is recorded as a failed initialization, as officially."""
        wanted = objects.manifest(news)
        if preview and (self.cluster is None or has_unknown(wanted) or not self._known(wanted)):
            return news
        cluster, old_manager = self.reached(), str(plain(olds.get("__fieldManager", "")))
        manager = _manager(wanted, olds)
        before = objects.live_of(olds)
        try:
            live = cluster.get(before)
            live = self._changed(cluster, wanted, live, manager, preview=preview)
        except NoMatchError as error:
            raise PluginError(f'update of resource "{operation.urn}" failed: {error}') from None
        except ApiError as error:
            if preview and error.status == 403:
                return news
            self._refused(operation, cluster, before, wanted, news, manager, error)
        if preview:
            return objects.checkpoint(news, live, wanted["apiVersion"], manager)
        _, state = self._awaited(operation, cluster, wanted, live, news, manager)
        if old_manager and old_manager != manager:
            relinquish(cluster, live, old_manager)
        return state

    def _changed(self, cluster: Cluster, wanted: Object, live: Object, manager: str, *, preview: bool) -> Object:
        if wanted["kind"] == "CustomResourceDefinition":
            return cluster.replace(wanted, live, manager, dry_run=preview)
        return cluster.apply(wanted, manager, force=self._force(wanted), dry_run=preview)

    @staticmethod
    def _refused(
        operation: Operation,
        cluster: Cluster,
        before: Object,
        wanted: Object,
        news: Properties,
        manager: str,
        error: ApiError,
    ) -> NoReturn:
        try:
            live = cluster.get(before)
        except PluginError as lost:
            raise PluginError(
                f'update of resource "{operation.urn}" failed: {error}\nunable to get cluster state: {lost}'
            ) from None
        identifier = objects.identifier(live)
        said = messages.conflict(manager, error) if error.reason == "Conflict" else str(error)
        reason = (
            f'the Kubernetes API server reported that "{identifier}" failed to fully initialize or become live: {said}'
        )
        raise InitFailedError(identifier, objects.checkpoint(news, live, wanted["apiVersion"], manager), [reason])

    def delete(self, operation: Operation, state: Properties) -> None:
        """The object gone, and waited for. What is gone already is fine; a Patch gives its fields up."""
        if self.cluster is None:
            if self.settings.delete_unreachable:
                return
            raise PluginError(messages.CANNOT_DELETE)
        live, wanted = objects.live_of(state), objects.manifest(objects.inputs_of(state))
        try:
            live = self.cluster.get(live)
            if operation.is_patch:
                relinquish(self.cluster, live, str(plain(state["__fieldManager"])))
                return
            self.cluster.delete(
                live, objects.annotation(wanted, "deletionPropagationPolicy").capitalize() or "Foreground"
            )
            if objects.annotation(wanted, "skipAwait").lower() != "true":
                awaits.until_gone(self.cluster, live, wanted, operation.timeout, operation.cancelled)
        except NoMatchError:
            return
        except awaits.NotReadyError as error:
            raise InitFailedError(objects.identifier(error.live), state, [str(error)]) from None
        except ApiError as error:
            if error.status != 404:
                raise


def relinquish(cluster: Cluster, live: Object, manager: str) -> None:
    """Give up every field that `manager` holds: applying nothing but the name does that."""
    if any(entry.get("manager") == manager for entry in live["metadata"].get("managedFields", [])):
        identity = {key: live["metadata"][key] for key in ("name", "namespace") if key in live["metadata"]}
        bare = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": identity}
        cluster.apply(bare, manager, force=False)


def _manager(wanted: Object, state: Properties) -> str:
    """The annotation's, else the state's, else a random one."""
    given = objects.annotation(wanted, "patchFieldManager") or plain(state.get("__fieldManager"))
    return str(given) if given else unique("pulumi-kubernetes-")


def _empty(wanted: Tree, path: str) -> bool:
    """Whether what was added at `path` is nothing: the server drops those, so do inputs that a refresh wrote."""
    for key in path.split("."):
        wanted = wanted.get(key) if isinstance(wanted, dict) else True
    return wanted in ({}, [], "")
