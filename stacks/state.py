"""What the stack's own state has. Asked only about hosts that are gone: a site decides all else."""

import pulumi
from pulumi.runtime import invoke

ASKS = "pulumi:pulumi:readStackResourceOutputs"
"""The engine's own function; it reads the state as the last run left it, in a preview too."""


def names() -> frozenset[str]:
    """The names of all resources in this stack's state."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    found = invoke(ASKS, {"stackName": stack}).value or {}
    return frozenset(urn.rpartition("::")[2] for urn in found["outputs"])
