"""How an upgrade goes from node to node: what a site says of it (row K16)."""

from typing import Annotated

from pydantic import Field

from components.forms import WINDOW, WINDOW_FORM
from components.model import Model
from components.rule import Rule
from components.shown import quoted


def _not_a_window(text: str) -> str | None:
    return None if WINDOW.fullmatch(text) else f"{quoted(text)} {WINDOW_FORM}"


class Rolling(Model):
    """How `pulumi up` takes nodes out of work: for another version, control planes one by one, then the workers; and
    for `state: drained`, which keeps the node out of work whether its pods move in time or not."""

    at_once: Annotated[int, Field(ge=1)] = 1
    """So many workers at a time. Control planes are always one at a time."""
    drain_timeout: Annotated[int, Field(ge=1, le=86400)] = 300
    """Seconds that a node's pods have to move away. PodDisruptionBudgets are honoured: where one still keeps a pod
    then, the node takes work again as before, and the upgrade stops there."""
    wait_for_jobs: Annotated[int, Field(ge=0, le=43200)] = 0
    """Minutes that running jobs with GPUs have to end by themselves before that, while the node takes no new work.
    Where one still runs then, the node takes work again, and the upgrade stops there. 0: they are evicted."""
    window: Annotated[str, Rule(_not_a_window)] | None = None
    """`DAY HH:MM-HH:MM` in the control planes' time, DAY as in Sun or daily: no node begins outside of it."""
