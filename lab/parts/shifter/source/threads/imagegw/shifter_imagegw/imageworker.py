"""Pulls in threads of the API's own process, as since 18.03."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from shifter_imagegw import work


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def submit(config: dict[str, Any], key: str, _: str) -> None:
    """Begins the pull of a record."""
    _pool(int(config["WorkerThreads"])).submit(work.pull, config, key)
