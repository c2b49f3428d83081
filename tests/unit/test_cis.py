"""The profile cis: what it sets, what verify says of a host, the table of its page.

Does not prove: that a cluster runs with it; tests/scripts/test_hardened.py does.
"""

import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from components.host.config import Host
from components.hostrun.ssh import Result
from components.kubernetes import cis, given
from components.kubernetes.api_server import UNSIGNED, locks_out
from components.kubernetes.config import Kubernetes
from ops import cis as verify
from tests.unit.fake_hosts import SITE, sitectl
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("K14")

ROOT = Path(__file__).parents[2]
WORKER = Host.model_validate(
    {"name": "cpu-1", "address": "10.0.0.21", "roles": ["worker"], "hostKey": "ssh-ed25519 AAAA"}
)
GOOD = """argument kubelet authentication.anonymous.enabled false
argument kubelet authorization.mode Webhook
argument kubelet authentication.x509.clientCAFile /etc/kubernetes/pki/ca.crt
argument kubelet rotateCertificates true
file 600 root:root /etc/kubernetes/kubelet.conf
file 644 root:root /etc/kubernetes/pki/ca.crt
file 600 root:root /var/lib/kubelet/config.yaml
"""


def kubernetes(**keys: object) -> Kubernetes:
    return Kubernetes.model_validate({"version": "1.34.2", "profile": "cis", **keys})


def test_the_page_has_the_table() -> None:
    assert "\n".join(cis.table()) in (ROOT / "docs/how-to/cis.md").read_text()


def test_the_profile_sets_all_that_is_its_own_of_the_api_server() -> None:
    made = given.wanted(kubernetes())
    own = [item for item in cis.CONTROL_PLANE if isinstance(item, cis.Argument) and item.program == cis.API]
    assert [str(item) for item in own if item.by == "profile: cis" and item.wrong(made)] == []
    assert "profiling" not in given.arguments(kubernetes(profile=None))


def test_the_sites_own_arguments_come_first() -> None:
    found = given.arguments(kubernetes(apiServer={"profiling": "true", "enable-admission-plugins": "AlwaysPullImages"}))
    assert found["profiling"] == "true"
    assert found["enable-admission-plugins"] == "NodeRestriction,AlwaysPullImages,DenyServiceExternalIPs"
    without = given.arguments(kubernetes(apiServer={"disable-admission-plugins": "DenyServiceExternalIPs"}))
    assert "enable-admission-plugins" not in without


def test_nobody_is_answered_without_signing_in_but_probes_and_hosts_that_join() -> None:
    text = given.files(kubernetes())["authentication-config"]
    document = YAML(typ="safe").load(text)
    assert [each["path"] for each in document["anonymous"]["conditions"]] == [*UNSIGNED]
    assert document["anonymous"]["enabled"] is True
    assert locks_out("authentication-config", document) is None
    oidc = {"issuer": "https://login.example.org", "client": "lab"}
    both = YAML(typ="safe").load(given.files(kubernetes(oidc=oidc))["authentication-config"])
    assert (both["anonymous"], len(both["jwt"])) == (document["anonymous"], 1)
    assert "authentication-config" not in given.files(kubernetes(version="1.31.4"))
    assert "authentication-config" not in given.file_names(kubernetes(version="1.31.4"))
    assert given.file_names(kubernetes()) == ["audit-policy-file", "authentication-config"]


