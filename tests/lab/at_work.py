"""The lab's site with everything that it can have in its cluster, and its five users at work."""

import json
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lab.paths import TOOLS_BIN
from tests.lab.stack import Stack
from tests.parts.gpu_operator.lab import gpu_pods
from tests.parts.ingress.lab import front
from tests.parts.monitoring.lab import measured
from tests.parts.storage.lab import shares

USERS: dict[str, Any] = {name: {} for name in ("ana", "ben", "cleo", "dan", "eve")}
PROJECTS: dict[str, Any] = {
    "vision": {"gpus": 2, "cpu": "4", "memory": "8Gi", "storage": "10Gi", "members": ["ana", "ben", "eve"]},
    "audio": {"gpus": 1, "members": ["cleo", "dan", "eve"]},
}


def everything(stack: Stack) -> None:
    """Adds users, projects and all parts to the site."""

    def change(site: dict[str, Any]) -> None:
        site.update(users=USERS, projects=PROJECTS, gpuOperator=gpu_pods.of_site(), storage=shares.STORAGE)
        site["monitoring"] = measured.of_site()

    stack.edit(change)
    front.network(stack)
    front.renew(stack)


def nothing(stack: Stack) -> None:
    """Takes the parts out; users and projects stay."""

    def change(site: dict[str, Any]) -> None:
        del site["gpuOperator"], site["monitoring"], site["storage"]
        del site["network"]["loadBalancer"], site["network"]["ingress"]

    stack.edit(change)


def kubeconfig(stack: Stack, user: str) -> Path:
    """The user's own."""
    file = stack.folder / f"{user}.kubeconfig"
    stack.sitectl("user", "kubeconfig", user, "--to", str(file)).ok()
    return file


Asked = tuple[str, str, str]
"""Verb, resource, namespace."""


def may(config: Path, verb: str, what: str, namespace: str) -> bool:
    """What `kubectl auth can-i` answers, from this machine."""
    [answer] = may_each(config, [(verb, what, namespace)]).values()
    return answer


def may_each(config: Path, asked: Collection[Asked]) -> dict[Asked, bool]:
    """As `may`, for many at once: what `kubectl auth can-i` sends to the API server, by one kubectl."""
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": verb, "resource": what, "namespace": namespace}},
        }
        for verb, what, namespace in asked
    ]
    words = ["create", "--validate=false", "-f", "-", "-o", r'jsonpath={.status.allowed}{"\n"}']
    done = subprocess.run(
        [TOOLS_BIN / "kubectl", "--kubeconfig", config, *words],
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews}),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.split()
    assert set(said) <= {"true", "false"}, done.stderr
    return {one: answer == "true" for one, answer in zip(asked, said, strict=True)}


def failed(stack: Stack, *words: str) -> list[dict[str, Any]]:
    """The checks that a verb of sitectl calls failed."""
    checks = json.loads(stack.sitectl(*words, "-o", "json").out)["checks"]
    return [each for each in checks if each["status"] == "failed"]
