"""What preflight asks of hosts for Run:ai. Pure.

Rows: R1, R2.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from components.host.config import Host
from components.hostrun.step import Step
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import Ground, Hosts
from components.platforms.runai import nodes, package, places, versions
from components.platforms.runai.config import Runai

_STEPS = Path(__file__).parent / "steps"


def of_host(config: Runai, host: Host, hosts: Hosts) -> Sequence[Step]:
    """The vendor's archive has room; a system node is large enough: its share of what all need, and what each needs."""
    chosen, archive = nodes.system(config, hosts), package.preflight(config, host)
    if host.name not in chosen:
        return archive
    least = config.nodes.least

    def share(both: int, each: int) -> int:
        return max(ceil(both / len(chosen)), each)

    inputs = {
        "cpus": least.cpus or share(versions.BOTH_CPUS, versions.SYSTEM_CPUS),
        "memory": least.memory_gb or share(versions.BOTH_MEMORY_GB, versions.SYSTEM_MEMORY_GB),
        "disk": least.disk_gb or share(versions.BOTH_DISK_GB, versions.SYSTEM_DISK_GB),
    }
    return [*archive, Step(_STEPS / "runai_system_node.sh", {key: str(value) for key, value in inputs.items()})]


def around(config: Runai, ground: Ground) -> Sequence[Step]:
    """Its names lead to the ingress, as a control plane sees them."""
    of = ground.config(Ingress)
    if of is None:
        return []
    addresses, _ = plan.answers_at(of, ground)
    own = places.domain(config, ground)
    wanted = {"domain": own, "subdomain": f"{plan.PROBED}.{own}"}
    if config.inference:
        wanted["inference"] = f"{plan.PROBED}.{config.inference.domain}"
    return [
        Step(
            _STEPS / "runai_name.sh",
            {"name": name, "addresses": " ".join(addresses), "key": "network.ingress.address"},
            label=label,
        )
        for label, name in wanted.items()
    ]
