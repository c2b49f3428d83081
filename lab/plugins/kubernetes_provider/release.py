"""kubernetes:helm.sh/v3:Release by the helm binary, with the official rules: a named release, install then upgrade,
another name or namespace replaces (create first), a failed install or upgrade that left a release is recorded.
"""

from pathlib import Path
from typing import Any

import yaml

from lab.plugins import diffs
from lab.plugins.kubernetes_provider.helm import Helm, HelmError
from lab.plugins.kubernetes_provider.objects import with_secrets
from lab.plugins.kubernetes_provider.resources import Operation, Resources
from lab.plugins.serve import InitFailedError, PluginError, unique
from lab.plugins.values import Asset, Properties, Secret, Tree, has_unknown, plain

TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - Pulumi's word for a type's name
_TIMEOUT = 300
_SOURCE_FLAGS = {"version": "--version", "keyring": "--keyring"}
_REPOSITORY_FLAGS = {"repo": "--repo", "caFile": "--ca-file", "certFile": "--cert-file", "keyFile": "--key-file"}
_SHARED_SWITCHES = {
    "atomic": "--atomic",
    "dependencyUpdate": "--dependency-update",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "renderSubchartNotes": "--render-subchart-notes",
    "skipCrds": "--skip-crds",
    "takeOwnership": "--take-ownership",
}
_INSTALL_SWITCHES = {"createNamespace": "--create-namespace", "disableWebhooks": "--no-hooks", "replace": "--replace"}
_UPGRADE_SWITCHES = {
    "cleanupOnFail": "--cleanup-on-fail",
    "disableCRDHooks": "--no-hooks",
    "forceUpdate": "--force",
    "resetValues": "--reset-values",
    "reuseValues": "--reuse-values",
}


