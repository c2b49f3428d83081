"""Secrets in etcd over the years: encrypted on a running cluster, with another key, as plain text again, out of the site.

Not proven here: several control planes (tests/unit/test_encryption.py has the order of their layers).
"""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.step import Step
from lab import paths
from stacks import plan
from tests.scripts.lab_host import HOST, LabHost
from tests.scripts.one_plane import site
from tests.scripts.two_hosts import KUBECTL, prepared

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.row("K14")]

FILE = "/etc/kubernetes/gpu-metal/api-server/encryption-provider-config"
A, B = ({"name": name, "keySecret": f"key{name}"} for name in "ab")
SECRETS = {key["keySecret"]: base64.b64encode(os.urandom(32)).decode() for key in (A, B)}
STORED = (
    "curl -s --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt"
    " --key /etc/kubernetes/pki/etcd/server.key https://127.0.0.1:2379/v3/kv/range"
    """ -d '{"key":"'$(printf /registry/secrets/default/before | base64)'"}'"""
    """ | sed -n 's/.*"value":"\\([^"]*\\)".*/\\1/p' | base64 -d | tr -cd '[:print:]'"""
)


@dataclass
class Plane:
    """A control plane, alone, which runs since before its site said anything of Secrets."""

    host: LabHost
    folder: Path

    def layers(self, **kubernetes: object) -> dict[str, list[Step]]:
        made = site(self.folder, kubernetes)
        return plan.cluster(made, made.hosts[HOST.name])

    def up(self, **encryption: Any) -> set[str]:
        """Layer by layer; returns what changed."""
        done = {
            f"{layer}/{step}": said
            for layer, steps in self.layers(encryption=encryption).items()
            for step, said in self.host.apply(layer, steps, SECRETS).items()
        }
        return {step for step, said in done.items() if said == "changed"}

    def before(self) -> tuple[str, str]:
        """What etcd has of the Secret, and what the API server says that it is."""
        read = self.host.bash(f"{KUBECTL} get secret before -o 'jsonpath={{.data.p}}'")
        return self.host.bash(STORED), base64.b64decode(read).decode()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("GPU_METAL_LAB", str(paths.LAB))
        folder = tmp_path_factory.mktemp("site")
        host = stack.enter_context(prepared(site(folder, {}), HOST.name))
        plane = Plane(host, folder)
        host.apply("node", plane.layers()["node"])
        host.bash(f"{KUBECTL} create secret generic before --from-literal=p=hunter2")
        assert "hunter2" in plane.before()[0]
        yield plane


def test_switched_on_all_secrets_that_are_there_are_encrypted(plane: Plane) -> None:
    changed = plane.up(keys=[A])
    keys = {"secret-keys/secret_keys", "secret-keys-first/secret_keys", "secrets-written/secrets_written"}
    assert changed == {*keys, "node/api_server"}
    stored, read = plane.before()
    assert (stored.startswith("k8s:enc:secretbox:v1:a:"), read) == (True, "hunter2")
    assert plane.host.bash(f"stat -c '%a %U' {FILE}") == "600 root\n"
    assert plane.host.check() == {}
    assert plane.up(keys=[A]) == set()


def test_out_of_the_site_at_once_is_refused(plane: Plane) -> None:
    done = plane.host.run("node", plane.layers()["node"])
    assert "Secrets in etcd are encrypted with secretbox:v1:a, which the API server would not have" in done.stderr
    assert plane.before()[1] == "hunter2"
    assert plane.up(keys=[A]) == set()


def test_what_is_no_key_and_another_key_of_the_same_name_are_refused(plane: Plane) -> None:
    steps = plane.layers(encryption={"keys": [A]})["secret-keys"]
    for text, says in (
        ("c2hvcnQ=", "is not 32 bytes in base64"),
        (SECRETS["keyb"], "is another than before, and Secrets may"),
    ):
        done = plane.host.run("secret-keys", steps, {"keya": text})
        assert says in done.stderr
        assert text not in done.stdout + done.stderr
    assert plane.before()[1] == "hunter2"


def test_another_key_in_place_of_the_first_takes_one_run(plane: Plane) -> None:
    assert "secrets-written/secrets_written" in plane.up(keys=[B])
    stored, read = plane.before()
    assert (stored.startswith("k8s:enc:secretbox:v1:b:"), read) == (True, "hunter2")
    assert 'name: "a"' not in plane.host.bash(f"cat {FILE}")
    assert plane.host.check() == {}
    assert plane.up(keys=[B]) == set()


def test_a_secret_that_somebody_wrote_otherwise_is_named(plane: Plane) -> None:
    plane.host.bash(f"sed -i '/secretbox/{{h;d}}; /identity/G' {FILE}; pkill -x kube-apiserver; sleep 5")
    plane.host.bash(f"until {KUBECTL} create secret generic other --from-literal=p=1; do sleep 2; done")
    says = plane.host.check()
    assert "the keys in" in says["secret_keys"][1]
    assert "1 of " in says["secrets_written"][1]
    assert "default/other: plain" in says["secrets_written"][1]
    plane.up(keys=[B])
    assert plane.host.check() == {}


def test_written_plain_again_encryption_may_leave_the_site(plane: Plane) -> None:
    plane.up(keys=[B], decrypt=True)
    assert "hunter2" in plane.before()[0]
    assert plane.host.check() == {}
    plane.host.apply("node", plane.layers()["node"])
    for layer in ("secret-keys-only", "secrets-written", "secret-keys-first", "secret-keys"):
        assert plane.host.gpu_metal(f"undo {layer}").returncode == 0
    assert plane.before()[1] == "hunter2"
    assert plane.host.bash(f"ls {FILE} 2>&1 || true").endswith("No such file or directory\n")
    assert plane.host.bash("pgrep -af kube-apiserver | grep -c encryption || true") == "0\n"
    assert plane.host.check() == {}
