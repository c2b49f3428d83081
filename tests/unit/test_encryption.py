"""Keys of Secrets: the order of their layers, and their steps with stand-ins for etcd and the API server.

Does not prove: that an API server encrypts with them; tests/scripts/test_hardened.py does.
"""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output

from components.kubernetes.encryption import Encryption
from stacks.load import site_from
from stacks.secrets import Secrets
from stacks.site import build
from tests.unit.recorder import Plan, record
from tests.unit.step_host import StepHost
from tests.unit.test_kubeadm import init
from tests.unit.test_plan import COMMAND, site, void  # noqa: F401 - site is a fixture

pytestmark = pytest.mark.row("K14")

STEPS = Path(__file__).parents[2] / "components/kubernetes/steps"
FILE = "/etc/kubernetes/gpu-metal/api-server/encryption-provider-config"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
KEYS = {name: base64.b64encode(name.encode() * 32).decode() for name in "abc"}
PLANES = "cp-1,cp-2,cp-3"


class AllSecrets(Secrets):
    """Any name has a value."""

    def __init__(self) -> None:
        pass

    def output(self, name: str) -> Output[str]:
        return Output.secret(f"the value of {name}")


@pytest.fixture
def plan(site: dict[str, Any], tmp_path: Path, lab_folder: Path) -> Plan:  # noqa: ARG001, F811
    """Three control planes, two keys."""
    first = site["hosts"]["cp-1"]
    more = {f"cp-{n}": {**first, "address": f"10.213.77.{n}1"} for n in (2, 3)}
    keys = [{"name": "b", "keySecret": "keyB"}, {"name": "a", "keySecret": "keyA"}]
    site["hosts"] = {"cp-1": first, **more}
    site["kubernetes"] |= {"endpoint": "10.213.77.250:6443", "encryption": {"keys": keys}}
    made = site_from({k: v for k, v in site.items() if k in _KEPT}, stack="lab", folder=tmp_path)
    return record(lambda: void(build(made, AllSecrets())), {"lab-kubeconfig": {"stdout": "the-kubeconfig"}}, None)


_KEPT = {
    *("domain", "knownHosts", "ssh", "os", "minimum", "limits", "hosts"),
    *("repositories", "engine", "kubernetes", "network"),
}


def test_each_phase_is_on_all_control_planes_before_the_next(plan: Plan) -> None:
    made = {each.name: each for each in plan.of(COMMAND)}
    phases = [
        ["secret-keys"],
        ["node"],
        ["secret-keys-first"],
        ["secrets-written"],
        ["secret-keys-only"],
    ]
    planes = ["cp-1", "cp-2", "cp-3"]
    order = [[f"{p}-{layer}" for p in planes if f"{p}-{layer}" in made] for [layer] in phases]
    assert order[3] == ["cp-1-secrets-written"]
    assert [len(each) for each in order] == [3, 3, 3, 1, 3]
    for before, after in pairwise(order[1:]):
        for name in after:
            assert {*before} <= _behind(made, name), name
    for plane in planes:
        assert f"{plane}-secret-keys" in _behind(made, f"{plane}-node")
        assert f"{plane}-secret-keys-first" not in _behind(made, f"{plane}-node")
    assert "cp-1-secret-keys-only" in _behind(made, next(name for name in made if "members-" in name))


