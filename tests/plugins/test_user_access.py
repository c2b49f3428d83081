"""A user's kubeconfig by the cluster's own certificate API, against a real API server. Needs no host.

Does not prove: that SSH carries the commands, and what `pulumi up` makes of a project.
"""

import base64
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from ruamel.yaml import YAML

from components.hostrun import fleet
from ops import site as sites
from stacks.load import load_site
from tests.parts.orchestra.pilot import starts_jobs
from tests.plugins.api_server import until
from tests.plugins.control_plane import ControlPlane, control_plane
from tests.plugins.people import checks, project
from tests.unit.fake_hosts import Sitectl, sitectl

pytestmark = pytest.mark.row("S4", "X14")
PEOPLE = "    users: {ana: {}, ben: {subject: ben@example.org}, eve: {}}\n"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane, with the project vision as `pulumi up` makes it."""
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        running.apply(*project("vision", "ana", "ben@example.org"))
        yield running


@pytest.fixture
def ctl(tmp_path: Path, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    """`sitectl` whose control plane is that one."""
    made = sitectl(tmp_path, monkeypatch)
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(path.read_text().replace("gpus: 4}", "gpus: 4, members: [ana, ben]}") + PEOPLE)
    monkeypatch.setattr(sites, "Fleet", partial(fleet.Fleet, ask=plane.ask))
    plane.asked.clear()
    return made


def test_a_kubeconfig_opens_the_users_projects_and_nothing_else(ctl: Sitectl, plane: ControlPlane) -> None:
    to = ctl.folder / "ben.kubeconfig"
    done = ctl("user", "kubeconfig", "ben", "--hours", "2", "--to", str(to))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert to.stat().st_mode & 0o777 == 0o600
    assert "The certificate of ben@example.org ends on 20" in done.stderr
    assert (
        "Nothing can revoke it before. To end its access sooner: sitectl user remove ben, then pulumi up" in done.stderr
    )
    assert "ben@example.org" in plane.kubectl("auth", "whoami", config=to)
    assert plane.kubectl("get", "pods", config=to) == ""
    assert plane.kubectl("auth", "can-i", "create", "pods", config=to) == "yes\n"
    assert "cannot list resource" in plane.kubectl("get", "pods", "-n", "kube-system", config=to)
    assert "cannot list resource" in plane.kubectl("get", "nodes", config=to)
    plane.kubectl("delete", "rolebinding", "project", "-n", "vision")
    log = plane.folder
    until(lambda: "cannot list resource" in plane.kubectl("get", "pods", config=to), log)
    plane.apply(*project("vision", "ana", "ben@example.org"))
    until(lambda: plane.kubectl("auth", "can-i", "list", "pods", config=to) == "yes\n", log)


@pytest.mark.row("N5")
def test_an_administrator_has_a_kubeconfig_with_a_name_of_its_own(ctl: Sitectl, plane: ControlPlane) -> None:
    to = ctl.folder / "nauta-admin.config"
    words = ("kubeconfig", "--as", "nauta-admin", "--days", "1", "--to", str(to))
    assert "The cluster gives no rights to the group kubeadm:cluster-admins" in ctl(*words).stderr
    # As kubeadm makes it.
    group = "kubeadm:cluster-admins"
    plane.kubectl("create", "clusterrolebinding", group, "--clusterrole=cluster-admin", f"--group={group}")
    done = ctl(*words)
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    assert "The certificate of nauta-admin ends on 20" in done.stderr
    assert "nauta-admin" in plane.kubectl("auth", "whoami", config=to)
    until(lambda: plane.kubectl("auth", "can-i", "*", "*", "-A", config=to) == "yes\n", plane.folder)
    plane.kubectl("delete", "clusterrolebinding", group)


@pytest.mark.row("T4")
def test_orchestras_pilot_starts_jobs_in_its_project_and_nowhere_else(
    ctl: Sitectl, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lab's stand-in of the pilot, with a table `job` in memory; its SQL runs in tests/parts/orchestra/scripts."""
    to = ctl.folder / "ben.kubeconfig"
    assert ctl("user", "kubeconfig", "ben", "--hours", "2", "--to", str(to)).exit_code == 0
    starts_jobs(plane, to, monkeypatch)


