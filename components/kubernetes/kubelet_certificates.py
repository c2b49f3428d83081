"""Serving certificates of kubelets, signed by the cluster's authority, and who approves them. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#certificate-rotation
"""

from collections.abc import Sequence
from pathlib import Path

from components.host.addresses import Address
from components.host.config import Host
from components.hostrun.step import Step

_HERE = Path(__file__).parent
AUTHORITY = "kubelet-certificate-authority"
"""The argument by which the API server compares them."""


def steps(host: Host, kubelets: Sequence[Host]) -> list[Step]:
    """On a host, once it is a member. `kubelets`: all hosts of the cluster."""
    found = []
    if "control-plane" in host.roles:
        known = "".join(f"{each.name} {as_shown(each.address)}\n" for each in kubelets)
        program = (_HERE / "programs/requests.sh").read_text()
        found.append(Step(_HERE / "steps/kubelet_requests.sh", bulk={"requests": program, "kubelets": known}))
    inputs = {"node": host.name, "address": str(host.address)}
    return [*found, Step(_HERE / "steps/kubelet_serving.sh", inputs)]


def as_shown(address: Address) -> str:
    """As openssl prints it: all eight parts of an IPv6 address, without leading zeros."""
    if address.version == 4:
        return str(address)
    return ":".join(f"{int(part, 16):X}" for part in address.exploded.split(":"))
