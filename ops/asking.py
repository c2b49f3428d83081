"""Questions to the operator: answered by --yes, by a person at a terminal, or not at all."""

import sys

import typer

from ops.flags import Flags
from ops.stop import Code, Stop


def somebody() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def agreed(flags: Flags, question: str, otherwise: str, fix: str = "repeat with --yes.") -> bool:
    """Whether the operator agrees; `otherwise` says what was not done. Raises Stop if there is nobody to ask."""
    return _answered(flags, otherwise, fix) or typer.confirm(question, err=True)


def typed(flags: Flags, question: str, word: str, otherwise: str) -> bool:
    """As `agreed`, but the operator must type a word."""
    if _answered(flags, otherwise, "repeat with --yes."):
        return True
    return bool(typer.prompt(f"{question} Type {word} to go on", default="", show_default=False, err=True) == word)


def _answered(flags: Flags, otherwise: str, fix: str) -> bool:
    if not flags.yes and not somebody():
        raise Stop(Code.WRONG, [f"Nobody to ask here. {otherwise} Fix: {fix}"])
    return flags.yes
