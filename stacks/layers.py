"""All steps of one host by layer, without Pulumi: what `up` would apply there (site.py builds the same)."""

from collections.abc import Mapping, Sequence

from components.host.config import Host
from components.hostrun.step import Step
from stacks import plan
from stacks.ground import in_order, waves
from stacks.model import Site


def layers(site: Site, host: Host) -> Mapping[str, Sequence[Step]]:
    """In the order in which they are applied; those of the cluster's membership, which are of no one host, left out."""
    found = {"base": plan.base(site, host), "gpu": plan.gpu(host), "engine": plan.engine(site, host)}
    for entry in in_order(site.entries):
        for wave in waves(site, entry):
            found[wave.layer] = list(wave.steps.get(host.name, ()))
    if site.kubernetes:
        found.update({layer: list(steps) for layer, steps in plan.cluster(site, host).items()})
    return {layer: steps for layer, steps in found.items() if steps}
