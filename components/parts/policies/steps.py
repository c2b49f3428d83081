"""The agent on hosts: its rules go when it goes, and its port. Pure."""

from collections.abc import Sequence
from pathlib import Path

from components.host.config import Host
from components.host.listening import Listening
from components.hostrun.step import Step
from components.parts.part import Hosts, Wave
from components.parts.policies.config import Policies
from components.parts.policies.plan import HEALTH

_SCRIPTS = Path(__file__).parent / "steps"


def uses(config: Policies, hosts: Hosts) -> Sequence[str]:
    """Every host of the cluster: each has an agent."""
    return [host.name for host in hosts.values() if host.roles] if config.kind == "kube-router" else []


def waves(config: Policies, hosts: Hosts) -> Sequence[Wave]:
    """A layer whose undo takes the agent's rules off: they outlive it, and would go on refusing what they did."""
    step = Step(_SCRIPTS / "policy_rules.sh")
    return [Wave("policies", {name: [step] for name in uses(config, hosts)})]


def listening(_: Policies, __: Host, ___: Hosts) -> Sequence[Listening]:
    """What the kubelet asks whether it is well."""
    return (Listening("kube-router", "kube-router", str(HEALTH), fixed=True),)