def test_the_private_key_stays_here(ctl: Sitectl, plane: ControlPlane) -> None:
    done = ctl("user", "kubeconfig", "ana", "--days", "1")
    assert done.exit_code == 0, done.stderr
    config = YAML(typ="safe", pure=True).load(done.stdout)
    user = config["users"][0]["user"]
    key = base64.b64decode(user["client-key-data"]).decode()
    lines = [line for line in key.splitlines() if "-----" not in line]
    seen = b"".join(command.encode() + stdin for command, stdin in plane.asked) + done.stderr.encode()
    assert not [line for line in (*lines, user["client-key-data"]) if line.encode() in seen]
    assert b"PRIVATE KEY" not in seen
    certificate = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
    assert certificate.subject.rfc4514_string() == "CN=ana"
    hours = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() / 3600
    assert 23 < hours < 25
    assert [context["context"]["namespace"] for context in config["contexts"]] == ["vision"]


def test_where_the_site_has_a_provider_people_sign_in_there(ctl: Sitectl) -> None:
    path = ctl.folder / "Pulumi.dev.yaml"
    oidc = "oidc: {issuer: https://id.example.org/realms/lab, client: kubectl, usernameClaim: email}"
    path.write_text(
        path.read_text().replace('kubernetes: {version: "1.34.2"', f'kubernetes: {{version: "1.34.2", {oidc}')
    )
    done = ctl("user", "kubeconfig", "ben")
    assert done.exit_code == 0, done.stderr
    [user] = YAML(typ="safe", pure=True).load(done.stdout)["users"]
    assert list(user["user"]) == ["exec"]
    assert user["user"]["exec"]["args"] == [
        *("oidc-login", "get-token", "--oidc-issuer-url=https://id.example.org/realms/lab"),
        *("--oidc-client-id=kubectl", "--oidc-extra-scope=email"),
    ]
    assert (
        "! the names in tokens begin with oidc:, and ben is known to the cluster as ben@example.org. Fix: users."
        in (done.stderr)
    )
    assert "There is no secret in it: the user signs in at the identity provider." in done.stderr
    done = ctl("user", "kubeconfig", "ben", "--certificate")
    assert "client-key-data" in done.stdout


def test_a_user_without_a_project_is_told_that_nothing_opens(ctl: Sitectl) -> None:
    done = ctl("user", "kubeconfig", "eve")
    assert done.exit_code == 0
    assert "! eve is in no project, so this kubeconfig opens nothing yet.\n" in done.stderr


def test_a_project_that_is_not_applied_yet_is_named(ctl: Sitectl) -> None:
    assert ctl("project", "add", "text", "--member", "ana", "--yes").exit_code == 0
    done = ctl("user", "kubeconfig", "ana")
    assert "! text does not let ana in yet. Fix: pulumi up\n" in done.stderr
    assert "vision does not let" not in done.stderr


def test_a_request_that_is_not_signed_is_taken_back(
    ctl: Sitectl, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.certificate.SIGNER", "example.org/nobody")
    monkeypatch.setattr("ops.certificate.PATIENCE", 0.0)
    done = ctl("user", "kubeconfig", "ana")
    assert (done.exit_code, done.stdout) == (9, "")
    assert "was not signed within 0 s. Fix: on a control plane, crictl ps -a" in done.stderr
    assert "example.org/nobody" not in plane.kubectl("get", "certificatesigningrequests")


def test_a_file_that_is_there_is_not_overwritten_unasked(ctl: Sitectl, plane: ControlPlane) -> None:
    to = ctl.folder / "config"
    to.write_text("mine")
    done = ctl("user", "kubeconfig", "ana", "--to", str(to))
    assert (done.exit_code, to.read_text()) == (2, "mine")
    assert f"{to} was not replaced. Fix: repeat with --yes." in done.stderr
    assert plane.asked == []


def test_a_folder_is_no_file_to_write(ctl: Sitectl, plane: ControlPlane) -> None:
    done = ctl("user", "kubeconfig", "ana", "--to", str(ctl.folder))
    assert (done.exit_code, plane.asked) == (2, [])
    assert f"{ctl.folder} is a folder. Fix: --to {ctl.folder}/kubeconfig\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("dan", "dan: there is no such user in the site. Fix: sitectl user add dan"),
        ("ana --days 1 --hours 1", "--days and --hours: give one of them."),
        ("ana --days 91", "A certificate is valid for 1 hour to 90 days here"),
        ("ana --hours 0", "A certificate is valid for 1 hour to 90 days here"),
    ],
)
def test_a_wrong_call_asks_nobody(ctl: Sitectl, plane: ControlPlane, words: str, said: str) -> None:
    done = ctl("user", "kubeconfig", *words.split())
    assert done.exit_code == 2
    assert said in done.stderr
    assert plane.asked == []


