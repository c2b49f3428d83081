"""The program that gives nodes a taint, against a real API server and kubectl. Its nodes are objects only.

Does not prove: systemd's timer, a kubelet that reports a lost GPU (tests/lab/test_in_cluster.py has one).
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.api_server import ApiServer, api_server
from tests.plugins.tools import tool
from tests.unit.test_gpus_watched import OFFERS, PROGRAM, STEP, SYSTEMCTL, TAINT, Plane


def offers(server: ApiServer, name: str, count: int, **capacity: str) -> None:
    """The kubelet's report."""
    path = f"/api/v1/nodes/{name}"
    of = server.ask("GET", path)
    of["status"] = {"capacity": capacity, "allocatable": {**capacity, "nvidia.com/gpu": str(count)}}
    server.ask("PUT", f"{path}/status", of)


def taints(server: ApiServer, name: str) -> list[Any]:
    return [
        each for each in server.ask("GET", f"/api/v1/nodes/{name}")["spec"].get("taints", []) if each["key"] == TAINT
    ]


@pytest.mark.row("M2")
def test_a_node_is_tainted_and_freed(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "plane", environment={"ROOT": str(tmp_path / "plane")})
    plane.program("systemctl", SYSTEMCTL)
    (tmp_path / "api").mkdir()
    with api_server(tmp_path / "api") as server:
        plane.program("kubectl", f'exec {tool("kubectl")} "${{@/#*admin.conf/{server.kubeconfig}}}"')
        for name in ("gpu-1", "gpu-2"):
            server.ask("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        assert plane.call(STEP, "apply", bulk={"offers": OFFERS}) == (0, "")
        full = {"cpu": "4", "nvidia.com/gpu": "8"}
        offers(server, "gpu-1", 7, **full)

        def looks(times: int) -> str:
            said = ""
            for _ in range(times):
                words = {"PATH": f"{plane.root}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
                said = subprocess.run(
                    [plane.path(PROGRAM)], env=words, check=True, capture_output=True, text=True
                ).stdout
            return said

        looks(2)
        assert (taints(server, "gpu-1"), taints(server, "gpu-2")) == ([], [])
        assert "node gpu-1 offers 7 of 8 nvidia.com/gpu: it takes no new pods" in looks(1)
        assert taints(server, "gpu-1") == [{"key": TAINT, "value": "true", "effect": "NoSchedule"}]
        assert taints(server, "gpu-2") == [], "its plugin never came"
        assert "gpu-1: offers fewer GPUs" in plane.call(STEP, "check", bulk={"offers": OFFERS})[1]
        offers(server, "gpu-1", 8, **full)
        looks(1)
        assert taints(server, "gpu-1") == []
