"""Every policy rule on good and bad resources. Does not prove: that the engine hands these inputs to the pack."""

from typing import Any

import pytest

from policy.rules import RULES, STACK_RULES, Planned, foreign

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
            "kubernetes:mellanox.com/v1alpha1:NicClusterPolicy",
            {"spec": {"nvIpam": {"image": "nvidia-k8s-ipam", "repository": "r/mellanox", "version": "latest"}}},
            "r/mellanox/nvidia-k8s-ipam:latest",
        ),
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
        (
            "versions-pinned",
            "kubernetes:mellanox.com/v1alpha1:NicClusterPolicy",
            {"spec": {"nvIpam": {"image": "nvidia-k8s-ipam", "repository": "r/mellanox", "version": "v26.4.1"}}},
        ),
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
        Planned(
            "kubernetes:core/v1:ResourceQuota",
            "speech-priority",  # bounds a few pods only
            {"metadata": {"namespace": "speech"}, "spec": {"scopeSelector": {"matchExpressions": []}}},
        ),
    ]
    assert list(STACK_RULES[0].check(stack)) == [
        "project speech has no ResourceQuota. Fix: make one in it, or take the label gpu-metal/project away."
    ]


def in_project(kind: str, spec: dict[str, Any], namespace: str = "vision") -> list[str]:
    """What is said of one object beside a project's namespace."""
    stack = [
        Planned(NAMESPACE, "vision", project("baseline")),
        Planned(f"kubernetes:{kind}", "work", {"metadata": {"namespace": namespace}, "spec": spec}),
    ]
    return list(STACK_RULES[1].check(stack))


BAD: dict[str, Any] = {
    "hostNetwork": True,
    "volumes": [{"name": "root", "hostPath": {"path": "/"}}, {"name": "data", "persistentVolumeClaim": {}}],
    "initContainers": [{"name": "first", "securityContext": {"privileged": True}, "resources": {}}],
    "containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}],
}
SAYS = [
    "work in project vision: hostNetwork shares the host with its pods. Fix: take it away.",
    "work in project vision: volume root is a hostPath. Fix: use a claim.",
    "work in project vision: container first is privileged. Fix: take it away.",
    "work in project vision: container first requests no cpu and no memory. Fix: write resources.requests.",
    "work in project vision: container main requests no memory. Fix: write resources.requests.",
]


@pytest.mark.row("X3", "S4")
@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("core/v1:Pod", BAD),
        ("apps/v1:DaemonSet", {"template": {"spec": BAD}}),
        ("batch/v1:CronJob", {"jobTemplate": {"spec": {"template": {"spec": BAD}}}}),
    ],
)
def test_what_runs_in_a_project_has_no_more_rights_than_its_members(kind: str, spec: dict[str, Any]) -> None:
    assert in_project(kind, spec) == SAYS
    assert in_project(kind, spec, namespace="kube-system") == []


def test_other_objects_in_a_project_run_nothing() -> None:
    assert in_project("core/v1:ConfigMap", BAD) == []
    bound = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]}
    assert in_project("core/v1:Pod", bound) == []


ADMITS = Planned(
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
    "projects-images",
    {"metadata": {"annotations": {"gpu-metal/registries": "registry.example.org:5000/team docker.io/library"}}},
)


@pytest.mark.row("X3")
@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("registry.example.org:5000/team/train:1", True),
        ("registry.example.org:5000/teams/train:1", False),
        ("registry.example.org/team/train:1", False),
        ("busybox:1", True),
        ("library/busybox:1", True),
        ("other/busybox:1", False),
        ("localhost/busybox:1", False),
    ],
)
def test_images_in_projects_are_of_the_sites_registries(image: str, allowed: bool) -> None:
    requests = {"requests": {"cpu": "1", "memory": "1Gi"}}
    spec = {"containers": [{"name": "main", "image": image, "resources": requests}]}
    stack = [
        Planned(NAMESPACE, "vision", project("baseline")),
        Planned("kubernetes:core/v1:Pod", "work", {"metadata": {"namespace": "vision"}, "spec": spec}),
    ]
    assert list(STACK_RULES[1].check(stack)) == [], "any, where the site names none"
    said = list(STACK_RULES[1].check([*stack, ADMITS]))
    assert said == (
        []
        if allowed
        else [
            f"work in project vision: container main has image {image}, which is of none of allowedRegistries. Fix: "
            "take one of registry.example.org:5000/team, docker.io/library, or add its registry to that list."
        ]
    )


@pytest.mark.row("X3")
@pytest.mark.parametrize("image", ["EVIL/busybox:1", f"sha256:{64 * 'a'}"])
def test_a_capital_letter_makes_a_registry_and_a_digest_alone_is_of_none(image: str) -> None:
    assert list(foreign({"containers": [{"name": "main", "image": "a/b"}]}, ["docker.io"])) == []
    [said] = foreign({"containers": [{"name": "main", "image": image}]}, ["docker.io"])
    assert said.startswith(f"container main has image {image}, which is of none of allowedRegistries.")


@pytest.mark.row("X3")
def test_a_volume_may_be_an_image_too() -> None:
    volumes = [{"name": "own", "emptyDir": {}}, {"name": "data", "image": {"reference": "ghcr.io/data:1"}}]
    [said] = foreign({"volumes": volumes}, ["docker.io"])
    assert said.startswith("volume data has image ghcr.io/data:1, which is of none of allowedRegistries.")
