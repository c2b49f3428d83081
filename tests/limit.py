"""How long one phase of a test may take: its setup, its call or its end. What waits for nothing fails then, and shows
where it waited."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

OF_UNIT, OF_LAB, OF_LONG = 300, 900, 3600
"""Seconds on the slowest machine; the longest of each kind takes a third of it on a quick one."""
AGAIN = 30
"""Seconds until it is interrupted again, where the first time only began a wait for threads."""


def of(item: pytest.Item) -> float:
    """Seconds that each phase of the test may take."""
    if item.get_closest_marker("long"):
        return OF_LONG
    return OF_LAB if item.get_closest_marker("lab") else OF_UNIT


@contextmanager
def at_most(seconds: float, what: str) -> Iterator[None]:
    """Fails what runs in the block, in the main thread, when it takes longer."""

    def end(_: int, frame: FrameType | None) -> None:
        del frame  # pytest shows where it was
        pytest.fail(f"{what} did not end within {seconds:g} s")

    began, former = time.monotonic(), signal.signal(signal.SIGALRM, end)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        rest = max(left - (time.monotonic() - began), 0.001) if left else 0
        signal.setitimer(signal.ITIMER_REAL, rest, again)
        signal.signal(signal.SIGALRM, former)