def test_a_control_plane_that_does_not_answer_is_named(ctl: Sitectl, plane: ControlPlane) -> None:
    plane.admin_conf.rename(plane.folder / "away.conf")
    done = ctl("user", "kubeconfig", "ana")
    (plane.folder / "away.conf").rename(plane.admin_conf)
    assert done.exit_code == 4
    assert re.search(r"cp-1 \[kubectl\] get --raw /readyz: .+", done.stderr)
    assert "No control plane answers. Fix: sitectl verify" in done.stderr


def test_the_list_of_users_has_the_days_of_certificates_and_strangers(ctl: Sitectl, plane: ControlPlane) -> None:
    assert ctl("user", "kubeconfig", "ben", "--days", "14").exit_code == 0
    plane.apply(*project("vision", "ana", "ben@example.org", "carl"))
    done = ctl("user", "list")
    plane.apply(*project("vision", "ana", "ben@example.org"))
    assert done.exit_code == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert rows["USER"] == ["USER", "PROJECTS", "UID", "EMAIL", "CERTIFICATE", "CREATED", "LAST", "JOB"]
    assert rows["ben"][:7] == ["ben", "vision", "(edit)", "-", "-", "14", "days"]
    assert rows["eve"][:4] == ["eve", "-", "-", "-"]
    assert "! vision lets the user carl in, and the site does not. On a control plane: kubectl get rolebindings" in (
        done.stderr
    )
    assert "ana" not in done.stderr


def test_the_list_of_projects_has_their_use_and_what_is_left_of_others(ctl: Sitectl, plane: ControlPlane) -> None:
    spec = {"hard": {"requests.nvidia.com/gpu": "4", "pods": "100"}}
    quota = {"kind": "ResourceQuota", "metadata": {"name": "project", "namespace": "vision"}, "spec": spec}
    left = {"kind": "Namespace", "metadata": {"name": "old", "labels": {"gpu-metal/project": "true"}}}
    plane.apply({"apiVersion": "v1", **quota}, {"apiVersion": "v1", **left})
    assert ctl("project", "add", "text", "--member", "eve", "--yes").exit_code == 0
    answer = ctl.json("project", "list")
    assert [(each["name"], each["state"]) for each in answer["projects"]] == [("text", "not made"), ("vision", "ok")]
    assert answer["projects"][1]["members"] == "ana, ben"
    fix = "Fix: sitectl project purge old"
    assert answer["besides"] == [f"old: the cluster has its namespace, and the site has no such project. {fix}"]


@pytest.mark.row("N6")
def test_lists_have_the_day_of_creation_and_of_the_last_job(ctl: Sitectl, plane: ControlPlane) -> None:
    made = {each["name"]: each for each in ctl.json("user", "list")["users"]}
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", made["ana"]["created"])
    assert (made["ana"]["last job"], made["eve"]["created"]) == ("-", "-")
    container = {"name": "train", "image": "train"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    job = {"metadata": {"name": "train", "namespace": "vision"}, "spec": {"template": template}}
    plane.apply({"apiVersion": "batch/v1", "kind": "Job", **job})
    made = {each["name"]: each for each in ctl.json("user", "list")["users"]}
    [project] = [each for each in ctl.json("project", "list")["projects"] if each["name"] == "vision"]
    for one in (made["ana"], made["ben"], project):
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", one["last job"])
        assert one["last job"] >= one["created"]


def test_the_list_without_a_cluster_shows_the_site(ctl: Sitectl, plane: ControlPlane) -> None:
    plane.admin_conf.rename(plane.folder / "away.conf")
    done = ctl("user", "list")
    (plane.folder / "away.conf").rename(plane.admin_conf)
    assert done.exit_code == 4
    assert "ana" in done.stdout
    assert "? No control plane answers." in done.stderr


def test_verify_asks_whether_members_get_in_and_others_do_not(ctl: Sitectl, plane: ControlPlane) -> None:
    site = load_site("dev", ctl.folder)
    log = plane.folder

    def said(kind: str, status: str, text: str) -> None:
        """Waits, as the API server takes a moment to see a change of roles."""
        until(lambda: checks(plane, site)[f"project/vision/{kind}"] == (status, text), log)

    assert {id_: status for id_, (status, _) in checks(plane, site).items()} == {
        "project/vision/member": "ok",
        "project/vision/stranger": "ok",
    }
    plane.apply(*project("vision", "ana", "eve"))
    said("member", "failed", "ben@example.org may not create pods in vision.")
    said("stranger", "note", "eve may list pods in vision, and is no member.")
    everybody = [{"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}]
    plane.apply({**project("vision")[1], "subjects": everybody})
    said("stranger", "failed", "gpu-metal:nobody may list pods in vision, and is no member.")
    plane.apply(*project("vision", "ana", "ben@example.org"))
    said("stranger", "ok", "gpu-metal:nobody may not list pods in vision")
