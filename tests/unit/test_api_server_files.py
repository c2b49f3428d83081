"""The files of the API server's arguments: kubeadm's volumes, and the step with stand-ins for the API server.

Does not prove: that a real API server reads them; tests/scripts/test_kubernetes_steps.py does.
"""

from pathlib import Path
from typing import Any

import pytest

from components.kubernetes import api_server
from tests.unit.step_host import StepHost
from tests.unit.test_kubeadm import init

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/api_server_files.sh"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
NAME = "audit-policy-file"
FILE = f"{api_server.FOLDER}/{NAME}"
NAMES = {"names": NAME}


@pytest.mark.row("K2")
def test_kubeadm_mounts_the_files_and_the_folder_of_the_audit_log() -> None:
    wanted: dict[str, Any] = {
        "apiServer": {"audit-log-path": "/var/log/kubernetes/audit.log"},
        "apiServerFiles": {NAME: "policy.yaml"},
    }
    made = init(**wanted)["ClusterConfiguration"]["apiServer"]
    assert made["extraArgs"] == [
        {"name": "audit-log-path", "value": "/var/log/kubernetes/audit.log"},
        {"name": NAME, "value": FILE},
        {"name": "shutdown-send-retry-after", "value": "true"},
    ]
    folder, log = api_server.FOLDER, "/var/log/kubernetes"
    assert made["extraVolumes"] == [
        {
            "name": "gpu-metal-files",
            "hostPath": folder,
            "mountPath": folder,
            "readOnly": True,
            "pathType": "Directory",
        },
        {
            "name": "gpu-metal-audit-log",
            "hostPath": log,
            "mountPath": log,
            "readOnly": False,
            "pathType": "DirectoryOrCreate",
        },
    ]
    assert "extraVolumes" not in init(apiServer={"audit-log-path": "-"})["ClusterConfiguration"]["apiServer"]


@pytest.mark.row("K2")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (NAME, "/etc/policy.yaml", "Write apiServerFiles: {audit-policy-file: FILE}."),
        ("encryption-provider-config", "/etc/enc.yaml", "Put it below /etc/kubernetes/pki/ of every"),
        ("audit-log-path", "/var/log/audit.log", "is not in a folder of its own."),
        ("audit-log-path", "/etc/kubernetes/x/audit.log", "is not in a folder of its own."),
        ("audit-log-path", "/var/log/../etc/audit.log", "is not in a folder of its own."),
    ],
)
def test_a_file_that_the_pod_does_not_see_is_refused(name: str, value: str, says: str) -> None:
    assert says in (api_server.wrong(name, value) or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encryption-provider-config", "/etc/kubernetes/pki/enc.yaml"),
        ("runtime-config", "api/all=true"),
        ("etcd-prefix", "/registry"),
        ("audit-log-path", "-"),
        ("audit-log-path", "/var/log/kubernetes/audit/a.log"),
    ],
)
def test_arguments_that_the_pod_sees_pass(name: str, value: str) -> None:
    assert api_server.wrong(name, value) is None


