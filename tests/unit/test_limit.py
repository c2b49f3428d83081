"""The time limit of tests (tests/limit.py)."""

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import limit


def test_what_waits_for_nothing_fails_with_its_name() -> None:
    said = r"the wait did not end within 0\.1 s"
    with pytest.raises(pytest.fail.Exception, match=said), limit.at_most(0.1, "the wait"):
        subprocess.run(["sleep", "60"], check=False)


def test_a_wait_for_threads_is_interrupted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "AGAIN", 0.05)
    gate, ended = threading.Event(), []
    with pytest.raises(pytest.fail.Exception), limit.at_most(0.05, "the wait"), ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: ended.append(gate.wait(60))).result()
    assert not ended
    gate.set()


def test_what_ends_in_time_goes_on_and_an_outer_limit_holds_again() -> None:
    with pytest.raises(pytest.fail.Exception, match="outer"), limit.at_most(0.3, "the outer"):
        with limit.at_most(60, "the inner"):
            pass
        time.sleep(60)
