"""Ansible: one playbook, with pipelining, without facts, all hosts at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.ways import KEY_FILE, KNOWN_HOSTS, run
from bench.work import SERVICE, Work
from lab.hosts.inventory import USER, Host

CONFIG = """\
[defaults]
forks = 50
gathering = explicit
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = True
"""
PYTHON = "test -e /usr/lib/python3/dist-packages/apt_pkg.*.so || (apt-get update -q && apt-get install -qy python3-apt)"
"""Ansible's own need on a host."""


class Ansible:
    """A playbook for one list of hosts, in `folder`."""

    name = "Ansible"

    def __init__(self, hosts: Sequence[Host], folder: Path, work: Work, programs: Path) -> None:
        self.folder, self.program = folder, programs / "ansible-playbook"
        words = (
            f"ansible_user={USER} ansible_ssh_private_key_file={KEY_FILE} "
            f"ansible_ssh_common_args='-o UserKnownHostsFile={KNOWN_HOSTS} -o StrictHostKeyChecking=yes'"
        )
        rows = [f"{host.name} ansible_host={host.address} {words}" for host in hosts]
        (folder / "hosts.ini").write_text("\n".join(["[site]", *rows]) + "\n")
        (folder / "ansible.cfg").write_text(CONFIG)
        self._write(work)

    def first(self) -> None:
        """ansible-playbook."""
        self._play()

    def again(self) -> None:
        """ansible-playbook; `changed=0` for each host."""
        if "changed=0" not in (said := self._play()):
            raise SystemExit(f"✗ Ansible changed something again:\n{said[-2000:]}")

    def edit(self, work: Work) -> None:
        """One value of the playbook, ansible-playbook."""
        self._write(work)
        self._play()

    def drift(self) -> None:
        """ansible-playbook --check."""
        self._play("--check")

    def _write(self, work: Work) -> None:
        YAML(typ="safe").dump([playbook(work)], self.folder / "site.yml")

    def _play(self, *more: str) -> str:
        words = [str(self.program), "-i", "hosts.ini", "site.yml", *more]
        return run(words, self.folder, ANSIBLE_CONFIG="ansible.cfg", ANSIBLE_HOME=str(self.folder / "home"))


def playbook(work: Work) -> dict[str, Any]:
    """The play that does the work."""
    folders = sorted({str(Path(path).parent) for path in work.files})
    install = {"name": list(work.packages), "update_cache": True, "cache_valid_time": 3600, "install_recommends": False}
    return {
        "hosts": "site",
        "become": True,
        "gather_facts": False,
        "tasks": [
            {"name": "python3-apt", "raw": PYTHON, "changed_when": False},
            {"name": "packages", "apt": install},
            *({"name": folder, "file": {"path": folder, "state": "directory"}} for folder in folders),
            *(
                {
                    "name": path,
                    "copy": {"dest": path, "content": file.text, "mode": f"0{file.mode}"},
                    "notify": ["settings", "service"],
                }
                for path, file in work.files.items()
            ),
            {"name": "at work", "systemd_service": {"name": SERVICE, "state": "started", "enabled": True}},
        ],
        "handlers": [
            {"name": "settings", "command": "sysctl -q --system"},
            {"name": "service", "systemd_service": {"name": SERVICE, "state": "restarted"}},
        ],
    }
