"""The first hour: README's commands for "Your three hosts" as printed, on hosts of the lab.

Only addresses and user are the lab's. The cluster, and destroy and up again, are in the long run only;
tests/unit/test_init.py proves that `init` writes README's. Does not prove: the question about new host keys (they are
known here).
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.hosts import lab as hosts
from lab.hosts.inventory import USER
from lab.hosts.inventory import host as lab_host
from lab.paths import CACHE, LAB
from tests.lab.stack import ROOT
from tests.ssh_agent import ssh_agent

pytestmark = [pytest.mark.lab, pytest.mark.hosts("new-1", "new-2", "new-3")]

OURS = ("new-1", "new-2", "new-3")
CLUSTER = " --control-plane cp-1"
LAB_S = {
    "10.0.0.11": lab_host("new-1").address,
    "10.0.0.[21-22]": "10.213.77.[92-93]",
    "--user ubuntu": f"--user {USER}",
}


SETTINGS = """\
minimum: {cpus: 1, memoryGb: 1, diskGb: 2}
repositories:
  kubernetes: {url: "http://10.213.77.1:8080/apt", keyFile: "LAB/apt/key.asc"}
engine:
  cgroupDriver: cgroupfs
  restrictOomScoreAdj: true
  mirrors: {registry.k8s.io: ["http://10.213.77.1:5000"]}
kubernetes:
  kubelet:
    failSwapOn: false
    evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
    imageGCHighThresholdPercent: 100
  kubeProxy: {mode: iptables, conntrack: {maxPerCore: 0}}
  ignorePreflightErrors: [SystemVerification, FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]
"""
"""What a cluster on this machine needs besides, as in Pulumi.dev.yaml."""
INCLUDE = r"sed -i 's/^  gpu-metal:site:$/&\n    include: [lab.yaml]/' Pulumi.lab.yaml"

AFTER = """\
pulumi up --expect-no-changes
env -u PULUMI_STACK ./sitectl validate
"""
AGAIN = """\
pulumi destroy
pulumi stack rm lab
pulumi stack init lab
pulumi up
./sitectl verify
"""
"""What README says of changing nothing and of Pulumi's selection; of destroy, and of the file that is left."""


@pytest.fixture
def fresh_hosts() -> Iterator[None]:
    """Three hosts as they are after installation; those of the lab's own site stay as they are."""
    hosts.serve(lambda _: None)
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
    """The socket of an agent that holds the key of the lab's hosts."""
    with ssh_agent(str(tmp_path / "agent"), (LAB / "id_ed25519").read_text()) as socket:
        yield socket


def commands(*, cluster: bool) -> str:
    """The block of README, with the lab's addresses and user."""
    section = (ROOT / "README.md").read_text().split("## Your three hosts")[1].split("\n## ")[0]
    (block,) = (text for text in section.split("```")[1::2] if text.startswith("\n"))
    init = next(line for line in block.splitlines() if line.startswith("./sitectl init"))
    assert CLUSTER in init
    block = block.replace(init, f"{init}\n{INCLUDE}" if cluster else init.replace(CLUSTER, ""))
    for printed, ours in LAB_S.items():
        assert printed in block
        block = block.replace(printed, ours)
    return block


@pytest.mark.usefixtures("fresh_hosts")
@pytest.mark.parametrize("cluster", [False, pytest.param(True, marks=pytest.mark.long)], ids=["hosts", "cluster"])
def test_the_first_hour(checkout: Path, agent: str, tmp_path: Path, *, cluster: bool) -> None:
    (checkout / "lab.yaml").write_text(SETTINGS.replace("LAB", str(LAB)))
    (tmp_path / "home").mkdir()
    (tmp_path / "pulumi").mkdir()
    (tmp_path / "pulumi" / "plugins").symlink_to(LAB / "pulumi" / "plugins")
    env = {
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(CACHE.parent),
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        # Pulumi's `--local` is the home of the user in passwd, not $HOME: the test leaves that alone.
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/home",
        "PULUMI_SKIP_CONFIRMATIONS": "true",  # a person says yes
        "SSH_AUTH_SOCK": agent,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    script = f"set -euo pipefail\n{commands(cluster=cluster)}{AFTER}{AGAIN if cluster else ''}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=checkout, env=env, capture_output=True, text=True, timeout=1500, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    assert done.stdout.count("✓ ok: 3 hosts, ") == (3 if cluster else 2)  # preflight, verify, verify again
    assert "Site lab (selected by pulumi)." in done.stderr
    assert "warning" not in said.lower()
    assert (tmp_path / "home" / ".lab.passphrase").stat().st_mode & 0o777 == 0o600
