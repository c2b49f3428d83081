"""What preflight compares across hosts, and what verify finds in a cluster, with fake hosts.

Does not prove: the single checks of a host (tests/scripts) or kubectl's own output (the lab's tests).
"""

import time
from pathlib import Path

import pytest

from components.hostrun.said import steps
from components.hostrun.ssh import Result
from components.hostrun.target import SshError
from tests.unit.fake_hosts import NAMES, SITE, Sitectl, key, sitectl


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    monkeypatch.setenv("COLUMNS", "200")
    return sitectl(tmp_path, monkeypatch)


def failed(ctl: Sitectl, *words: str) -> dict[tuple[str, str], str]:
    """(host, check) → what it saw, of all that is not ok."""
    answer = ctl.json(*words)
    return {(c["host"], c["id"]): c["saw"] for c in answer["checks"] if c["status"] in {"failed", "unknown"}}


@pytest.mark.row("H16")
def test_preflight_reports_all_failures_of_all_hosts_at_once(ctl: Sitectl) -> None:
    ctl.hosts.untrue = {
        ("cp-1", "disk"): "has 3 GB free on /var/lib, wants 10. Fix: free some",
        ("gpu-1", "os"): "runs debian-11, wants debian-12. Fix: install that",
        ("gpu-1", "cpus"): "has 1 CPU, wants 2. Fix: more",
    }
    ctl.hosts.skew = {"gpu-2": 9.2}
    result = ctl("preflight")
    assert result.exit_code == 1
    for line in [
        "✗ cp-1 [disk] has 3 GB free on /var/lib, wants 10. Fix: free some.",
        "✗ gpu-1 [os] runs debian-11, wants debian-12. Fix: install that.",
        "✗ gpu-1 [cpus] has 1 CPU, wants 2. Fix: more.",
        "✗ gpu-2 [clock-skew] 9.2 s ahead of the others, limit 2 s. Fix: set timeServers",
        "4 failed. Nothing was changed.",
    ]:
        assert line in result.stdout
    rows = {line.split()[0]: line.split()[-2:] for line in result.stdout.splitlines()[1:4]}
    assert rows == {"cp-1": ["1", "failed"], "gpu-1": ["2", "failed"], "gpu-2": ["1", "failed"]}


def test_preflight_runs_the_site_s_steps_for_each_host(ctl: Sitectl) -> None:
    answer = ctl.json("preflight")
    ids = {host: {c["id"] for c in answer["checks"] if c["host"] == host} for host in NAMES}
    assert "gpus" in ids["gpu-1"]
    assert "gpus" not in ids["cp-1"]
    assert {"reachable", "ports", "identity", "machine-id", "product-uuid", "host-key", "clock-skew"} <= ids["cp-1"]


@pytest.mark.row("H18")
@pytest.mark.parametrize(("skew", "seen"), [(1.9, False), (-1.9, False), (2.3, True), (-2.3, True)])
def test_clocks_may_differ_by_two_seconds(ctl: Sitectl, skew: float, seen: bool) -> None:
    ctl.hosts.skew = {"gpu-1": skew}
    assert (("gpu-1", "clock-skew") in failed(ctl, "preflight")) is seen


def test_the_same_wrong_clock_everywhere_is_no_skew(ctl: Sitectl) -> None:
    ctl.hosts.skew = dict.fromkeys(NAMES, 3600)
    assert failed(ctl, "preflight") == {}


@pytest.mark.row("H18")
def test_cloned_machines_are_named_both_and_unknown_is_not_equal(ctl: Sitectl) -> None:
    ctl.hosts.facts = {
        "gpu-1": {"machine_id": "same", "product_uuid": "u-1"},
        "gpu-2": {"machine_id": "same", "product_uuid": "u-1"},
    }
    assert failed(ctl, "preflight") == {
        ("gpu-1", "machine-id"): "same is also that of gpu-2.",
        ("gpu-2", "machine-id"): "same is also that of gpu-1.",
        ("gpu-1", "product-uuid"): "u-1 is also that of gpu-2.",
        ("gpu-2", "product-uuid"): "u-1 is also that of gpu-1.",
    }


