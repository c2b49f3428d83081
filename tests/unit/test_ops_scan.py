"""sitectl scan against SSH servers in this process: what is new, what differs, what is written."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncssh
import pytest
from typer.testing import CliRunner

from ops import scan
from ops.cli import app
from tests.unit.sshd import ECDSA_KEY, HOST_KEY, OTHER_KEY, line, server

SITE = """\
config:
  gpu-metal:site:
    ssh: {{user: deploy}}
    hosts:
      gpu-1: {{address: 127.0.0.1, ssh: {{port: {0}}}}}
      gpu-2: {{address: 127.0.0.2, ssh: {{port: {1}}}}}
"""
CLOSED = 1


@pytest.fixture(autouse=True)
def _hosts_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site may not have such hosts; the servers here have no other addresses."""
    monkeypatch.setattr("components.host.addresses._KINDS", ())


def run(
    folder: Path, words: Sequence[str], keys: Sequence[asyncssh.SSHKey] = (HOST_KEY, OTHER_KEY)
) -> tuple[int, str, str]:
    """sitectl beside two SSH servers with these host keys; exit code, output, known_hosts."""

    async def work() -> tuple[int, str]:
        async with server(key=keys[0]) as one, server(key=keys[1], address="127.0.0.2") as two:
            (folder / "Pulumi.dev.yaml").write_text(SITE.format(one, two))
            # the verb has a loop of its own
            result = await asyncio.to_thread(CliRunner().invoke, app, ["scan", *words, "-s", "dev", "-C", str(folder)])
            return result.exit_code, result.output.replace(str(one), "PORT1").replace(str(two), "PORT2")

    code, output = asyncio.run(work())
    file = folder / "known_hosts.dev"
    return code, output, file.read_text() if file.exists() else ""


@pytest.mark.row("H18")
def test_new_keys_are_shown_and_written_when_agreed(tmp_path: Path) -> None:
    code, output, written = run(tmp_path, ["--yes"])
    assert code == 0
    for key in (HOST_KEY, OTHER_KEY):
        assert f"ssh-ed25519 {key.get_fingerprint()}" in output
        assert line(key) in written
    assert len(written.splitlines()) == 2


def test_without_a_terminal_nothing_is_written_unasked(tmp_path: Path) -> None:
    code, output, written = run(tmp_path, [])
    assert (code, written) == (2, "")
    assert "Nothing was written." in output


def test_only_the_named_host(tmp_path: Path) -> None:
    assert run(tmp_path, ["gpu-2", "-y"])[2].startswith("[127.0.0.2]:")
    assert run(tmp_path, ["gpu-3", "-y"])[0] == 2


def test_a_weaker_key_only_where_there_is_no_better(tmp_path: Path) -> None:
    assert line(ECDSA_KEY) in run(tmp_path, ["-y"], (ECDSA_KEY, OTHER_KEY))[2]


def known(folder: Path, port: int, key: asyncssh.SSHKey) -> None:
    (folder / "known_hosts.dev").write_text(f"# the site's keys\n[127.0.0.1]:{port},[gpu-1]:{port} {line(key)}\n")


@pytest.mark.row("H18")
def test_a_key_that_differs_is_replaced_only_on_demand(tmp_path: Path) -> None:
    async def work() -> list[tuple[int, str]]:
        async with server(key=HOST_KEY) as port:
            (tmp_path / "Pulumi.dev.yaml").write_text(SITE.format(port, CLOSED).rpartition("      gpu-2")[0])
            known(tmp_path, port, OTHER_KEY)
            found = []
            for words in (["-y"], ["-y", "--replace"], []):
                call = ["scan", *words, "-s", "dev", "-C", str(tmp_path)]
                result = await asyncio.to_thread(CliRunner().invoke, app, call)
                found.append((result.exit_code, (tmp_path / "known_hosts.dev").read_text()))
            return found

    (kept, before), (replaced, after), (again, last) = asyncio.run(work())
    assert (kept, line(OTHER_KEY) in before) == (1, True)
    assert (replaced, line(OTHER_KEY) in after, line(HOST_KEY) in after) == (0, False, True)
    assert after.startswith("# the site's keys\n")
    assert (again, last) == (0, after)


def test_a_host_that_is_down_is_a_row(tmp_path: Path) -> None:
    async def work() -> tuple[int, str]:
        async with server(key=HOST_KEY) as port:
            (tmp_path / "Pulumi.dev.yaml").write_text(SITE.format(port, CLOSED))
            call = ["scan", "-y", "-s", "dev", "-C", str(tmp_path)]
            result = await asyncio.to_thread(CliRunner().invoke, app, call)
            return result.exit_code, result.output

    code, output = asyncio.run(work())
    assert code == 4
    assert "? gpu-2 [address] 127.0.0.2:1 refuses connections." in output
    assert line(HOST_KEY) in (tmp_path / "known_hosts.dev").read_text()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("10.0.0.1,gpu-1 ssh-ed25519 A", ""),
        ("10.0.0.1,old ssh-ed25519 A", "old ssh-ed25519 A"),
        ("# 10.0.0.1", "# 10.0.0.1"),
        ("@revoked 10.0.0.1 ssh-ed25519 A", "@revoked 10.0.0.1 ssh-ed25519 A"),
        ("10.0.0.11 ssh-ed25519 A", "10.0.0.11 ssh-ed25519 A"),
    ],
)
def test_lines_of_the_file(text: str, left: str) -> None:
    assert scan.without(text, ["10.0.0.1", "gpu-1"]) == left
