"""pyinfra: one deploy, all hosts at once."""

from collections.abc import Sequence
from pathlib import Path

from bench.ways import KEY_FILE, KNOWN_HOSTS, run
from bench.work import SERVICE, Work
from lab.hosts.inventory import USER, Host

DEPLOY = """\
import io
from pyinfra.operations import apt, files, server, systemd

packages = apt.packages(name="packages", packages={packages!r}, update=True, cache_time=3600, no_recommends=True)
changed = []
for path, text, mode in {files!r}:
    changed.append(files.put(name=path, src=io.StringIO(text), dest=path, mode=mode))
server.shell(name="settings", commands=["sysctl -q --system"], _if=lambda: any(each.did_change() for each in changed))
systemd.service(name="at work", service={service!r}, running=True, enabled=True)
systemd.service(
    name="service", service={service!r}, restarted=True, _if=lambda: any(each.did_change() for each in changed)
)
"""


class Pyinfra:
    """A deploy for one list of hosts, in `folder`."""

    name = "pyinfra"

    def __init__(self, hosts: Sequence[Host], folder: Path, work: Work, programs: Path) -> None:
        self.folder, self.program = folder, programs / "pyinfra"
        data = {
            "ssh_user": USER,
            "ssh_key": str(KEY_FILE),
            "ssh_known_hosts_file": str(KNOWN_HOSTS),
            "ssh_strict_host_key_checking": "yes",
            "_sudo": True,
        }
        rows = [(host.address, data) for host in hosts]
        (folder / "inventory.py").write_text(f"site = {rows!r}\n")
        self._write(work)

    def first(self) -> None:
        """pyinfra."""
        self._deploy()

    def again(self) -> None:
        """pyinfra."""
        self._deploy()

    def edit(self, work: Work) -> None:
        """One value of the deploy, pyinfra."""
        self._write(work)
        self._deploy()

    def drift(self) -> None:
        """pyinfra --dry."""
        self._deploy("--dry")

    def _write(self, work: Work) -> None:
        files = [(path, file.text, file.mode) for path, file in work.files.items()]
        text = DEPLOY.format(packages=list(work.packages), files=files, service=SERVICE)
        (self.folder / "deploy.py").write_text(text)

    def _deploy(self, *more: str) -> str:
        return run([str(self.program), "--yes", *more, "inventory.py", "deploy.py"], self.folder)
