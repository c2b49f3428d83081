"""Every step of preflight and base on an emulated host: it holds, twice; a fault is seen; undo leaves no trace.

Not proven here: modules that must be loaded (the lab has no module files), swap that is on, limits at a login,
a clock that moves, needrestart and cloud-init (the lab's Debian has neither), other systems than Debian 12.
"""

from typing import Any

import pytest

from components.gpu import steps as gpu_steps
from components.host import steps
from components.host.listening import Listening
from components.host.needed import Needed
from components.host.repositories import AptRepository
from components.host.steps import Around
from components.hostrun.owner import Owner
from lab import paths
from tests.lab.ntp import time_server
from tests.scripts.lab_host import HOST, LabHost, leaves_no_trace, site_host

pytestmark = pytest.mark.lab

BRIDGE = "10.213.77.1"
PEERS = [("cp-1", "10.213.77.11"), (HOST.name, HOST.address)]
DEPOT = f"http://{BRIDGE}:8080/apt"
SWAP = "/swap.img\tnone swap sw 0 0"
ROOT = "UUID=x / ext4 rw 0 1"


def at(*ports: int) -> Around:
    """A site whose node layer will listen there."""
    return Around(PEERS, above=Needed(listening=[Listening(f"p{p}", "a node", str(p), layer="node") for p in ports]))


def depot_key() -> str:
    return (paths.LAB / "apt" / "key.asc").read_text()


def test_all_of_base_holds_twice_is_mended_when_cut_and_leaves_no_trace(spare: LabHost) -> None:
    host = site_host(
        sysctl={
            "net.ipv4.tcp_rmem": "4096 131072  6291456",
            **{"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"},
        },
        modules=["overlay", "br_netfilter"],
        swap="off",
        limits={"nofile": 65536, "core": 0},
        timeServers=[BRIDGE],
    )
    base = steps.base(
        host,
        Around(
            PEERS,
            domain="lab.example.org",
            repositories={"lab": AptRepository.model_validate({"url": DEPOT, "keyFile": "key.asc"})},
            keys={"lab": depot_key()},
        ),
    )
    with time_server():
        leaves_no_trace(spare, {"base": base})
    assert "gpu-metal" not in spare.bash("cat /etc/hosts; find / -xdev -name '*gpu-metal*'; ls /var/lib/apt/lists")


@pytest.mark.row("H16")
def test_preflight_holds_on_a_good_host_and_says_each_lack_of_another(spare: LabHost) -> None:
    before = spare.snapshot(times=True)
    good = site_host(os="debian-12")
    assert spare.questions(steps.preflight(good, at(6443, 2379, 2380, 10250, 10257, 10259))) == {}
    bad = site_host(
        os="ubuntu-24.04", minimum={"cpus": 999, "memoryGb": 9999, "diskGb": 99999}, gpu={"model": "A100", "count": 32}
    )
    said = spare.questions([*steps.preflight(bad, at(22, 6443)), *gpu_steps.checks(bad)])
    assert set(said) == {"os", "cpus", "memory", "disk", "ports", "gpus"}
    assert said["os"].startswith("has debian-12, wants ubuntu-24.04, as the site declares. Fix: ")
    assert said["ports"].startswith("has in use: port 22 (sshd, process ")
    assert f"has {HOST.gpus} NVIDIA GPUs on the PCI bus, wants 32. Fix: " in said["gpus"]
    assert all(", wants " in text or "; wants " in text for text in said.values())
    assert all(". Fix: " in text for text in said.values())
    assert spare.snapshot(times=True) == before


@pytest.mark.row("H16", "H18")
def test_preflight_sees_a_broken_system(spare: LabHost) -> None:
    questions = steps.preflight(site_host(), Around(PEERS))
    spare.bash("mv /etc/machine-id /etc/machine-id.saved; echo uninitialized >/etc/machine-id")
    half = "/^Package: bash$/,/^Status/s/^Status: .*/Status: install ok half-configured/"
    spare.bash(f"sed -i.saved '{half}' /var/lib/dpkg/status")
    said = spare.questions(questions)
    spare.bash("mv /etc/machine-id.saved /etc/machine-id; mv /var/lib/dpkg/status.saved /var/lib/dpkg/status")
    assert set(said) == {"identity", "package_manager"}
    assert said["identity"].startswith("has uninitialized machine-id, wants 32 hexadecimal digits. Fix: ")
    assert said["package_manager"].startswith("has unfinished packages (bash), wants none. Fix: ")


