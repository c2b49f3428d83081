"""What the API server is given by the keys oidc and audit. The lab proves that it starts with it."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.host.config import Host
from components.kubernetes import api_server, given, kubeadm, steps
from components.kubernetes.audit import wrong_policy
from components.kubernetes.config import Kubernetes
from components.network.config import Network
from tests.unit.test_kubeadm import ENGINE, host, init

OIDC = {"issuer": "https://login.example.org/realms/lab", "client": "lab", "groupsClaim": "groups"}


ALWAYS = {"shutdown-send-retry-after": "true"}


def kubernetes(**values: Any) -> Kubernetes:
    return Kubernetes.model_validate(values)


@pytest.mark.row("K3")
@pytest.mark.parametrize(("version", "api"), [("1.30.1", "v1beta1"), ("1.33.13", "v1beta1"), ("1.34.0", "v1")])
def test_people_sign_in_by_the_configuration_that_the_version_reads(version: str, api: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    config = kubernetes(version=version, oidc={**OIDC, "usernamePrefix": "", "caFile": str(tmp_path / "ca.pem")})
    path = api_server.path(given.CONFIGURATION)
    assert given.arguments(config) == {**ALWAYS, "authentication-config": path}
    [(name, text)] = given.files(config).items()
    assert name == "authentication-config"
    assert YAML(typ="safe").load(text) == {
        "apiVersion": f"apiserver.config.k8s.io/{api}",
        "kind": "AuthenticationConfiguration",
        "jwt": [
            {
                "issuer": {
                    "url": "https://login.example.org/realms/lab",
                    "audiences": ["lab"],
                    "certificateAuthority": (tmp_path / "ca.pem").read_text(),
                },
                "claimMappings": {
                    "username": {"claim": "sub", "prefix": ""},
                    "groups": {"claim": "groups", "prefix": "oidc:"},
                },
                "userValidationRules": [
                    {
                        "expression": "!user.username.startsWith('system:')",
                        "message": "a user's name must not begin with system:",
                    },
                    {
                        "expression": "user.groups.all(group, !group.startsWith('system:'))",
                        "message": "a group's name must not begin with system:",
                    },
                ],
            }
        ],
    }


def test_how_an_api_server_ends_is_the_site_s_to_say() -> None:
    assert given.arguments(kubernetes()) == ALWAYS
    own = {"shutdown-send-retry-after": "false"}
    assert given.arguments(kubernetes(apiServer=own)) == own


@pytest.mark.row("K3")
def test_versions_without_that_configuration_get_arguments(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("a certificate\n")
    config = kubernetes(version="1.29.4", oidc={**OIDC, "caFile": str(tmp_path / "ca.pem")})
    assert given.arguments(config) == {
        **ALWAYS,
        "oidc-ca-file": api_server.path("oidc-ca-file"),
        "oidc-client-id": "lab",
        "oidc-groups-claim": "groups",
        "oidc-groups-prefix": "oidc:",
        "oidc-issuer-url": "https://login.example.org/realms/lab",
        "oidc-username-claim": "sub",
        "oidc-username-prefix": "oidc:",
    }
    assert given.files(config) == {"oidc-ca-file": "a certificate\n"}


@pytest.mark.row("K3")
def test_an_audit_level_is_a_policy_that_keeps_secrets_out_of_the_log() -> None:
    config = kubernetes(audit={"policy": "RequestResponse", "maxAge": 7, "maxBackups": 3, "maxSizeMb": 50})
    assert given.arguments(config) == {
        **ALWAYS,
        "audit-log-maxage": "7",
        "audit-log-maxbackup": "3",
        "audit-log-maxsize": "50",
        "audit-log-path": "/var/log/kubernetes/audit.log",
        "audit-policy-file": api_server.path("audit-policy-file"),
    }
    policy = YAML(typ="safe").load(given.files(config)["audit-policy-file"])
    assert wrong_policy(policy) is None
    secrets = [
        rule["level"] for rule in policy["rules"] for of in rule.get("resources", []) if "secrets" in of["resources"]
    ]
    assert (secrets, policy["rules"][-1]) == (["Metadata"], {"level": "RequestResponse"})
    assert [each["name"] for each in given.volumes(config)] == [*api_server.VOLUMES]


def test_a_policy_of_the_operator_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("kind: Policy\n")
    config = kubernetes(audit={"policy": str(tmp_path / "policy.yaml")})
    assert given.files(config) == {"audit-policy-file": "kind: Policy\n"}


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"apiVersion": "v1"}, 'has apiVersion "v1". Write audit.k8s.io/v1.'),
        ({"rules": []}, "has no rules,"),
        ({"rules": ["Metadata"]}, "has rules[0], which is not a map of keys."),
        ({"rules": [{"level": "Metadata"}, {"verbs": ["get"]}]}, 'has the level "none" in rules[1].'),
        ({"rules": [{"level": "None", "user": ["a"]}]}, "has rules[0].user, which a Policy does not know."),
        ({"omitStages": ["Received"]}, 'has the stage "Received" in omitStages.'),
        ({}, None),
    ],
)
def test_a_policy_that_the_api_server_would_misread_is_refused(policy: dict[str, Any], said: str | None) -> None:
    whole = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}], **policy}
    found = wrong_policy(whole)
    assert (found or "").startswith(said) if said else found is None


def api_server_step(control_plane: Host, **values: Any) -> dict[str, str]:
    config = kubernetes(**values)
    more: dict[str, Any] = {"cluster": "dev", "kubernetes": config, "network": Network(), "engine": ENGINE}
    made = steps.node(control_plane, [host()], files=given.files(config), **more)
    return next((dict(step.inputs) for step in made if step.id == "api_server"), {})


@pytest.mark.row("K3")
def test_the_diff_shows_each_argument_and_name() -> None:
    wanted = {"extraSans": ["b.example.org", "a.example.org"], "apiServer": {"profiling": "false"}}
    assert api_server_step(host(), **wanted) == {
        "node": "cp-1",
        "address": "10.213.77.11",
        "names": "a.example.org,b.example.org",
        "argument.profiling": "false",
        "argument.shutdown-send-retry-after": "true",
    }
    assert api_server_step(host("cpu-1", "10.213.77.21", "worker"), **wanted) == {}


@pytest.mark.row("K2")
def test_names_that_kubeadm_gives_the_certificate_anyway_are_never_taken_out_of_it() -> None:
    own = ["cp-1", "10.213.77.11", "10.96.0.1", "kubernetes.default.svc.cluster.local", "kubernetes", "api.example.org"]
    found = api_server_step(host(), extraSans=[*own, "more.example.org"], endpoint="api.example.org:6443")
    assert found["names"] == "more.example.org"


def test_the_step_has_the_volumes_as_it_reads_them_of_the_cluster() -> None:
    config = kubernetes(audit={"policy": "Metadata"})
    folder = api_server.FOLDER
    assert given.volume_lines(config) == (
        f'gpu-metal-files {{"name":"gpu-metal-files","hostPath":"{folder}","mountPath":"{folder}","readOnly":true,'
        '"pathType":"Directory"}\n'
        'gpu-metal-audit-log {"name":"gpu-metal-audit-log","hostPath":"/var/log/kubernetes",'
        '"mountPath":"/var/log/kubernetes","pathType":"DirectoryOrCreate"}\n'
    )
    assert len(init(audit={"policy": "Metadata"})["ClusterConfiguration"]["apiServer"]["extraVolumes"]) == 2
    assert kubeadm.API_PORT == 6443, "steps/api_server.sh has it, too"
