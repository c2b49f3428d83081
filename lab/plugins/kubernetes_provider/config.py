"""The provider's own configuration: what Configure is given, kubeconfigs, and when a change means another cluster."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.plugins import diffs
from lab.plugins.serve import PluginError
from lab.plugins.values import UNKNOWN, Properties, Tree, has_unknown

_PREFIX = "kubernetes:config:"
_DEFAULT_TIMEOUT = 32.0
"""Seconds a request may take when kubeClientSettings says nothing: client-go's discovery."""


@dataclass(frozen=True)
class Settings:
    """`kubeconfig` is content; None means what kubectl would take. Never printed: it holds keys."""

    kubeconfig: str | None = field(default=None, repr=False)
    context: str | None = None
    cluster: str | None = None
    namespace: str = ""
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    patch_force: bool = False
    upsert: bool = False
    mutable: frozenset[str] = frozenset()
    timeout: float = _DEFAULT_TIMEOUT
    helm_environment: Mapping[str, str] = field(default_factory=dict)


def settings(variables: Mapping[str, str]) -> Settings:
    """From Configure's variables, else PULUMI_K8S_…. Raises PluginError for what only the official plugin does."""
    given = {key.removeprefix(_PREFIX): text for key, text in variables.items()}

    def switch(key: str, variable: str, default: str = "false") -> bool:
        return given.get(key, os.environ.get(f"PULUMI_K8S_{variable}", default)) == "true"

    if not switch("enableServerSideApply", "ENABLE_SERVER_SIDE_APPLY", "true"):
        raise PluginError("the lab's stand-in plugin knows server-side apply only. Fix: remove enableServerSideApply")
    if given.get("renderYamlToDirectory"):
        raise PluginError("the lab's stand-in plugin renders no YAML. Fix: remove renderYamlToDirectory")
    client = json.loads(given.get("kubeClientSettings") or "{}")
    mutable = {
        "ConfigMap": switch("enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
        "Secret": switch("enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
    }
    return Settings(
        kubeconfig=content(given.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"),
        context=given.get("context") or None,
        cluster=given.get("cluster") or None,
        namespace=given.get("namespace", ""),
        delete_unreachable=switch("deleteUnreachable", "DELETE_UNREACHABLE"),
        skip_update_unreachable=switch("skipUpdateUnreachable", "SKIP_UPDATE_UNREACHABLE"),
        patch_force=switch("enablePatchForce", "ENABLE_PATCH_FORCE"),
        upsert=switch("upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
        mutable=frozenset(kind for kind, on in mutable.items() if on),
        timeout=float(client.get("timeout") or os.environ.get("PULUMI_K8S_CLIENT_TIMEOUT") or _DEFAULT_TIMEOUT),
        helm_environment=_helm_environment(json.loads(given.get("helmReleaseSettings") or "{}")),
    )


def _helm_environment(given: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "driver": "HELM_DRIVER",
        "pluginsPath": "HELM_PLUGINS",
        "registryConfigPath": "HELM_REGISTRY_CONFIG",
        "repositoryCache": "HELM_REPOSITORY_CACHE",
        "repositoryConfigPath": "HELM_REPOSITORY_CONFIG",
    }
    return {variable: str(given[key]) for key, variable in names.items() if given.get(key)}


def content(kubeconfig: str) -> str | None:
    """The text of a kubeconfig that is given as text or as a path; None where there is no such file."""
    if "\n" in kubeconfig or kubeconfig.lstrip().startswith("{"):
        return kubeconfig
    path = Path(kubeconfig).expanduser()
    return path.read_text() if path.is_file() else None


def active_cluster(kubeconfig: Tree, overrides: Mapping[str, Any]) -> Tree:
    """The cluster entry that the kubeconfig's context (or the overrides) selects; {} when there is none."""
    parsed = _parsed(kubeconfig)
    clusters = {entry["name"]: entry["cluster"] for entry in parsed.get("clusters") or []}
    contexts = {entry["name"]: entry["context"] for entry in parsed.get("contexts") or []}
    context = contexts.get(overrides.get("context") or parsed.get("current-context"))
    if context is None:
        return {}
    return clusters.get(overrides.get("cluster") or context.get("cluster"), {})


def _parsed(kubeconfig: Tree) -> dict[str, Any]:
    if kubeconfig is None or isinstance(kubeconfig, dict):
        return kubeconfig or {}
    try:
        parsed = yaml.safe_load(content(kubeconfig) or "")
    except yaml.YAMLError:
        raise PluginError("failed to parse kubeconfig: it is not YAML") from None
    return parsed if isinstance(parsed, dict) else {}


def check(news: Properties, urn: str) -> list[tuple[str, str]]:
    """strictMode's failures: (property, reason)."""
    ambient = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    if str(news.get("strictMode", ambient.get("strictMode", ""))).lower() != "true":
        return []
    failures = []
    if urn.rsplit("::", 1)[-1].startswith("default"):
        failures.append(("", "strict mode prohibits default provider"))
    return failures + [
        (key, f'strict mode requires Provider "{key}" argument')
        for key in ("kubeconfig", "context")
        if not news.get(key)
    ]


def changed(olds: Properties, news: Properties) -> tuple[set[str], set[str]]:
    """Which keys differ, and which of them mean another cluster, so that everything on it is replaced.

    With an unchanged clusterIdentifier nothing is; a changed one always does (adding or removing it does not); else an
    unknown or changed active cluster does.
    """
    differing = {diffs.top(path) for path in diffs.changes(olds, news)}
    old_id, new_id = olds.get("clusterIdentifier"), news.get("clusterIdentifier")
    if not differing or (new_id is not None and old_id == new_id):
        return differing, set()
    replacing = {"clusterIdentifier"} if old_id and new_id else set()
    selecting = ("kubeconfig", "context", "cluster")
    for key in selecting:
        if news.get(key) is UNKNOWN or has_unknown(news.get(key)):
            return {key}, replacing | {key}
    before, after = active_cluster(olds.get("kubeconfig"), olds), active_cluster(news.get("kubeconfig"), news)
    if before != after:
        replacing |= differing & set(selecting)
    return differing, replacing
