"""Every policy rule on good and bad resources. Does not prove: that the engine hands these inputs to the pack."""

from typing import Any

import pytest

from policy.rules import RULES, STACK_RULES, Planned

COMMAND = "command:remote:Command"
RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
PINNED = {"host": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}


def found(rule_name: str, kind: str, **props: Any) -> list[str]:
    rule = next(rule for rule in RULES if rule.name == rule_name)
    return list(rule.check(Planned(kind, "x", props)))


def project(level: str | None) -> dict[str, Any]:
    labels = {"gpu-metal/project": "true"}
    if level:
        labels["pod-security.kubernetes.io/enforce"] = level
    return {"metadata": {"name": "vision", "labels": labels}}


@pytest.mark.row("X3")
@pytest.mark.parametrize(
    ("rule", "kind", "props", "says"),
    [
        ("host-key-pinned", COMMAND, {"connection": {"host": "10.0.0.1"}}, "sitectl scan"),
        ("host-key-pinned", "command:remote:CopyToRemote", {"connection": {}}, "sitectl scan"),
        ("host-key-pinned", COMMAND, {"connection": {**PINNED, "proxy": {"host": "b"}}}, "bastion"),
        ("no-literal-secret", COMMAND, {"create": "kubeadm join --token abcdef.0123456789abcdef"}, "stdin"),
        ("no-literal-secret", COMMAND, {"update": "login password=hunter2"}, "stdin"),
        ("no-literal-secret", COMMAND, {"delete": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "stdin"),
        ("no-literal-secret", COMMAND, {"create": "true", "environment": {"A": "b"}}, "environment"),
        ("no-literal-secret", "kubernetes:core/v1:ConfigMap", {"data": {"a": "password: x"}}, "Secret"),
        ("versions-pinned", RELEASE, {"chart": "flannel"}, "exact"),
        ("versions-pinned", RELEASE, {"version": ">=1.0.0"}, "exact"),
        ("versions-pinned", "kubernetes:apps/v1:Deployment", {"spec": {"c": [{"image": "nginx"}]}}, "nginx"),
        ("versions-pinned", "kubernetes:core/v1:Pod", {"spec": {"c": [{"image": "r:5000/nginx:latest"}]}}, "latest"),
        ("versions-pinned", COMMAND, {"create": "gpu-metal apply node \\\n  :: packages@0 names=kubelet"}, "kubelet"),
        (
            "versions-pinned",
            COMMAND,
            {"create": "gpu-metal apply node \\\n  :: 'packages@0#kubernetes' 'names=kubeadm=1.34.2-* kubelet'"},
            "kubelet",
        ),
        ("projects-unprivileged", NAMESPACE, project("privileged"), "podSecurity"),
        ("projects-unprivileged", NAMESPACE, project(None), "podSecurity"),
        (
            "projects-unprivileged",
            "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
            {"roleRef": {"name": "cluster-admin"}},
            "edit",
        ),
    ],
)
def test_a_bad_resource_is_named(rule: str, kind: str, props: dict[str, Any], says: str) -> None:
    messages = found(rule, kind, **props)
    assert len(messages) == 1
    assert says in messages[0]


@pytest.mark.parametrize(
    ("rule", "kind", "props"),
    [
        ("host-key-pinned", COMMAND, {"connection": PINNED}),
        ("no-literal-secret", COMMAND, {"create": "gpu-metal apply base \\\n  :: sysctl@77aa01 vm.swappiness=10"}),
        ("versions-pinned", RELEASE, {"version": "v0.28.0"}),
        (
            "versions-pinned",
            COMMAND,
            {"create": "x \\\n  :: 'packages@0#kubernetes' 'names=kubeadm=1.34.2-* kubelet=1'"},
        ),
        ("versions-pinned", "kubernetes:core/v1:Pod", {"spec": {"c": [{"image": "r:5000/nginx:1.27"}]}}),
        ("versions-pinned", "kubernetes:core/v1:Pod", {"spec": {"c": [{"image": "nginx@sha256:00"}]}}),
        ("projects-unprivileged", NAMESPACE, project("baseline")),
        ("projects-unprivileged", NAMESPACE, {"metadata": {"name": "kube-flannel", "labels": {}}}),
    ],
)
def test_a_good_resource_passes(rule: str, kind: str, props: dict[str, Any]) -> None:
    assert found(rule, kind, **props) == []


def test_messages_never_show_the_secret() -> None:
    assert "hunter2" not in "".join(found("no-literal-secret", COMMAND, create="x password=hunter2"))


def test_that_there_is_a_password_is_no_secret() -> None:
    assert not found("no-literal-secret", COMMAND, create="account#ana name=ana password=no \\\n :: x password=yes")
    assert found("no-literal-secret", COMMAND, create="account#ana password=yes-hunter2")


def test_a_project_without_a_quota_is_named() -> None:
    stack = [
        Planned(NAMESPACE, "vision", project("baseline")),
        Planned(NAMESPACE, "speech", {"metadata": {"name": "speech", "labels": {"gpu-metal/project": "true"}}}),
        Planned("kubernetes:core/v1:ResourceQuota", "vision-quota", {"metadata": {"namespace": "vision"}}),
    ]
    assert list(STACK_RULES[0].check(stack)) == ["project speech has no ResourceQuota. Fix: pulumi up makes it."]
