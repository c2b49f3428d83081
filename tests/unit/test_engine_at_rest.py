"""When a pinned engine may change under containers with GPUs. Does not prove: how these are found (tests/scripts)."""

from pathlib import Path

import pytest

from components.engine import steps
from components.hostrun.step import content
from tests.unit.step_host import StepHost

STEP = Path(steps.__file__).parent / "steps/engine_at_rest.sh"
WANTED = "containerd=2.4.2-1"


@pytest.mark.row("G8", "C1")
@pytest.mark.parametrize(
    ("turn", "losing", "status"), [("", "", 10), ("1.34.2", "", 10), (f"{WANTED} kept", "", 0), (WANTED, "yes", 10)]
)
def test_pods_of_daemonsets_stay_on_a_node_in_its_turn_if_they_keep_their_gpus(
    tmp_path: Path, turn: str, losing: str, status: int
) -> None:
    host, script, conf = StepHost(tmp_path), tmp_path / "step.sh", tmp_path / "kubelet.conf"
    conf.write_text("x")
    known = "pkg_version() { echo 1.6.20; }\npkg_right() { false; }\n"
    known += f"gpu_containers() {{ [[ ${{1-}} != losing || -n '{losing}' ]] && echo plugin; }}\n"
    text = content(STEP).decode().replace("/etc/kubernetes/kubelet.conf", str(conf))
    script.write_text(f"{text}\n{known}")
    host.program("kubectl", f"echo '{turn}'")
    seen = host.call(script, "check", {"names": WANTED})
    assert (seen[0], "containers with GPUs run: plugin" in seen[1]) == (status, status == 10)
