"""What must hold of the agent that enforces NetworkPolicies. Pure; each problem names the key and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain

from components.network.config import by_flannel
from components.parts.part import Ground
from components.parts.policies.config import Policies
from components.problem import Problem


def kinds(config: Policies, _: Ground) -> Iterator[Problem]:
    """`image` belongs to kube-router."""
    if config.kind == "external" and "image" in config.model_fields_set:
        yield Problem(("image",), "is of kind kube-router only: with external, others enforce policies. Take it away.")


def one_agent(config: Policies, ground: Ground) -> Iterator[Problem]:
    """Two agents would each refuse what they know of."""
    if config.kind == "kube-router" and by_flannel(ground.network.pods):
        text = (
            "is kube-router, and network.pods.values.netpol has flannel's own agent on. Write kind: external, or take"
        )
        yield Problem(("kind",), f"{text} one of them away.")


CHECKS: tuple[Callable[[Policies, Ground], Iterator[Problem]], ...] = (kinds, one_agent)


def checks(config: Policies, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)
