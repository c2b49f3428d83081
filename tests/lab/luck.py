"""One host without Kubernetes, for the stories of bad luck: its site, and what is asked of a run that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.hosts import lab
from lab.hosts.inventory import host as lab_host
from lab.paths import LAB
from tests.lab.stack import Ran, Stack, on

ONE, FIT = "new-1", "new-2"
ADDRESS = lab_host(ONE).address
SITE: dict[str, Any] = {
    "ssh": {"user": "deploy", "keyFile": str(LAB / "id_ed25519")},
    "minimum": {"memoryGb": 1, "diskGb": 1},
    "sysctl": {"net.core.somaxconn": "4096"},
    "hosts": {ONE: {"address": ADDRESS}},
}


@contextmanager
def one_host(folder: Path) -> Iterator[Stack]:
    """A stack of that one host, as after installation."""
    lab.serve(lambda _: None)
    lab.reset(lab_host(ONE))
    stack = Stack("luck", folder)
    (stack.folder / "known_hosts").write_text((LAB / "known_hosts").read_text())
    stack.create({**SITE, "knownHosts": str(stack.folder / "known_hosts")})
    yield stack
    lab.stop(lab_host(ONE), grace=0)


@contextmanager
def one_more() -> Iterator[str]:
    """A host more, as after installation."""
    lab.reset(lab_host(FIT))
    yield FIT
    lab.stop(lab_host(FIT), grace=0)


def refused(ran: Ran, *says: str) -> None:
    """The run failed, said all of that about the host, and showed no trace of ours."""
    assert ran.status != 0, ran.text
    assert ONE in ran.text
    for text in says:
        assert text in ran.text, ran.text[-4000:]
    assert "Traceback" not in ran.text


def untouched() -> bool:
    """Whether nothing of ours is on the host."""
    return on(ONE, ["sh", "-c", "ls -d /var/lib/gpu-metal /usr/local/sbin/gpu-metal 2>/dev/null || true"]) == ""
