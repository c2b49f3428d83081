"""Fields that Kubernetes does not let change: a change replaces the object. The official table, its current kinds."""

import re
from collections.abc import Mapping
from typing import Any

from lab.plugins.values import Tree


def _below(prefix: str, words: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{word}" for word in words.split())


_SELECTOR = ("spec.selector",)
_POD = (
    "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork "
    "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName "
    "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName "
    "shareProcessNamespace subdomain terminationGracePeriodSeconds volumes"
)
_CONTAINER = (
    "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext "
    "stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
)
_VOLUME = (
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs "
    "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
)

_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps/v1", "DaemonSet"): _SELECTOR,
    ("apps/v1", "Deployment"): _SELECTOR,
    ("apps/v1", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch/v1", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner"),
    ("v1", "ConfigMap"): ("binaryData", "data"),
    ("v1", "PersistentVolume"): _below("spec", _VOLUME),
    ("v1", "PersistentVolumeClaim"): ("spec",),
    ("v1", "Pod"): (
        *_below("spec", _POD),
        *_below("spec.containers[*]", _CONTAINER),
        *_below("spec.initContainers[*]", _CONTAINER),
    ),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Secret"): ("type", "stringData", "data"),
    ("v1", "Service"): ("spec.clusterIP",),
}
_IDENTITY = ("metadata.name", "metadata.namespace")


def replacing(wanted: Mapping[str, Any], paths: list[str], *, patch: bool, mutable: frozenset[str]) -> set[str]:
    """Which of the changed `paths` replace the object: a field of the table, part of one, or what contains one.

    A Patch resource is replaced for another name only. ConfigMaps and Secrets that are set mutable change in place.
    """
    kind = str(wanted.get("kind"))
    fields: tuple[str, ...] = _IDENTITY
    if not patch:
        changing_in_place = kind in mutable and not wanted.get("immutable")
        fields += ("type",) * (kind == "Secret") if changing_in_place else _table(str(wanted.get("apiVersion")), kind)
    return {path for path in paths if any(_covers(field, path, wanted) for field in fields)}


def _table(api_version: str, kind: str) -> tuple[str, ...]:
    return _FIELDS.get((api_version, kind), ())


def _covers(field: str, path: str, wanted: Mapping[str, Any]) -> bool:
    general = re.sub(r"\[\d+\]", "[*]", path)
    if general == field or general.startswith((f"{field}.", f"{field}[")):
        return True
    if not field.startswith((f"{general}.", f"{general}[")):
        return False
    added: Any = wanted
    for key in re.findall(r"[^.\[\]]+", path):
        added = added[int(key)] if isinstance(added, list) else added.get(key) if isinstance(added, dict) else None
    return _has(added, re.findall(r"[^.\[\]]+", field.removeprefix(general)))


def _has(value: Tree, keys: list[str]) -> bool:
    """Whether there is anything below `value` at `keys`, where `*` is any element."""
    if not keys or value is None:
        return value is not None
    if keys[0] == "*":
        return isinstance(value, list) and any(_has(item, keys[1:]) for item in value)
    return isinstance(value, dict) and _has(value.get(keys[0]), keys[1:])