@pytest.mark.row("K3")
@pytest.mark.parametrize(
    ("name", "found", "says"),
    [
        (
            "authentication-config",
            {"anonymous": {"enabled": False}},
            "has anonymous: {enabled: false}, which stops the",
        ),
        (
            "authentication-config",
            {"anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]}},
            "has anonymous.conditions without /readyz, /api/v1/namespaces/kube-public/configmaps/cluster-info, which",
        ),
        ("authentication-config", {"anonymous": {"enabled": True}}, None),
        ("authentication-config", {"jwt": []}, None),
        (
            "authorization-config",
            {"authorizers": [{"type": "Webhook"}, {"type": "RBAC"}]},
            "has no authorizer of type Node",
        ),
        ("authorization-config", {"authorizers": [{"type": "Node"}, {"type": "RBAC"}]}, None),
    ],
)
def test_a_configuration_that_keeps_out_whom_the_cluster_needs_is_refused(
    name: api_server.ApiServerFile, found: dict[str, Any], says: str | None
) -> None:
    said = api_server.locks_out(name, found)
    assert (said or "").startswith(says) if says else said is None


API_SERVER = """
root=$(dirname "$0")/..
# It starts with a policy that says so.
case $(basename "$0") in
    kubectl) grep -q good "$root/running" && echo ok ;;
    curl) [[ $* == *'--noproxy *'* ]] && { cat "$root/refuses" 2>/dev/null || printf 200; } ;;
    sleep) exit 0 ;;
esac
"""


class Plane(StepHost):
    """Its API server is a number in a file: the step's shell reads it there."""

    def call(self, script: Path, function: str, *words: Any, **more: Any) -> tuple[int, str]:
        step = self.root / "api_server_files.sh"
        step.write_text(
            f"# uses: kubernetes\n{script.read_text()}\napi_server_process() {{ cat {self.path('/pid')}; }}\n"
        )
        return super().call(step, function, *words, **more)


@pytest.fixture
def plane(tmp_path: Path) -> StepHost:
    """A control plane whose API server runs with the file; `restarts` counts, and `running` is what it has read."""
    host = Plane(tmp_path)
    host.file(MANIFEST, f"    - kube-apiserver\n    - --advertise-address=10.0.0.1\n    - --{NAME}={host.path(FILE)}\n")
    host.file(FILE, "good 1\n")
    host.path(FILE).chmod(0o600)
    host.file("/running", "good 1\n")
    host.file("/pid", "1000001\n")
    for name in ("kubectl", "curl", "sleep"):
        host.program(name, API_SERVER)
    # `kill` is bash's own: the step's shell gets one that does what the kubelet does.
    lib = host.path("/library/lib.sh")
    started = f"cat {host.path(FILE)} >{host.root}/running; echo $((1 + $(<{host.root}/pid))) >{host.root}/pid"
    lib.write_text(
        f"{lib.read_text()}\nkill() {{ {started}; echo $* >>{host.root}/restarts; SECONDS=$((SECONDS + 200)); }}\n"
    )
    return host


def restarts(host: StepHost) -> int:
    path = host.path("/restarts")
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.row("K2")
def test_a_changed_file_is_taken_in_use_by_one_restart(plane: StepHost) -> None:
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 1"}) == (0, "")
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 2"}) == (10, f"{FILE} is not the site's {NAME}")
    assert plane.call(STEP, "apply", NAMES, bulk={NAME: "good 2"}) == (0, "")
    assert plane.path("/running").read_text() == "good 2\n"
    assert restarts(plane) == 1
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 2"}) == (0, "")


@pytest.mark.row("K2")
def test_a_folder_that_was_deleted_comes_back(plane: StepHost) -> None:
    plane.path(FILE).unlink()
    plane.path(FILE).parent.rmdir()
    assert plane.call(STEP, "apply", NAMES, bulk={NAME: "good 1"}) == (0, "")
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 1"}) == (0, "")


@pytest.mark.row("K2")
def test_a_file_that_stops_the_api_server_gives_way_to_the_former(plane: StepHost) -> None:
    plane.file(
        "/var/log/pods/kube-system_kube-apiserver-cp-1_ab/kube-apiserver/3.log", "2026 stderr F Error: bad audit\n"
    )
    text = plane.path("/library/lib.sh").read_text()
    plane.path("/library/lib.sh").write_text(text.replace("SECONDS + 200", "SECONDS + 399"))
    status, said = plane.call(STEP, "apply", NAMES, bulk={NAME: "bad"})
    assert status == 10
    assert said.startswith(
        "the API server did not start with the new files: Error: bad audit. The former ones are back."
    )
    assert plane.path(FILE).read_text() == plane.path("/running").read_text() == "good 1\n"
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 1"}) == (0, "")


@pytest.mark.row("K2", "K3")
def test_a_file_with_which_the_api_server_refuses_the_kubelet_gives_way_too(plane: StepHost) -> None:
    """The administrator is answered, until the kubelet ends the API server for its probes."""
    plane.file("/refuses", "401")
    text = plane.path("/library/lib.sh").read_text()
    plane.path("/library/lib.sh").write_text(text.replace("SECONDS + 200", "SECONDS + 399"))
    status, said = plane.call(STEP, "apply", NAMES, bulk={NAME: "good 2"})
    assert (status, "asks for /livez without signing in, with 401" in said) == (10, True), said
    assert plane.path(FILE).read_text() == "good 1\n"


@pytest.mark.row("K2")
def test_a_restart_that_was_cut_off_is_made_up_for(plane: StepHost) -> None:
    plane.file(FILE, "good 2\n")
    plane.file(f"{api_server.FOLDER}-former/{NAME}", "good 1\n")
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 2"})[1].startswith("the API server was not restarted")
    assert plane.call(STEP, "apply", NAMES, bulk={NAME: "good 2"}) == (0, "")
    assert (restarts(plane), plane.path("/running").read_text()) == (1, "good 2\n")


@pytest.mark.row("K3")
def test_a_file_that_the_api_server_does_not_read_yet_restarts_nothing(plane: StepHost) -> None:
    """Its argument comes after it, by the step api_server."""
    plane.file(MANIFEST, "    - kube-apiserver\n")
    assert plane.call(STEP, "apply", NAMES, bulk={NAME: "good 2"}) == (0, "")
    assert (plane.path(FILE).read_text(), restarts(plane)) == ("good 2\n", 0)
    assert plane.call(STEP, "check", NAMES, bulk={NAME: "good 2"}) == (0, "")
    assert plane.call(STEP, "undo", NAMES) == (0, "")
    assert not plane.path(api_server.FOLDER).exists()


def test_undo_leaves_files_that_a_running_api_server_names(plane: StepHost) -> None:
    assert "stays" in plane.call(STEP, "undo", NAMES)[1]
    assert plane.path(FILE).exists()


@pytest.mark.row("K2")
def test_a_host_without_a_cluster_gets_its_files_first(plane: StepHost) -> None:
    plane.path(MANIFEST).unlink()
    plane.path(FILE).unlink()
    assert plane.call(STEP, "apply", NAMES, bulk={NAME: "good 1"}) == (0, "")
    assert plane.path(FILE).read_text() == "good 1\n"
    assert restarts(plane) == 0


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("2026 stderr F Error: unknown flag: --bad\n2026 stderr F \n", "Error: unknown flag: --bad"),
        (
            '2026 stderr F E1130 01:02:03.4 1 run.go:72] "command failed" err="no such file"\n2026 stderr F bye\n',
            '"command failed" err="no such file"',
        ),
        ("2026 stderr F one\n2026 stderr F two\n", "two"),
    ],
)
def test_the_api_servers_own_words(plane: StepHost, log: str, said: str) -> None:
    plane.file("/var/log/pods/kube-system_kube-apiserver-cp-1_ab/kube-apiserver/0.log", log)
    assert plane.call(STEP, "api_server_said") == (0, said)
