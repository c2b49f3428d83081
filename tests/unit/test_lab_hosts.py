"""The list of the lab's hosts, and what the lab changes of this machine's kernel settings."""

from pathlib import Path

import pytest

from lab import paths
from lab.hosts import settings
from lab.hosts.inventory import GATEWAY, HOSTS, NETWORK


def test_each_host_has_an_address_of_its_own_in_the_labs_network() -> None:
    addresses = [host.address for host in HOSTS.values()]
    assert len({*addresses, GATEWAY}) == len(addresses) + 1
    assert {address.rpartition(".")[0] for address in addresses} == {str(NETWORK[0]).rpartition(".")[0]}


def test_kernel_settings_are_changed_once_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """128 inotify instances, the kernel's own limit, were too few for a dozen hosts: kubelets ended at once."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RUN", tmp_path)
    forward, instances, pages = (tmp_path / name for name in (settings.FORWARD, settings.INSTANCES, settings.PAGES))
    for file, text in ((forward, "0\n"), (instances, "128\n"), (pages, "always inherit madvise [never]\n")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    for _ in range(2):  # each host that is switched on takes them
        settings.take()
        assert [file.read_text() for file in (forward, instances, pages)] == ["1\n", "2048\n", "always\n"]
    settings.give_back()
    assert [file.read_text() for file in (forward, instances, pages)] == ["0\n", "128\n", "never\n"]
    assert settings.noted() == {}
    instances.write_text("8192\n")
    pages.unlink()  # an older kernel
    settings.take()
    assert (instances.read_text(), pages.exists()) == ("8192\n", False)
