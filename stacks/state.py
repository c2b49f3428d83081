"""What the stack's own state has: the hosts that are gone, and the members' versions. A site decides all else."""

import time
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import invoke

_PATIENCE = 5
"""Seconds for which a state that the engine is writing is read again."""
ASKS = "pulumi:pulumi:readStackResourceOutputs"
"""The engine's own function; it reads the state as the last run left it, in a preview too."""


def outputs() -> dict[str, Mapping[str, Any]]:
    """The outputs of all resources in this stack's state, by the resource's name."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    found = _asked({"stackName": stack})
    return {urn.rpartition("::")[2]: of.get("outputs") or {} for urn, of in (found.get("outputs") or {}).items()}


def _asked(arguments: Mapping[str, str]) -> Mapping[str, Any]:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return invoke(ASKS, dict(arguments)).value or {}
        except Exception as error:
            # Where the state is a file, the engine may be writing it at this moment, and has then read half of it.
            if "failed to load checkpoint" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.2)
