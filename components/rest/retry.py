"""Repeats a call where that does no harm, until its patience is over.

- No connection: nothing was sent, so any call is repeated.
- 429: the API refused to begin, so any call is repeated, after the time that it asks for.
- 502, 503, 504, no answer: GET, PUT and DELETE are repeated. Of the others nobody knows whether they were carried out:
  they end with UnsureError, and who made the call looks first (kind.py).
"""

import email.utils
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from components.rest.access import Access
from components.rest.error import DarkError, RestError, UnsureError
from components.rest.http import Answer, Call, Reply, once

_BUSY = frozenset({502, 503, 504})
_LONGEST = 8.0
"""Seconds between two attempts, unless the API asks for more."""


@dataclass(frozen=True)
class Patience:
    """How long to go on."""

    seconds: float = 90.0
    """After this, no attempt begins."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def ask(access: Access, call: Call, patience: Patience) -> Reply:
    """Asks, and asks again. Raises RestError."""
    end = patience.clock() + patience.seconds
    number = 0
    while True:
        try:
            return once(access, call)
        except Answer as answer:
            error, again = answer.error, answer.status == 429 or (call.safe and answer.status in _BUSY)
            pause = _asked_for(answer.retry_after)
        except RestError as without:
            certificate = isinstance(without, DarkError) and "certificate" in without.saw
            error, again, pause = without, not isinstance(without, UnsureError) and not certificate, None
        if pause is None:
            pause = min(_LONGEST, 0.5 * 2**number) * random.uniform(0.5, 1.0)  # noqa: S311 - only to spread calls
        number += 1
        if not again or patience.clock() + pause > end:
            raise error from None
        patience.sleep(pause)


def _asked_for(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