@pytest.mark.row("H18")
def test_one_host_key_for_two_hosts_is_a_cloned_disk(ctl: Sitectl) -> None:
    same = key("same")
    (ctl.folder / "known_hosts.dev").write_text(f"cp-1 {key('a')}\ngpu-* {same}\n")
    assert set(failed(ctl, "preflight")) == {("gpu-1", "host-key"), ("gpu-2", "host-key")}


@pytest.mark.row("H16")
def test_only_and_skip(ctl: Sitectl) -> None:
    ctl.hosts.untrue = {("gpu-1", "cpus"): "few", ("gpu-1", "memory"): "little"}
    ctl.hosts.skew = {"gpu-2": 60}
    assert set(failed(ctl, "preflight", "--only", "cpus")) == {("gpu-1", "cpus")}
    assert set(failed(ctl, "preflight", "--skip", "cpus", "--skip", "clock-skew")) == {("gpu-1", "memory")}
    skipped = {c["id"] for c in ctl.json("preflight", "--skip", "cpus")["checks"] if c["status"] == "skipped"}
    assert skipped == {"cpus"}


def test_a_check_that_does_not_exist(ctl: Sitectl) -> None:
    result = ctl("preflight", "--only", "cpu")
    assert result.exit_code == 2
    assert "\nno such check: cpu. There are: " in result.stderr


ACCOUNTS = "    accounts: {ana: {passwordSecret: anaPassword}, bob: {passwordSecret: anaPassword}}\n    projects:"
NAMED = SITE.replace("    projects:", ACCOUNTS)


