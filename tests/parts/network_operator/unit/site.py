"""Sites with the Network Operator, for the tests beside this file."""

from pathlib import Path
from typing import Any

from components.parts.network_operator.config import NetworkOperator
from stacks.load import site_from
from stacks.model import Site

MIRROR = "mirror.example.org:5000/net"
FULL: dict[str, Any] = {
    "images": MIRROR,
    "driver": {"sources": {"site.list": "site.list"}, "parallel": 2},
    "pools": {
        "fabric": {"kind": "shared", "interfaces": ["ibs1f0", "ibs1f1"], "pods": 100},
        "whole": {"kind": "host-device", "interfaces": ["ens2f0", "ens2f1"]},
        "vf_eth": {"kind": "sriov", "interfaces": ["ens3f0", "ens3f1"], "functions": 8, "mtu": 9000},
        "vf_ib": {"kind": "sriov", "interfaces": ["ibs4"], "functions": 4, "link": "infiniband"},
    },
    "networks": {
        "cards": {"kind": "pool", "pool": "whole", "subnet": "192.168.1.0/24", "gateway": "192.168.1.1"},
        "ether": {"kind": "macvlan", "interface": "ens9f0", "subnet": "192.168.2.0/24", "mtu": 9000, "mode": "vepa"},
        "ib": {
            "kind": "ipoib",
            "interface": "ibs1f0",
            "subnet": "192.168.3.0/24",
            "perNode": 9,
            "namespace": "vision",
        },
        "vf": {"kind": "pool", "pool": "vf_eth", "subnet": "192.168.4.0/24"},
        "vf-ib": {"kind": "pool", "pool": "vf_ib", "subnet": "192.168.5.0/24"},
    },
}
PLAIN: dict[str, Any] = {"pools": {"fabric": {"kind": "shared", "interfaces": ["ens1f0"]}}}


def site(folder: Path, gpus: dict[str, Any] | None = None, *, gpu_driver: str = "580", **said: Any) -> Site:
    """A control plane, and two hosts with GPUs and cards; `said` is the part's entry, `gpus` that of gpuOperator."""
    (folder / "site.list").write_text("deb http://mirror.example.org/ubuntu noble main\n")
    gpu = {"model": "A100-SXM4-80GB", "count": 8, "driver": gpu_driver}
    hosts: dict[str, dict[str, Any]] = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21", "group": "gpu"},
        "gpu-2": {"address": "10.0.0.22", "group": "gpu", "taints": ["batch=yes:NoSchedule"]},
    }
    whole = {
        "os": "ubuntu-24.04",
        "hosts": hosts,
        "groups": {"gpu": {"gpu": gpu}},
        "kubernetes": {},
        "projects": {"vision": {"cpu": "8", "memory": "8Gi"}},
        "network": {"networkOperator": {"hosts": ["gpu"], **said}},
        **({} if gpus is None else {"gpuOperator": gpus}),
    }
    return site_from(whole, stack="lab", folder=folder, keys=False)


def config(of: Site) -> NetworkOperator:
    """The entry."""
    [found] = [entry.config for entry in of.entries if isinstance(entry.config, NetworkOperator)]
    return found
