"""The load balancer on hosts: what preflight asks, and what listens. Pure."""

from collections.abc import Sequence
from pathlib import Path

from components.host.config import Host
from components.host.listening import Listening
from components.hostrun.step import Step
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.plan import members, segment, speakers
from components.parts.load_balancer.pool import ranges
from components.parts.part import Hosts

_SCRIPTS = Path(__file__).parent / "steps"
_MEMBERLIST, _METRICS = "7946", "9120"
"""https://metallb.io/installation/#preparation, and prometheus.metricsPort of the chart."""


def uses(config: LoadBalancer, hosts: Hosts) -> Sequence[str]:
    """Every host of the cluster: each has a speaker."""
    return [host.name for host in members(hosts)] if config.kind == "metallb" else []


def preflight(config: LoadBalancer, host: Host, hosts: Hosts) -> Sequence[Step]:
    """The host's network is as large as the site says; one host looks for other machines there."""
    able = [] if config.bgp else [each.name for each in speakers(config, hosts)]
    if host.name not in able:
        return ()
    pool = " ".join(str(each) for each in ranges(config.pool))
    steps = [Step(_SCRIPTS / "pool_segment.sh", {"pool": pool, "segment": str(segment(config))})]
    peers = "".join(f"{each.address}\n" for each in speakers(config, hosts) if each.name != host.name)
    free = [Step(_SCRIPTS / "pool_free.sh", {"pool": pool}, {"peers": peers})] if host.name == able[0] else []
    return steps + free


def listening(_: LoadBalancer, __: Host, ___: Hosts) -> Sequence[Listening]:
    """The speakers tell each other who is alive, over TCP and UDP; and their metrics."""
    what = "MetalLB's speaker"
    return (
        Listening("metallb", what, _MEMBERLIST, fixed=True),
        Listening("metallb-udp", what, _MEMBERLIST, "udp", fixed=True),
        Listening("metallb-metrics", what, _METRICS, fixed=True),
    )
