"""Questions to the operator: answered by --yes, by a person at a terminal, or not at all."""

import typer

from ops.flags import Flags
from ops.scan import somebody
from ops.stop import Code, Stop


def agreed(flags: Flags, question: str, otherwise: str) -> bool:
    """Whether the operator agrees; `otherwise` says what was not done. Raises Stop if there is nobody to ask."""
    if flags.yes:
        return True
    if not somebody():
        raise Stop(Code.WRONG, [f"Nobody to ask here. {otherwise} Fix: repeat with --yes."])
    return typer.confirm(question, err=True)


def typed(flags: Flags, question: str, word: str, otherwise: str) -> bool:
    """As `agreed`, but the operator must type a word."""
    if flags.yes:
        return True
    if not somebody():
        raise Stop(Code.WRONG, [f"Nobody to ask here. {otherwise} Fix: repeat with --yes."])
    return bool(typer.prompt(f"{question} Type {word} to go on", default="", show_default=False, err=True) == word)