def _behind(made: dict[str, Any], name: str) -> set[str]:
    """All that it depends on, near and far."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for other in made[todo.pop()].depends_on:
            short = other.rpartition("::")[2]
            if short not in found and short in made:
                found.add(short)
                todo.append(short)
    return found


def test_keys_are_in_a_secret_payload_of_one_layer_and_in_no_command_line(plan: Plan) -> None:
    for each in plan.of(COMMAND):
        assert "the value of" not in each.inputs["create"]
        assert ("stdin" in each.secret) == each.name.endswith("-secret-keys"), each.name


def config(*names: str, decrypt: bool = False) -> Encryption:
    keys = [{"name": name, "keySecret": f"key{name}"} for name in names]
    return Encryption.model_validate({"keys": keys, "decrypt": decrypt})


def test_the_order_says_what_is_written() -> None:
    assert (config("b", "a").order, config("b", "a").how) == (("b", "a", "identity"), "secretbox:v1:b")
    assert (config("a", decrypt=True).order, config("a", decrypt=True).how) == (("identity", "a"), "plain")


def test_a_new_cluster_begins_with_the_file_in_its_api_servers_pod() -> None:
    made = init(encryption={"keys": [{"name": "a", "keySecret": "keyA"}]})["ClusterConfiguration"]["apiServer"]
    assert {"name": "encryption-provider-config", "value": FILE} in made["extraArgs"]
    assert [volume["mountPath"] for volume in made["extraVolumes"]] == [FILE.rpartition("/")[0]]


@pytest.fixture
def plane(tmp_path: Path) -> StepHost:
    """Its API server is started anew by a stand-in that notes it; `bad` makes it fail."""
    host = StepHost(tmp_path)
    host.file(MANIFEST, f"    - --encryption-provider-config={host.path(FILE)}\n")
    return host


class Keys:
    """The step for some order of keys; `api_server_restart` is a stand-in."""

    def __init__(self, host: StepHost) -> None:
        self.host = host
        self.step = host.root / "secret_keys.sh"
        fails = f'[[ ! -e {host.root}/bad ]] || {{ echo "Error: bad"; return 1; }}'
        fake = f"api_server_restart() {{ echo x >>{host.root}/restarts; {fails}; }}"
        fake += f"\napi_server_is_ready() {{ [[ ! -e {host.root}/dead ]]; }}\nsleep() {{ SECONDS=1000; }}"
        self.step.write_text(f"# uses: kubernetes\n{(STEPS / 'secret_keys.sh').read_text()}\n{fake}\n")

    def __call__(
        self, function: str, phase: str, *names: str, planes: str = PLANES, keys: dict[str, str] = KEYS
    ) -> tuple[int, str]:
        inputs = {"phase": phase, "order": ",".join(names), "planes": planes}
        given = {f"key.{name}": keys[name] for name in names if name != "identity"}
        secrets = given if function == "apply" and phase == "known" else None
        return self.host.call(self.step, function, inputs, secrets=secrets)

    def order(self) -> list[str]:
        text = self.host.path(FILE).read_text()
        found = [line.split('"')[1] if '"' in line else "identity" for line in text.splitlines() if "- " in line[6:9]]
        return [name for name in found if name]

    @property
    def restarts(self) -> int:
        path = self.host.path("/restarts")
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def keys(plane: StepHost) -> Keys:
    return Keys(plane)


def etcd(host: StepHost, *pages: dict[str, str]) -> None:
    """What etcd has, page by page: `NAMESPACE/NAME` to the beginning of the value."""
    for number, page in enumerate(pages):
        kvs = [
            {"key": _base64(f"/registry/secrets/{name}"), "create_revision": "2", "value": _base64(value)}
            for name, value in page.items()
        ]
        more = {"more": True} if number + 1 < len(pages) else {}
        host.file(f"/page-{number}", json.dumps({"header": {"revision": "9"}, "kvs": kvs, **more}))
    host.program("curl", 'n=$(ls "$0"-asked-* 2>/dev/null | wc -l); cat >"$0-asked-$n"; cat "${0%/bin/curl}/page-$n"')


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_key_is_known_before_it_is_used_and_gone_after(keys: Keys) -> None:
    keys.host.path(MANIFEST).unlink()
    assert keys("apply", "known", "a", "identity") == (0, "")
    assert keys.order() == ["identity", "a"]
    assert keys.restarts == 0  # none runs with it yet
    keys.host.file(MANIFEST, f"    - --encryption-provider-config={keys.host.path(FILE)}\n")
    assert keys("check", "first", "a", "identity")[0] == 10
    assert keys("apply", "first", "a", "identity") == (0, "")
    assert (keys.order(), keys.restarts) == (["a", "identity"], 1)
    # Another one in its place
    assert keys("apply", "known", "b", "identity") == (0, "")
    assert (keys.order(), keys.restarts) == (["a", "identity", "b"], 2)
    assert keys("apply", "first", "b", "identity") == (0, "")
    assert (keys.order(), keys.restarts) == (["b", "identity", "a"], 3)
    etcd(keys.host, {"default/s": "k8s:enc:secretbox:v1:b:x"})
    assert keys("apply", "only", "b", "identity") == (0, "")
    assert (keys.order(), keys.restarts) == (["b", "identity"], 3)
    for phase in ("known", "first", "only"):
        assert keys("check", phase, "b", "identity") == (0, "")
    assert keys.host.path(FILE).stat().st_mode & 0o777 == 0o600


def test_a_key_that_secrets_need_stays(keys: Keys) -> None:
    keys("apply", "known", "b", "a", "identity")
    etcd(keys.host, {"default/s": "k8s:enc:secretbox:v1:a:x"})
    status, said = keys("apply", "only", "b", "identity")
    assert (status, said.startswith("Secrets in etcd are encrypted with secretbox:v1:a, which")) == (10, True)
    assert "a" in keys.order()


def test_one_that_begins_alone_writes_with_it_at_once(keys: Keys) -> None:
    keys.host.path(MANIFEST).unlink()
    assert keys("apply", "known", "a", "identity", planes="cp-1") == (0, "")
    assert keys.order() == ["a", "identity"]
    assert keys("check", "first", "a", "identity", planes="cp-1") == (0, "")


def test_keys_with_which_the_api_server_does_not_start_give_way(keys: Keys) -> None:
    keys("apply", "known", "a", "identity")
    keys.host.file("/bad", "")
    status, said = keys("apply", "known", "b", "identity")
    assert (status, "did not start with the keys of the site: Error: bad. The former file is back." in said) == (
        10,
        True,
    )
    assert keys.order() == ["identity", "a"]
    assert not keys.host.path("/etc/kubernetes/gpu-metal/encryption-former").exists()


def test_an_api_server_that_does_not_answer_before_is_not_waited_for(keys: Keys) -> None:
    """That of a control plane that was taken out, and comes back: its membership is a later layer's."""
    keys("apply", "known", "a", "identity")
    before = keys.restarts
    keys.host.file("/dead", "")
    assert keys("apply", "known", "b", "identity") == (0, "")
    assert (keys.order(), keys.restarts) == (["identity", "a", "b"], before)
    assert keys("check", "known", "b", "identity") == (0, "")
    # Later it is to write with it: then it must be there.
    assert keys("apply", "first", "b", "identity") == (0, "")
    assert keys.restarts == before + 1


