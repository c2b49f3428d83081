"""What may run beside what: the lab's hosts are one thing, the API server of the plugin tests another."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n`, tests of one group stay in order on one worker; all the others fill the second one."""
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.xdist_group("lab"))
        elif (HERE / "plugins") in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("plugins"))