@pytest.mark.row("H18")
@pytest.mark.parametrize(
    ("owner", "says"),
    [
        (Owner("gpu-metal", "lab"), ""),
        (Owner("gpu-metal", "dev"), "this run is of stack gpu-metal/dev."),
        (Owner("gpu-metal", "lab", "rack7"), ""),
    ],
)
def test_a_host_of_another_site_is_seen_before_anything_is_changed(spare: LabHost, owner: Owner, says: str) -> None:
    spare.bash(
        "mkdir -p /var/lib/gpu-metal; echo 'gpu-metal lab - 1111 2026-11-29T21:40:12Z -' >/var/lib/gpu-metal/owner"
    )
    said = spare.questions([steps.owner(site_host(), owner)])
    spare.bash("rm -r /var/lib/gpu-metal")
    begins = "belongs to stack gpu-metal/lab since 2026-11-29T21:40:12Z; "
    assert [text.partition(" Nothing")[0] for text in said.values()] == ([begins + says] if says else [])


@pytest.mark.row("H16", "H18")
def test_ports_are_no_matter_where_our_node_has_them(spare: LabHost) -> None:
    spare.bash("mkdir -p /var/lib/gpu-metal/ledger; echo x >/var/lib/gpu-metal/ledger/node")
    said = spare.questions(steps.preflight(site_host(), at(22)))
    renamed = spare.questions(steps.preflight(site_host(name="spare-9"), Around(PEERS)))
    spare.bash("rm -r /var/lib/gpu-metal")
    assert said == {}
    assert renamed["identity"].startswith(f"has been made node {HOST.name}, wants to be spare-9. Fix: ")


@pytest.mark.row("H15")
def test_hosts_keeps_what_others_wrote_and_survives_a_lost_end(installed: LabHost) -> None:
    [step] = [s for s in steps.base(site_host(), Around(PEERS)) if s.id == "hosts_file"]
    original = installed.bash("cat /etc/hosts")
    installed.apply("base", [step])
    installed.bash("echo '192.0.2.7 printer' >>/etc/hosts")
    installed.bash(f"sed -i '/^# gpu-metal end/d; s/^{HOST.address}.*/10.213/' /etc/hosts")
    assert installed.check()["hosts_file"][0] == "drift"
    installed.apply("base", [step])
    block = f"# gpu-metal begin\n10.213.77.11 cp-1\n{HOST.address} {HOST.name}\n# gpu-metal end\n"
    assert installed.bash("cat /etc/hosts") == f"{block}{original}192.0.2.7 printer\n"
    installed.gpu_metal("undo base")
    assert installed.bash("cat /etc/hosts") == f"{original}192.0.2.7 printer\n"
    installed.bash("sed -i '$d' /etc/hosts")


@pytest.mark.row("H18")
def test_host_name_is_the_kernels_and_the_files_and_comes_back(installed: LabHost) -> None:
    [step] = [s for s in steps.base(site_host(name="node-7"), Around(PEERS)) if s.id == "host_name"]
    installed.apply("base", [step])
    assert installed.bash("uname -n; cat /etc/hostname") == "node-7\nnode-7\n"
    installed.gpu_metal("undo base")
    assert installed.bash("uname -n; cat /etc/hostname") == f"{HOST.name}\n{HOST.name}\n"


@pytest.mark.row("H10")
def test_sysctl_puts_back_what_leaves_the_site(installed: LabHost) -> None:
    def setting(**values: str) -> Any:
        named = {key.replace("__", "."): value for key, value in values.items()}
        return [s for s in steps.base(site_host(sysctl=named), Around(PEERS)) if s.id == "sysctl"]

    read = "cat /proc/sys/net/ipv4/tcp_fin_timeout /proc/sys/net/ipv4/tcp_retries2"
    before = installed.bash(read)
    installed.apply("base", setting(net__ipv4__tcp_fin_timeout="41", net__ipv4__tcp_retries2="9"))
    assert installed.bash(read) == "41\n9\n"
    installed.apply("base", setting(net__ipv4__tcp_retries2="8"))
    assert installed.bash(read) == before.splitlines()[0] + "\n8\n"
    failed = installed.run("base", setting(net__no__such="1"))
    assert "[sysctl] " in failed.stderr
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash(read) == before


@pytest.mark.row("H12")
def test_swap_lines_of_fstab_are_commented_and_come_back_among_others(installed: LabHost) -> None:
    [step] = [s for s in steps.base(site_host(swap="off"), Around(PEERS)) if s.id == "swap_off"]
    installed.bash("mv /etc/fstab /etc/fstab.saved; cat >/etc/fstab", f"{SWAP}\n{ROOT}\n")
    installed.apply("base", [step])
    seen = installed.bash("cat /etc/fstab; readlink /etc/systemd/system/swap.target")
    assert seen == f"# gpu-metal: {SWAP}\n{ROOT}\n/dev/null\n"
    installed.bash("echo '# mine' >>/etc/fstab")
    installed.bash("ln -s /bin/true /usr/local/sbin/swapon")  # there is no /swap.img to turn on
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash("cat /etc/fstab") == f"{SWAP}\n{ROOT}\n# mine\n"
    installed.bash("mv /etc/fstab.saved /etc/fstab; rm /usr/local/sbin/swapon")
    installed.bash("test ! -e /etc/systemd/system/swap.target")