def test_a_run_that_was_cut_off_before_the_restart_is_completed(keys: Keys) -> None:
    keys("apply", "known", "a", "identity")
    before = keys.restarts
    keys.host.file("/etc/kubernetes/gpu-metal/encryption-former", "x\n")
    assert "was not restarted" in keys("check", "known", "a", "identity")[1]
    assert keys("apply", "known", "a", "identity") == (0, "")
    assert keys.restarts == before + 1


@pytest.mark.parametrize(
    ("text", "says"), [("YQ==", "is not 32 bytes"), ("", "is not 32 bytes"), (KEYS["c"], "is another than before")]
)
def test_another_secret_for_a_key_is_refused_without_a_word_of_it(keys: Keys, text: str, says: str) -> None:
    keys("apply", "known", "a", "identity")
    had = keys.host.path(FILE).read_text()
    status, said = keys("apply", "known", "a", "identity", keys={"a": text})
    assert (status, says in said) == (10, True)
    assert not text or text not in said
    assert keys.host.path(FILE).read_text() == had


def test_undone_the_file_stays_while_the_api_server_reads_it(keys: Keys) -> None:
    keys("apply", "known", "a", "identity")
    assert "stays" in keys("undo", "known", "a", "identity")[1]
    keys.host.file(MANIFEST, "")
    keys("undo", "known", "a", "identity")
    assert not keys.host.path(FILE).parent.exists()
