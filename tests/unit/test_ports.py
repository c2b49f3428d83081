"""Preflight's ports: those of a layer that this host has are its own, also after the loss of its ledger.

Does not prove: who has a port (tests/scripts/test_host_steps.py).
"""

import socket
from pathlib import Path

from tests.unit.step_host import StepHost

PORTS = Path(__file__).parents[2] / "components/host/steps/ports.sh"


def test_a_layer_whose_ledger_was_lost_has_its_ports(tmp_path: Path) -> None:
    """The advice for a port in use, `kubeadm reset`, would have taken a living node out of its cluster."""
    host = StepHost(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        status, says = host.call(PORTS, "check", {"node": port})
        assert status == 10, says
        assert f"has in use: port {port} (" in says
        host.file("/var/lib/gpu-metal/layers", "base\nnode2\n")
        assert host.call(PORTS, "check", {"node": port})[0] == 10
        host.file("/var/lib/gpu-metal/layers", "base\nnode\n")
        assert host.call(PORTS, "check", {"node": port}) == (0, "")
