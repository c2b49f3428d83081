"""Which folders are the system's. That each check refuses them with its message: tests/sites/bad."""

import pytest

from components.host.folders import is_the_systems


@pytest.mark.row("H16")
@pytest.mark.parametrize("path", ["/", "/srv", "/srv/", "//opt", "/usr/share/x", "/var", "/var/log", "/var/lib"])
def test_a_folder_of_the_system_is_known_however_it_is_written(path: str) -> None:
    assert is_the_systems(path)


@pytest.mark.row("H16")
@pytest.mark.parametrize("path", ["/srv/data", "/opt/tool", "/home/user", "/var/lib/tool", "/data", "/srvdata"])
def test_a_folder_in_one_is_not(path: str) -> None:
    assert not is_the_systems(path)