@pytest.mark.parametrize(
    ("text", "limited"),
    [
        (given.files(kubernetes())["authentication-config"], True),
        (
            given.files(kubernetes(oidc={"issuer": "https://l.example.org", "client": "a"}))["authentication-config"],
            True,
        ),
        ('{"anonymous": {\n "enabled": true,\n "conditions": [\n {"path": "/livez"}]}}\n', True),
        ("anonymous:  # probes\n  conditions:\n  # of kubeadm\n  - path: /livez\n  enabled: true\n", True),
        ("anonymous: {enabled: false}\n", True),
        ("anonymous: {enabled: true}\njwt: []\n", False),
        ("anonymous:\n  enabled: true\n  conditions: []\n", False),
        ("# anonymous: {enabled: true, conditions: [{path: /livez}]}\njwt: []\n", False),
        ("", False),
    ],
    ids=["ours", "with oidc", "JSON", "turned round", "nobody", "everybody", "no path", "a comment", "empty"],
)
def test_whom_a_file_of_the_argument_answers(text: str, limited: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    script = Path(cis.__file__).with_suffix(".sh").read_text()
    function = script[script.index("limits_anonymous()") : script.index("own=")]
    done = subprocess.run(["bash", "-c", f'{function}\nlimits_anonymous "$1"', "bash", tmp_path / "file"], check=False)
    assert (done.returncode == 0) == limited


def test_a_host_that_has_all_of_it_is_one_check() -> None:
    [check] = verify.checks(WORKER, Result(0, GOOD, ""), kubernetes())
    assert (check.id, check.status, check.saw) == ("cis", "ok", "10 of 10 items are as the benchmark asks")


@pytest.mark.parametrize(
    ("good", "bad", "number", "saw"),
    [
        ("enabled false", "enabled true", "4.2.1", "kubelet has authentication.anonymous.enabled true"),
        ("mode Webhook", "mode AlwaysAllow", "4.2.2", "kubelet has authorization.mode AlwaysAllow"),
        (
            "600 root:root /var",
            "644 root:root /var",
            "4.1.9,4.1.10",
            "/var/lib/kubelet/config.yaml is root:root's, 644",
        ),
        (
            "600 root:root /etc/kubernetes/k",
            "600 ops:root /etc/kubernetes/k",
            "4.1.5,4.1.6",
            "/etc/kubernetes/kubelet.conf is ops:root's, 600",
        ),
    ],
)
def test_what_is_otherwise_is_named_by_its_number(good: str, bad: str, number: str, saw: str) -> None:
    first, second = verify.checks(WORKER, Result(0, GOOD.replace(good, bad), ""), kubernetes())
    assert first.saw == "9 of 10 items are as the benchmark asks"
    assert (second.id, second.status, second.saw) == (f"cis/{number}", "failed", saw)


def test_what_only_people_can_set_is_a_note() -> None:
    plane = WORKER.model_copy(update={"roles": ("control-plane",)})
    found = {check.id: check.status for check in verify.checks(plane, Result(0, GOOD, ""), kubernetes())}
    assert (found["cis/1.2.27,1.2.28"], found["cis/1.2.15"]) == ("note", "failed")


def test_what_the_site_itself_wants_otherwise_is_no_drift(tmp_path: Path) -> None:
    plane = WORKER.model_copy(update={"roles": ("control-plane",)})
    file = tmp_path / "own.yaml"
    file.write_text("jwt: []\n")
    own = kubernetes(
        apiServer={"profiling": "true"},
        apiServerFiles={"authentication-config": str(file)},
        audit={"policy": "Request", "maxAge": 7},
    )

    def fixes(config: Kubernetes) -> dict[str, bool]:
        seen = "argument kube-apiserver authentication-config x\nargument kube-apiserver audit-log-maxage 7\n"
        found = verify.checks(plane, Result(0, GOOD + seen, ""), config)
        return {check.id: "the site itself says so" in check.fix for check in found if check.fix.find("says who") < 0}

    theirs = fixes(own)
    assert (theirs["cis/1.2.1"], theirs["cis/1.2.15"], theirs["cis/1.2.17"], theirs["cis/1.2.18"]) == (
        True,
        True,
        True,
        False,
    )
    assert theirs["cis/1.2.30"] is False
    assert not any(fixes(kubernetes()).values())
    assert fixes(kubernetes(version="1.31.4"))["cis/1.2.1"] is True


def test_verify_has_it_and_shows_steps_of_the_room_under_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctl = sitectl(tmp_path, monkeypatch)
    text = SITE.replace('{version: "1.34.2"}', '{version: "1.34.2", profile: cis}')
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    ctl.hosts.more_steps = ("secrets_written", "kubelet_serving")
    ctl.hosts.untrue["cp-1", "secrets_written"] = "1 of 9 Secrets are not encrypted"
    ctl.hosts.units["gpu-1", "cis"] = GOOD.replace("enabled false", "enabled true")
    found = {(c["host"], c["id"]): c["status"] for c in ctl.json("verify")["checks"]}
    assert found["cp-1", "secrets-at-rest"] == "failed"
    assert (found["gpu-1", "cis"], found["gpu-1", "cis/4.2.1"]) == ("ok", "failed")
    assert found["gpu-1", "kubelet-certificate"] == "ok"


def test_a_host_that_says_nothing_is_not_well() -> None:
    [check] = verify.checks(WORKER, Result(0, "", ""), kubernetes())
    assert check.status == "unknown"


def test_files_get_their_mode_and_have_their_former_one_again(tmp_path: Path) -> None:
    host, step = StepHost(tmp_path), ROOT / "components/kubernetes/steps/cis_files.sh"
    host.file("/var/lib/kubelet/config.yaml", "a: 1\n")
    path = host.path("/var/lib/kubelet/config.yaml")
    path.chmod(0o644)
    inputs = {"paths": f"{path} /none/kubelet.service"}
    assert host.call(step, "check", inputs) == (
        10,
        "/var/lib/kubelet/config.yaml has the mode 644, wanted 600",
    )
    for _ in range(2):
        assert host.call(step, "apply", inputs) == (0, "")
        assert (path.stat().st_mode & 0o777, host.call(step, "check", inputs)) == (0o600, (0, ""))
    path.chmod(0o640)  # an upgrade made it anew
    host.call(step, "apply", inputs)
    assert host.call(step, "undo", inputs) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o644