def test_secrets_that_layers_need_are_asked_for_before_they_fail(ctl: Sitectl) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(f"{NAMED}  gpu-metal:door: {{secure: v1:x}}\n")
    result = ctl("preflight")
    assert result.exit_code == 1
    assert (
        "✗ cp-1,gpu-[1-2] [secrets] anaPassword has no value in the stack, and accounts.ana.passwordSecret and "
        "accounts.bob.passwordSecret want it. Fix: pulumi config set --secret anaPassword < FILE.\n"
    ) in result.stdout
    assert ctl("preflight", "--skip", "secrets").exit_code == 0
    with (ctl.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write("  gpu-metal:anaPassword: {secure: v1:y}\n")
    assert ctl("preflight", "--only", "secrets").exit_code == 0


def test_an_environment_may_bring_secrets(ctl: Sitectl) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(f"environment: [lab]\n{NAMED}")
    assert ctl("preflight").exit_code == 0


def test_verify_of_one_host_counts_one_and_says_what_is_next_of_all(ctl: Sitectl) -> None:
    """A control plane answers for it, too."""
    one, whole = ctl("verify", "gpu-1"), ctl("verify")
    assert one.stdout.splitlines()[-1].startswith("✓ ok: 1 host, ")
    assert "Next: " not in one.stderr
    assert "Next: sitectl kubeconfig --to FILE" in whole.stderr


def test_without_kubernetes_a_host_has_no_role(ctl: Sitectl) -> None:
    text = (
        SITE.partition("    kubernetes:")[0]
        .replace(", roles: [control-plane]", "")
        .replace(", labels: {tier: fast}", "")
    )
    (ctl.folder / "Pulumi.dev.yaml").write_text(text)
    assert "gpu-1  debian 12  64    512 GiB  2 × A100 SXM4 80GB  -      ok" in ctl("verify").stdout


@pytest.mark.row("K12")
@pytest.mark.parametrize(
    ("ends", "status", "saw"),
    [
        ({"pki/apiserver.crt": 200.5, "admin.conf": 99.5}, "ok", "the first, admin.conf, ends in 99 days"),
        ({"pki/apiserver.crt": 200.5, "admin.conf": -2.5}, "failed", "/etc/kubernetes/admin.conf ended 3 days ago."),
        ({}, "failed", "could not be read."),
    ],
)
def test_verify_says_when_the_first_certificate_of_a_control_plane_ends(
    ctl: Sitectl, ends: dict[str, float], status: str, saw: str
) -> None:
    lines = [f"{time.time() + days * 86400:.0f} {name}" for name, days in ends.items()]
    ctl.hosts.units["cp-1", "certificates"] = "\n".join(lines)
    found = [check for check in ctl.json("verify")["checks"] if check["id"] == "certificates"]
    assert [(check["host"], check["status"], check["saw"]) for check in found] == [("cp-1", status, saw)]


@pytest.mark.row("K12")
@pytest.mark.parametrize(
    ("days", "status", "saw"),
    [
        ((-65, 300.5), "ok", "its certificate ends in 300 days"),
        ((-350, 15.5), "failed", "its certificate ends in 15 days, and the kubelet has not got another one."),
        ((-0.5, 0.5), "ok", "its certificate ends in 0 days"),
        ((-400, -35.5), "failed", "its certificate ended 35 days ago, and the kubelet does not start without one."),
        ((), "failed", "its certificate could not be read."),
    ],
)
def test_verify_says_when_a_kubelet_can_not_sign_in_any_more(
    ctl: Sitectl, days: tuple[float, ...], status: str, saw: str
) -> None:
    """One of a day is short, and yet good: what counts is how much of its time is left."""
    ctl.hosts.units["gpu-1", "sign_in"] = "\n".join(f"{time.time() + day * 86400:.0f}" for day in days)
    found = [check for check in ctl.json("verify", "gpu-1")["checks"] if check["id"] == "kubelet-sign-in"]
    assert [(check["status"], check["saw"]) for check in found] == [(status, saw)]


@pytest.mark.row("K15")
@pytest.mark.parametrize(
    ("seen", "status", "saw"),
    [
        ("9000 20480 2147483648", "ok", "9000 MB free"),
        ("9000", "ok", "9000 MB free; the size of its data is not known, as its metrics do not answer"),
        ("63 20480 2147483648", "failed", "the disk of /var/lib/etcd has 63 MB free, and etcd ends without room."),
        ("9000 1.9e+09 2.147483648e+09", "failed", "etcd's data is 1812 MB, and at 2048 MB it takes no more writes."),
        ("", "failed", "could not be read."),
    ],
)
def test_verify_says_when_etcd_has_no_room(ctl: Sitectl, seen: str, status: str, saw: str) -> None:
    ctl.hosts.units["cp-1", "etcd"] = seen
    found = [check for check in ctl.json("verify")["checks"] if check["id"] == "etcd-room"]
    assert [(check["host"], check["status"], check["saw"]) for check in found] == [("cp-1", status, saw)]


def test_verify_ends_with_a_count(ctl: Sitectl) -> None:
    result = ctl("verify")
    assert result.stdout.splitlines()[-1] == "✓ ok: 3 hosts, 37 checks."
    assert "gpu-1  debian 12  64    512 GiB  2 × A100 SXM4 80GB  worker         ok" in result.stdout


@pytest.mark.row("M3", "K10", "G6")
def test_verify_finds_what_does_not_work(ctl: Sitectl) -> None:
    ctl.hosts.untrue = {("cp-1", "sysctl"): "vm.x is 1, wants 2", ("cp-1", "swap_off"): "swap is on"}
    ctl.hosts.units = {("gpu-1", "kubelet"): "failed"}
    ctl.hosts.nodes = {"gpu-1": "Unknown", "gpu-2": "gone"}
    ctl.hosts.dns = "/2"
    ctl.hosts.quotas = {}
    ctl.hosts.facts = {"gpu-1": {"gpus": {"count": 1, "names": ["x"], "driver": None, "driver_says": None}}}
    assert failed(ctl, "verify") == {
        ("cp-1", "ledger"): "base/swap_off: swap is on (and 1 more: sitectl drift cp-1)",
        ("gpu-1", "kubelet"): "the service is failed",
        ("gpu-1", "gpus"): "1 seen.",
        ("gpu-1", "node-ready"): "Ready is Unknown",
        ("gpu-2", "node"): "is no node of the cluster.",
        ("cp-1", "cluster-dns"): "CoreDNS has 0 of 2 replicas available.",
        ("cp-1", "project/vision"): "namespace vision has no quota.",
    }
    assert ctl("verify").exit_code == 1


@pytest.mark.row("M3", "K10")
def test_verify_names_a_node_that_is_ready_and_evicts_pods(ctl: Sitectl) -> None:
    """CoreDNS without a replica would be all that shows otherwise."""
    ctl.hosts.pressed = {"gpu-1": "MemoryPressure DiskPressure", "gpu-2": "SomeoneElses"}
    says = "is short of Memory and Disk, so its kubelet evicts pods and takes no new ones."
    assert failed(ctl, "verify") == {("gpu-1", "node-ready"): says}


@pytest.mark.row("M3", "K7")
def test_verify_compares_labels_quota_and_a_hanging_driver(ctl: Sitectl) -> None:
    text = (ctl.folder / "Pulumi.dev.yaml").read_text()
    (ctl.folder / "Pulumi.dev.yaml").write_text(text.replace("tier: fast", "tier: slow"))
    ctl.hosts.quotas = {"vision": {"requests.nvidia.com/gpu": "1"}}
    says = "nvidia-smi gave no answer within 5 s"
    ctl.hosts.facts = {"gpu-2": {"gpus": {"count": 2, "names": ["x"] * 2, "driver": None, "driver_says": says}}}
    assert failed(ctl, "verify") == {
        ("gpu-1", "node-labels"): "the node has not tier=slow.",
        ("cp-1", "project/vision"): "its quota of GPUs is 1",
        ("gpu-2", "gpus"): says,
    }
    [labels] = [
        check for check in ctl.json("verify")["checks"] if check["id"] == "node-labels" and check["status"] != "ok"
    ]
    # The labels are in a control plane's ledger, and without --record `pulumi up` sees no difference.
    assert labels["fix"] == "sitectl drift --record, then pulumi up"


def test_verify_without_a_kubernetes(ctl: Sitectl) -> None:
    text = (ctl.folder / "Pulumi.dev.yaml").read_text()
    plain = text.replace(", roles: [control-plane]", "").partition("\n    kubernetes:")[0]
    (ctl.folder / "Pulumi.dev.yaml").write_text(plain)
    answer = ctl.json("verify")
    assert answer["ok"], answer["failures"]
    assert {"kubelet", "api-server"}.isdisjoint({check["id"] for check in answer["checks"]})


def test_what_the_runner_refuses_is_said_in_its_own_words() -> None:
    said_so = Result(1, "", "✗ old-1 [bash] has bash 4.2.46, wants 4.4. Fix: a newer system\n")
    with pytest.raises(SshError, match=r"^old-1 \[connection\] has bash 4\.2\.46, wants 4\.4\. Fix: a newer system$"):
        steps("old-1", said_so)


def test_a_project_whose_member_does_not_get_in_fails(ctl: Sitectl) -> None:
    path = ctl.folder / "Pulumi.dev.yaml"
    path.write_text(
        path.read_text().replace("gpus: 4}", "gpus: 4, members: [ana]}") + "    users: {ana: {}, ben: {}}\n"
    )
    answer = ctl.json("verify")
    assert answer["failures"] == ["project/vision/member"]
    ctl.hosts.members = {("ana", "vision")}
    checks = {check["id"]: check["status"] for check in ctl.json("verify")["checks"]}
    assert (checks["project/vision/member"], checks["project/vision/stranger"]) == ("ok", "ok")
    ctl.hosts.members = {("ana", "vision"), ("gpu-metal:nobody", "vision")}
    assert ctl.json("verify")["failures"] == ["project/vision/stranger"]
