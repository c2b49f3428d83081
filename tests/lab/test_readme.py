"""README's commands for "Your three hosts" as printed, on hosts of the lab; only addresses and user are the lab's.

Does not prove: the question about new host keys (they are known here), and Kubernetes, which the dev site has.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.hosts import lab as hosts
from lab.hosts.inventory import USER
from lab.hosts.inventory import host as lab_host
from lab.paths import CACHE, LAB
from tests.lab.stack import ROOT, until

pytestmark = pytest.mark.lab

OURS = ("new-1", "new-2", "new-3")
LAB_S = {
    "10.0.0.11": lab_host("new-1").address,
    "10.0.0.[21-22]": "10.213.77.[82-83]",
    "--user ubuntu": f"--user {USER}",
}


@pytest.fixture
def fresh_hosts(lab: None) -> Iterator[None]:  # noqa: ARG001 - the lab runs
    """Three hosts as they are after installation."""
    for name in OURS:
        hosts.reset(lab_host(name))
    yield
    for name in OURS:
        hosts.stop(lab_host(name))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with the ready Python environment, and the host keys that are known from elsewhere."""
    clone = tmp_path / "gpu-metal"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    (clone / ".venv").symlink_to((ROOT / ".venv").resolve())
    known = (LAB / "known_hosts").read_text().splitlines(keepends=True)
    addresses = tuple(f"{lab_host(name).address} " for name in OURS)
    (clone / "known_hosts.lab").write_text("".join(line for line in known if line.startswith(addresses)))
    return clone


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """An ssh-agent with the key of the lab's hosts."""
    socket = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        until(lambda: Path(socket).exists(), what="the agent's socket", limit=20)
        env = {**os.environ, "SSH_AUTH_SOCK": socket}
        subprocess.run(["ssh-add", "-q", LAB / "id_ed25519"], env=env, check=True)
        yield socket
        process.terminate()


def commands() -> str:
    """The block of README, with the lab's addresses and user."""
    section = (ROOT / "README.md").read_text().split("## Your three hosts")[1].split("\n## ")[0]
    (block,) = (text for text in section.split("```")[1::2] if text.startswith("\n"))
    for printed, ours in LAB_S.items():
        assert printed in block
        block = block.replace(printed, ours)
    return block


@pytest.mark.usefixtures("fresh_hosts")
def test_the_commands_for_three_hosts(checkout: Path, agent: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "pulumi").mkdir()
    (tmp_path / "pulumi" / "plugins").symlink_to(LAB / "pulumi" / "plugins")
    env = {
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(CACHE.parent),
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        "PULUMI_SKIP_CONFIRMATIONS": "true",  # a person says yes
        "SSH_AUTH_SOCK": agent,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    script = f"set -euo pipefail\n{commands()}pulumi up --expect-no-changes\npulumi destroy\n"
    done = subprocess.run(
        ["bash", "-c", script], cwd=checkout, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[-6000:]
    assert "✓ ok: 3 hosts" in done.stdout + done.stderr
    assert (tmp_path / "home" / ".lab.passphrase").stat().st_mode & 0o777 == 0o600
