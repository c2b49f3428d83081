"""What the stack's own state has: the hosts that are gone, and the members' versions. A site decides all else."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import invoke

ASKS = "pulumi:pulumi:readStackResourceOutputs"
"""The engine's own function; it reads the state as the last run left it, in a preview too."""


def outputs() -> dict[str, Mapping[str, Any]]:
    """The outputs of all resources in this stack's state, by the resource's name."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    found = invoke(ASKS, {"stackName": stack}).value or {}
    return {urn.rpartition("::")[2]: of.get("outputs") or {} for urn, of in (found.get("outputs") or {}).items()}
