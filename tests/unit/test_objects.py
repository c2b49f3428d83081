"""The cluster's objects by a state and a control plane's answers. Does not prove: that an up mends what is recorded."""

import asyncio
import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.hostrun.fleet import Fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from ops import objects, record_objects
from ops.objects import Look, look

STACK = "urn:pulumi:dev::gpu-metal::"
CA = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"
KUBECONFIG = f"clusters:\n- cluster: {{certificate-authority-data: {base64.b64encode(CA.encode()).decode()}}}\n"
CANARY = "canary-4711"


def marked(value: object) -> dict[str, str]:
    """A secret, as `stack export --show-secrets` has it."""
    return {objects.MARK: "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


def resource(kind: str, name: str, more: Mapping[str, Any], *after: str, type_: str = "") -> dict[str, Any]:
    """An object in the namespace vision, as the state has it."""
    inputs = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "vision"}, **more}
    return {
        "urn": f"{STACK}{name}-{kind.lower()}",
        "type": type_ or f"kubernetes:core/v1:{kind}",
        "custom": True,
        "inputs": inputs,
        "outputs": json.loads(json.dumps(inputs)),
        "dependencies": list(after),
        "propertyDependencies": {"spec": list(after)},
    }


class Site:
    """A state behind pulumi, and the objects on the control planes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        command = {"create": "sudo -n cat /etc/kubernetes/admin.conf"}
        home = {"type": "command:remote:Command", "deletedWith": f"{STACK}cp-2-runner"}
        kubeconfig = {"urn": f"{STACK}dev-kubeconfig", **home, "inputs": command}
        quota = resource("ResourceQuota", "project", {"spec": {"hard": {"pods": "100"}}})
        secret = resource("Secret", "key", {"stringData": marked({"key": CANARY})}, f"{STACK}project-resourcequota")
        values = {"name": "flannel", "namespace": "kube-flannel", "version": "v0.28.0"}
        release = resource("Release", "flannel", {}, type_=objects.RELEASE) | {"inputs": values, "outputs": {**values}}
        self.resources = [{**kubeconfig, "outputs": {**command, "stdout": marked(KUBECONFIG)}}, quota, secret, release]
        self.live = [self.resources[1]["inputs"], {**self.resources[2]["inputs"], "data": self.kept(CANARY)}]
        self.release: dict[str, Any] | None = {"status": "deployed", "version": "0.28.0"}
        self.ca: dict[str, str | Result | SshError] = {"cp-1": "", "cp-2": CA}
        self.kubeconfig = KUBECONFIG
        """On cp-2, from where the state has its own."""
        self.answer: Result | None = None
        """What kubectl says of objects, in place of the live ones."""
        self.imported: dict[str, dict[str, Any]] = {}
        monkeypatch.setattr(objects, "pulumi", self.pulumi)
        monkeypatch.setattr(record_objects, "pulumi", self.pulumi)

    @staticmethod
    def kept(value: str) -> dict[str, str]:
        return {"key": base64.b64encode(value.encode()).decode()}

    def pulumi(self, words: Sequence[str], _stack: str, _folder: Path, *, stdin: str | None = None) -> str:
        if words[1] == "import":
            assert stdin
            self.imported = {
                each["urn"].rpartition("::")[2]: each for each in json.loads(stdin)["deployment"]["resources"]
            }
            return ""
        return json.dumps({"deployment": {"resources": self.resources}})

    async def ask(self, target: Target, command: str, *, stdin: bytes = b"", **_: object) -> Result:
        if "ca.crt" in command:
            answer = self.ca[target.name]
            if isinstance(answer, SshError):
                raise answer
            return answer if isinstance(answer, Result) else Result(0, answer, "")
        assert target.name == "cp-2", "the other has no cluster"
        if command == objects.KUBECONFIG:
            return Result(0, self.kubeconfig, "")
        if "owner=helm" in command:
            assert "status!=superseded" in command, "ten revisions of a large chart are more than an answer may have"
            return Result(0, json.dumps({"items": self._revisions()}), "")
        if self.answer is not None:
            return self.answer
        names = {(each["kind"], each["metadata"]["name"]) for each in json.loads(stdin)["items"]}
        found = [each for each in self.live if (each["kind"], each["metadata"]["name"]) in names]
        return Result(0, json.dumps({"kind": "List", "items": found}) if len(found) != 1 else json.dumps(found[0]), "")

    def _revisions(self) -> list[dict[str, Any]]:
        if self.release is None:
            return []
        info = {"info": {"status": self.release["status"]}, "chart": {"metadata": {"version": self.release["version"]}}}
        text = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(info).encode()))).decode()
        revisions = (("kube-flannel", "10", text), ("kube-flannel", "1", ""), ("other", "11", ""))
        return [
            {
                "metadata": {"namespace": of, "labels": {"name": "flannel", "version": version}},
                "data": {"release": kept},
            }
            for of, version, kept in revisions
        ]

    def look(self, *unasked: str) -> Look:
        planes = {name: Target(name, name, 22, "deploy", "ssh-ed25519 AAAA") for name in self.ca if name not in unasked}
        return asyncio.run(look("dev", Path(), Fleet(planes, ask=self.ask), unasked))

    def untrue(self) -> list[str]:
        return [str(check) for check in self.look().checks if check.status != "ok"]

    def record(self, *unasked: str) -> list[str]:
        return record_objects.record_objects(self.look(*unasked), "dev", Path())


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def test_all_holds(site: Site) -> None:
    assert [(check.id, check.saw) for check in site.look().checks] == [("objects", "3 objects hold")]
    assert site.record() == []
    assert not site.imported


def test_an_object_of_the_whole_cluster_whose_kind_was_not_known_yet_is_found(site: Site) -> None:
    role = resource("GlobalRoleBinding", "ana", {"userName": "u-1"}, type_="kubernetes:management.cattle.io/v3:Any")
    role["inputs"]["metadata"]["namespace"] = "default"
    del role["outputs"]["metadata"]["namespace"]
    site.resources.append(role)
    site.live.append({**role["inputs"], "metadata": {"name": "ana"}})
    assert site.untrue() == []


@pytest.mark.row("X22")
def test_a_changed_field_is_named_and_written_where_a_refresh_would(site: Site) -> None:
    site.live[0] = {**site.live[0], "spec": {"hard": {"pods": "999"}}}
    fix = "Fix: sitectl drift --record, then pulumi up."
    assert site.untrue() == [f"cp-2 [object/ResourceQuota/vision/project] spec.hard.pods is 999. Wanted: 100. {fix}"]
    assert site.record() == ["project-resourcequota"]
    for side in ("inputs", "outputs"):
        assert site.imported["project-resourcequota"][side]["spec"]["hard"] == {"pods": "999"}


@pytest.mark.row("X22")
def test_a_missing_object_is_forgotten_and_nothing_in_the_state_names_it(site: Site) -> None:
    del site.live[0]
    assert "[object/ResourceQuota/vision/project] is not there." in site.untrue()[0]
    assert site.record() == ["project-resourcequota"]
    assert "project-resourcequota" not in site.imported
    assert f"{STACK}project-resourcequota" not in json.dumps(site.imported)


@pytest.mark.row("X2")
def test_a_secrets_value_is_said_nowhere(site: Site) -> None:
    site.live[1] = {**site.live[1], "data": site.kept("other")}
    [said] = site.untrue()
    assert "[object/Secret/vision/key] data.key is another value." in said
    assert not {CANARY, "other", *site.kept("other").values()} & set(said.split())
    assert site.record() == ["key-secret"]
    assert "key-secret" not in site.imported


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ({"status": "failed", "version": "0.28.0"}, "status is failed. Wanted: deployed."),
        ({"status": "deployed", "version": "0.27.1"}, "version is 0.27.1. Wanted: v0.28.0."),
    ],
)
def test_a_release_that_somebody_changed_is_upgraded(site: Site, release: dict[str, str], says: str) -> None:
    site.release = release
    assert f"[object/Release/kube-flannel/flannel] {says}" in site.untrue()[0]
    assert site.record() == ["flannel-release"]
    assert site.imported["flannel-release"]["inputs"]["version"] != "v0.28.0"


def test_a_release_that_is_gone_is_installed(site: Site) -> None:
    site.release = None
    assert site.record() == ["flannel-release"]
    assert "flannel-release" not in site.imported


@pytest.mark.row("X4", "K12")
@pytest.mark.parametrize("bundle", [CA + CA.replace("ours", "next"), CA.replace("ours", "next") + "\n" + CA])
def test_a_cluster_that_gets_another_ca_is_the_same_one_while_it_has_both(site: Site, bundle: str) -> None:
    site.ca = {"cp-1": "", "cp-2": bundle}
    assert [check.status for check in site.look().checks] == ["ok"]
    site.kubeconfig = KUBECONFIG.replace("clusters", "# another\nclusters")
    assert site.record() == ["dev-kubeconfig"]
    assert {"flannel-release", "key-secret"} <= site.imported.keys()


@pytest.mark.row("X4")
@pytest.mark.parametrize("others", ["", CA.replace("ours", "theirs")])
def test_objects_of_a_cluster_that_is_gone_are_forgotten_and_the_kubeconfig_is_read_anew(
    site: Site, others: str
) -> None:
    site.ca = {"cp-1": "", "cp-2": others}
    assert "[cluster] the cluster that 3 objects of the state belong to" in site.untrue()[0]
    assert site.record() == ["dev-kubeconfig", "flannel-release", "key-secret", "project-resourcequota"]
    assert site.imported.keys() == {"dev-kubeconfig"}
    assert site.imported["dev-kubeconfig"]["inputs"]["create"].startswith("DRIFTED")


@pytest.mark.parametrize("silent", [SshError("cp-2", "address", "down."), "-----BEGIN CERTIFICATE-----\nMIIC"])
def test_while_a_control_plane_is_silent_nothing_is_forgotten(site: Site, silent: str | SshError) -> None:
    site.ca = {"cp-1": "", "cp-2": silent}
    assert [check.status for check in site.look().checks] == ["unknown"]
    assert site.record() == []
    assert not site.imported


@pytest.mark.parametrize("unasked", [("cp-2",), ("cp-1", "cp-2")])
def test_while_there_is_no_way_to_a_control_plane_nothing_is_forgotten(site: Site, unasked: tuple[str, ...]) -> None:
    assert [(check.status, check.host) for check in site.look(*unasked).checks] == [("unknown", unasked[0])]
    assert site.record(*unasked) == []
    assert not site.imported


def test_of_the_sites_control_planes_those_without_a_way_are_named(site: Site) -> None:
    cp_2 = Target("cp-2", "cp-2", 22, "deploy", "ssh-ed25519 AAAA")
    planes = [SimpleNamespace(name=name) for name in ("cp-1", "cp-2")]
    with_a_cluster: Any = SimpleNamespace(kubernetes=object(), control_planes=planes)
    flags: Any = SimpleNamespace(stack="dev", folder=Path())
    site.ca = {"cp-2": ""}
    seen = objects.of_site(flags, with_a_cluster, Fleet({"cp-2": cp_2}, ask=site.ask))
    assert [(check.status, check.host) for check in seen.checks] == [("unknown", "cp-1")]


def test_while_a_cas_file_cannot_be_read_nothing_is_forgotten(site: Site) -> None:
    site.ca["cp-2"] = Result(1, "", "cat: /etc/kubernetes/pki/ca.crt: Input/output error")
    assert [check.status for check in site.look().checks] == ["unknown"]
    assert site.record() == []
    assert not site.imported


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Result(137, "", ""), "ended with status 137 and without a word"),
        (Result(1, "", "The connection to the server was refused"), "was refused"),
        (Result(0, '{"kind": "List", "items": [', ""), "is cut short"),
    ],
)
def test_no_answer_of_kubectl_is_no_missing_object(site: Site, answer: Result, says: str) -> None:
    site.answer = answer
    [check] = site.look().checks
    assert check.status == "unknown"
    assert says in check.saw
    assert site.record() == []
    assert not site.imported


def test_a_field_that_the_outputs_have_otherwise_is_written_into_the_inputs(site: Site) -> None:
    site.live[0] = {**site.live[0], "spec": {"hard": {"pods": "999"}}}
    site.resources[1]["outputs"]["spec"] = None
    assert site.record() == ["project-resourcequota"]
    assert site.imported["project-resourcequota"]["inputs"]["spec"]["hard"] == {"pods": "999"}


@pytest.mark.row("X4")
def test_a_renewed_kubeconfig_is_read_anew_and_nothing_is_forgotten(site: Site) -> None:
    site.kubeconfig = f"{KUBECONFIG}users: [{CANARY}]\n"
    [said] = site.untrue()
    assert said.startswith("cp-2 [kubeconfig] the administrator's kubeconfig is another since the stack has read it.")
    assert CANARY not in said
    assert site.record() == ["dev-kubeconfig"]
    assert site.imported.keys() == {each["urn"].rpartition("::")[2] for each in site.resources}
    assert site.imported["dev-kubeconfig"]["inputs"]["create"].startswith("DRIFTED")
