"""What the program asks of the stack's own state.

Does not prove: what the engine answers (tests/lab).
"""

from types import SimpleNamespace
from typing import Any

import pytest

from stacks import state


def test_a_file_that_the_engine_is_writing_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [Exception(f"invoke of {state.ASKS} failed: failed to load checkpoint: EOF"), {"outputs": {}}]

    def invoke(*_: object) -> SimpleNamespace:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(value=answer)

    monkeypatch.setattr(state, "invoke", invoke)
    for name in ("organization", "project", "stack"):
        monkeypatch.setattr(f"pulumi.get_{name}", lambda: "x")
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert state.outputs() == {}
    assert answers == []
    answers.append(Exception("no such stack"))
    with pytest.raises(Exception, match="no such stack"):
        state.outputs()