class Releases:
    """The operations on releases."""

    def __init__(self, resources: Resources) -> None:
        self._resources, self.helm = resources, Helm(resources.settings)

    def check(
        self, operation: Operation, olds: Properties, news: Properties
    ) -> tuple[Properties, list[tuple[str, str]]]:
        """Inputs with name, namespace, timeout and the chart's own version; the chart must be there to be looked at."""
        wanted = plain({key: value for key, value in news.items() if value is not None})
        repository = wanted.get("repositoryOpts")
        if isinstance(repository, dict) and repository.get("password"):
            return news, [("repositoryOpts", "the lab's stand-in plugin knows no repositories with a password")]
        if not wanted.get("name"):
            wanted["name"] = plain(olds.get("name")) or unique(f"{operation.name}-")
        if not wanted.get("namespace"):
            wanted["namespace"] = self._resources.settings.namespace or "default"
        if not wanted.get("skipAwait"):
            wanted.setdefault("timeout", _TIMEOUT)
        failures: list[tuple[str, str]] = []
        if not has_unknown(wanted):
            wanted["values"] = _values(wanted)
            wanted.pop("valueYamlFiles", None)
            try:
                wanted["version"] = str(self.helm.chart(*_source(wanted))["version"])
            except HelmError as error:
                failures.append(("chart", f"{error}; check the chart name and repository configuration."))
        for key in ("resourceNames", "compat"):
            wanted.pop(key, None)
        checked: Properties = with_secrets({key: value for key, value in wanted.items() if _set(key, value)}, news)
        return checked, failures

    @staticmethod
    def diff(olds: Properties, news: Properties) -> dict[str, diffs.Change]:
        """Changed paths; `name` and `namespace` replace."""
        return diffs.changes(plain(olds.get("__inputs", {})), plain(news))

    def create(self, news: Properties, *, preview: bool) -> tuple[str, Properties]:
        """Install: (id, state). Raises InitFailedError when helm failed and left a release."""
        wanted = plain(news)
        if preview:
            return "", _checkpoint(news, {})
        self._reach("create")
        self._ran(wanted, "install", _INSTALL_SWITCHES, 0)
        return _identifier(wanted), self._state(news)

    def update(self, news: Properties, *, preview: bool) -> Properties:
        """Upgrade."""
        wanted = plain(news)
        if preview:
            return _checkpoint(news, {})
        self._reach("update")
        before = self.helm.metadata(wanted["name"], wanted["namespace"])
        history = ["--history-max", str(wanted.get("maxHistory", 0))]
        self._ran(wanted, "upgrade", _UPGRADE_SWITCHES, before["revision"] if before else 0, *history, news=news)
        return self._state(news)

    def delete(self, state: Properties) -> None:
        """Uninstall, waiting as the install did."""
        if self._resources.cluster is None:
            raise PluginError(
                f'can\'t delete Helm Release with unreachable cluster. Reason: "{self._resources.unreachable}"'
            )
        wanted = plain(state)
        words = ["uninstall", wanted["name"], "-n", wanted["namespace"]]
        if wanted.get("atomic") or not wanted.get("skipAwait"):
            words += ["--wait", "--timeout", f"{wanted.get('timeout') or _TIMEOUT}s"]
        self.helm.run(*words)

    def read(self, object_id: str, state: Properties, inputs: Properties) -> tuple[str, Properties, Properties]:
        """Status, version and values of the release; nothing of what it made. An empty id when there is no release."""
        if not inputs:
            raise PluginError("the lab's stand-in plugin does not import releases")
        wanted = plain(inputs)
        found = self.helm.metadata(wanted["name"], wanted["namespace"])
        if found is None:
            return "", {}, {}
        live = {**wanted, "version": found["version"], "values": self.helm.values(wanted["name"], wanted["namespace"])}
        now: Properties = with_secrets({key: value for key, value in live.items() if _set(key, value)}, inputs)
        kept = {**self._state(now), "__inputs": state.get("__inputs", Secret(now))}
        return object_id, kept, now

    def _reach(self, verb: str) -> None:
        if self._resources.cluster is None:
            raise PluginError(f"can't {verb} Helm Release with unreachable cluster: {self._resources.unreachable}")

    def _ran(
        self,
        wanted: Properties,
        verb: str,
        switches: dict[str, str],
        revision: int,
        *words: str,
        news: Properties | None = None,
    ) -> None:
        """helm VERB; a failure that made a new revision is recorded, any other is not."""
        arguments = [verb, wanted["name"], *_source(wanted), "-n", wanted["namespace"], *words]
        arguments += [flag for key, flag in {**_SHARED_SWITCHES, **switches}.items() if wanted.get(key)]
        arguments += ["--timeout", f"{wanted.get('timeout') or _TIMEOUT}s"]
        arguments += [] if wanted.get("skipAwait") else ["--wait"]
        arguments += ["--wait-for-jobs"] if wanted.get("waitForJobs") and not wanted.get("skipAwait") else []
        arguments += ["--description", wanted["description"]] if wanted.get("description") else []
        arguments += ["--post-renderer", wanted["postrender"]] if wanted.get("postrender") else []
        try:
            if verb == "upgrade" and wanted.get("lint"):
                self.helm.run("lint", wanted["chart"], values=wanted.get("values") or {}, cluster=False)
            self.helm.run(*arguments, values=wanted.get("values") or {})
        except HelmError as error:
            left = self.helm.metadata(wanted["name"], wanted["namespace"])
            taken = verb == "install" and "cannot re-use a name" in str(error)
            if left is None or left["revision"] == revision or taken:
                raise
            identifier = _identifier(wanted)
            done = "was created, but failed" if verb == "install" else "failed"
            reason = (
                f'Helm release "{identifier}" {done} to initialize completely. Use Helm CLI to investigate.: '
                f"failed to become available within allocated timeout. Error: Helm Release {identifier}: {error}"
            )
            raise InitFailedError(identifier, self._state(news or wanted), [reason]) from None

    def _state(self, news: Properties) -> Properties:
        wanted = plain(news)
        name, namespace = wanted["name"], wanted["namespace"]
        found = self.helm.metadata(name, namespace) or {}
        status = {
            key: found[key] for key in ("appVersion", "chart", "name", "namespace", "revision", "status", "version")
        }
        return _checkpoint(news, {"status": status, "resourceNames": self.helm.resource_names(name, namespace)})


def _checkpoint(news: Properties, outputs: Properties) -> Properties:
    """Inputs, outputs, and the inputs once more, secret: the next diff compares with those."""
    return {**news, **outputs, "__inputs": Secret(plain(news))}


def _identifier(wanted: Properties) -> str:
    return f"{wanted['namespace']}/{wanted['name']}"


def _set(key: str, value: Tree) -> bool:
    """Zero values are left out, as Go's `omitempty` does; `maxHistory: 0` means something."""
    return key == "maxHistory" or value not in (None, False, "", 0)


def _source(wanted: Properties) -> list[str]:
    """The chart and where it comes from: a path, an OCI reference, or a name in a repository."""
    words = [str(wanted["chart"])]
    repository = wanted.get("repositoryOpts") or {}
    for flags, given in ((_SOURCE_FLAGS, wanted), (_REPOSITORY_FLAGS, repository)):
        for key, flag in flags.items():
            if given.get(key):
                words += [flag, str(given[key])]
    return words + ["--devel"] * bool(wanted.get("devel")) + ["--verify"] * bool(wanted.get("verify"))


def _values(wanted: Properties) -> dict[str, Any]:
    """valueYamlFiles in order, then values."""
    result: dict[str, Any] = {}
    for asset in wanted.get("valueYamlFiles") or []:
        if not isinstance(asset, Asset) or asset.archive:
            raise PluginError("unsupported type for 'valueYamlFiles' arg: use FileAsset or StringAsset")
        text = asset.fields["text"] if "text" in asset.fields else Path(asset.fields["path"]).read_text()
        result = _merged(result, yaml.safe_load(text) or {})
    return _merged(result, wanted.get("values") or {})


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result
