"""Sizes of volumes and shares."""

from typing import Annotated

from components.model import Quantity, amount
from components.rule import Rule
from components.shown import quoted


def _not_a_size(text: str) -> str | None:
    """A unit that was left out or is `m`, which Kubernetes takes for thousandths."""
    if amount(text) >= 1024**2:
        return None
    number = text.rstrip("m")
    likely = f"{number}Gi" if number.isdigit() and int(number) else "100Gi"
    return f'{quoted(text)} is {amount(text):g} bytes, in which no volume fits. Write a unit, for example "{likely}".'


Size = Annotated[Quantity, Rule(_not_a_size)]
"""A quantity of bytes, quoted: "500Gi", "2Ti"."""


def size(text: str) -> int:
    """In bytes."""
    return int(amount(text))
