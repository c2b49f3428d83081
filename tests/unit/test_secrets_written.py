"""How etcd has Secrets, as the step that writes them anew sees it: with stand-ins for etcd and the API server."""

import base64
import json

import pytest

from tests.unit.step_host import StepHost
from tests.unit.test_encryption import PLANES, STEPS, etcd, plane  # noqa: F401 - plane is a fixture

pytestmark = pytest.mark.row("K14")


def written(host: StepHost, function: str, how: str) -> tuple[int, str]:
    return host.call(STEPS / "secrets_written.sh", function, {"how": how, "planes": PLANES})


def test_how_etcd_has_secrets_is_read_page_by_page_and_their_content_is_not_shown(plane: StepHost) -> None:  # noqa: F811
    etcd(
        plane,
        {"default/a": "k8s:enc:secretbox:v1:b:\x01\x02", "kube-system/b": "k8s\x00hunter2"},
        {"x/c": '{"kind":"Secret","data":"hunter2"}', "x/d": "k8s:enc:kms:v2:vault:zz"},
    )
    status, said = written(plane, "check", "secretbox:v1:b")
    assert status == 10
    assert said == "3 of 4 Secrets are not encrypted with the key b in etcd, for example kube-system/b: plain"
    asked = json.loads(plane.path("/bin/curl-asked-1").read_text())
    assert base64.b64decode(asked["key"]) == b"/registry/secrets/kube-system/b\0"
    assert base64.b64decode(asked["range_end"]) == b"/registry/secrets0"


def test_an_etcd_that_does_not_answer_is_no_etcd_without_secrets(plane: StepHost) -> None:  # noqa: F811
    plane.program("curl", "exit 7")
    status, said = written(plane, "check", "plain")
    assert (status, said.startswith("etcd of this control plane does not show how it has Secrets")) == (1, True)
    plane.program("curl", 'echo {\\"header\\":{\\"revision\\":\\"9\\"}}')
    assert written(plane, "check", "plain") == (0, "")


def test_what_the_api_server_does_not_write_is_said_in_its_own_words(plane: StepHost) -> None:  # noqa: F811
    etcd(plane, *[{"default/a": "k8s\x00"}])
    plane.program("curl", f"cat {plane.root}/page-0")
    plane.program(
        "kubectl",
        '[[ $* == *readyz* ]] && { echo ok; exit; }; echo "$*" >>"$0-asked"; echo denied by policy >&2; exit 1',
    )
    status, said = written(plane, "apply", "secretbox:v1:a")
    assert (status, said) == (
        10,
        "1 Secrets are not encrypted with the key a in etcd, for example default/a: plain. denied by policy",
    )
    assert "-n default patch secret a --type merge -p {}" in plane.path("/bin/kubectl-asked").read_text()
