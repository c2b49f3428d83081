"""What each way of preparing hosts must do here, and how a program of it is run."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench.work import Work
from lab.hosts.inventory import USER, Host
from lab.paths import LAB


class Way(Protocol):
    """One way, for one list of hosts. Each method raises SystemExit when it fails."""

    name: str

    def first(self) -> None:
        """Prepares hosts as they are after installation."""

    def again(self) -> None:
        """The same run, with nothing to do."""

    def edit(self, work: Work) -> None:
        """The same run, after one setting was changed."""

    def drift(self) -> None:
        """Asks whether all is as it was declared; changes nothing."""


KEY_FILE = LAB / "id_ed25519"
KNOWN_HOSTS = LAB / "known_hosts"


def login(host: Host) -> list[str]:
    """The words of OpenSSH for a connection to a host."""
    options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={KNOWN_HOSTS}")
    return ["ssh", "-i", str(KEY_FILE), *(w for o in options for w in ("-o", o)), f"{USER}@{host.address}"]


def run(words: Sequence[str], folder: Path, **environment: str) -> str:
    """Runs a program to its end; returns what it printed."""
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"✗ {words[0]} ended with {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
