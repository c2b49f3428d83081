"""The network's steps where RHEL has its own ways: dnf's proxy, NetworkManager, SELinux.

Real: dnf through a proxy. Stand-ins that answer as the vendors' documents say: NetworkManager, getenforce, setenforce;
what SELinux and NetworkManager truly do is not proven.
"""

from collections.abc import Iterator

import pytest

from components.host import net_steps
from lab.hosts.inventory import GATEWAY as BRIDGE
from tests.scripts.lab_host import HOST, LabHost, site_host
from tests.scripts.net_peers import free_port, holds, web_server
from tests.scripts.rhel_host import rhel

pytestmark = [pytest.mark.lab, pytest.mark.long]

SELINUX = """
mkdir -p /etc/selinux
printf '%s\\n' '# state' SELINUX=enforcing SELINUXTYPE=targeted >/etc/selinux/config
echo Enforcing >/run/selinux-is
printf '#!/bin/bash\\ncat /run/selinux-is\\n' >/usr/local/sbin/getenforce
printf '#!/bin/bash\\n[[ $1 == 1 ]] && echo Enforcing >/run/selinux-is || echo Permissive >/run/selinux-is\\n' \\
    >/usr/local/sbin/setenforce
chmod +x /usr/local/sbin/{get,set}enforce
"""
MANAGER = """
cat >/usr/local/sbin/nm-writes <<'SH'
#!/bin/bash
conf=/etc/NetworkManager/conf.d/90-gpu-metal-dns.conf
{
    sed -n 's/^searches=/search /p' $conf | tr , ' '
    sed -n 's/^servers=//p' $conf | tr , '\\n' | sed 's/^/nameserver /'
} >/etc/resolv.conf
[[ -e $conf ]] || echo 'nameserver 10.255.255.53' >/etc/resolv.conf
SH
chmod +x /usr/local/sbin/nm-writes
printf '[Service]\\nExecStart=sleep inf\\nExecReload=/usr/local/sbin/nm-writes\\n' \\
    >/etc/systemd/system/NetworkManager.service
systemctl start NetworkManager
"""


@pytest.fixture(scope="module")
def rocky() -> Iterator[LabHost]:
    """Rocky 9.4, as far as its package manager goes."""
    with rhel(HOST) as host:
        host.install()
        yield host


@pytest.mark.row("H14")
def test_dnf_goes_through_the_proxy_and_its_settings_come_back(rocky: LabHost) -> None:
    port, asked = free_port(), list[str]()
    rocky.bash("printf '[main]\\nproxy=http://old:1\\nbest=True\\n[other]\\nproxy=_none_\\n' >/etc/dnf/dnf.conf")
    before = rocky.bash("cat /etc/dnf/dnf.conf")
    with web_server(port, {}, asked):
        holds(rocky, net_steps.proxy(site_host(proxy={"http": f"http://{BRIDGE}:{port}"}), "localhost"))
        rocky.bash("! dnf -q --repofrompath=away,http://rpm.example.org/9 --repo=away makecache")
    assert asked[0] == "http://rpm.example.org/9/repodata/repomd.xml"
    wanted = f"[main]\nproxy=http://{BRIDGE}:{port}\nbest=True\n[other]\nproxy=_none_\n"
    assert rocky.bash("cat /etc/dnf/dnf.conf; ls /etc/apt/apt.conf.d").startswith(wanted)
    rocky.gpu_metal("undo base")
    assert rocky.bash("cat /etc/dnf/dnf.conf") == before


@pytest.mark.row("H15")
def test_network_manager_is_told_the_name_servers(rocky: LabHost) -> None:
    rocky.bash(MANAGER)
    host = site_host(dns={"servers": [BRIDGE, "192.0.2.53"], "search": ["a.example.org", "b.example.org"]})
    holds(rocky, net_steps.dns(host, None))
    wanted = f"search a.example.org b.example.org\nnameserver {BRIDGE}\nnameserver 192.0.2.53\n"
    assert rocky.bash("cat /etc/resolv.conf") == wanted
    rocky.bash("echo 'nameserver 192.0.2.1' >/etc/resolv.conf")
    status, says = rocky.check()["dns"]
    assert (status, says.partition(". Fix")[0]) == (
        "drift", f"asks 192.0.2.1, wants {BRIDGE} 192.0.2.53 (kept by NetworkManager)",
    )  # fmt: skip
    holds(rocky, net_steps.dns(host, None))
    rocky.gpu_metal("undo base")
    assert rocky.bash("cat /etc/resolv.conf; ls /etc/NetworkManager 2>&1 || true").startswith(
        "nameserver 10.255.255.53\n"
    )
    rocky.bash("systemctl stop NetworkManager; rm /etc/systemd/system/NetworkManager.service")


@pytest.mark.row("H17")
def test_selinux_is_switched_at_once_or_by_a_reboot_that_is_due(rocky: LabHost) -> None:
    refused = rocky.run("base", net_steps.selinux(site_host(selinux="enforcing")))
    assert "has no SELinux (rocky), wants it enforcing. Fix: remove selinux from" in refused.stderr
    rocky.gpu_metal("undo base")
    rocky.bash(SELINUX)
    state = "cat /run/selinux-is; grep ^SELINUX= /etc/selinux/config; cat /run/gpu-metal/reboot-due 2>/dev/null || true"
    holds(rocky, net_steps.selinux(site_host(selinux="permissive")))
    assert rocky.bash(state) == "Permissive\nSELINUX=permissive\n"
    rocky.bash("setenforce 1")
    assert rocky.check()["selinux"] == ("drift", "SELinux is enforcing, wants permissive")
    holds(rocky, net_steps.selinux(site_host(selinux="disabled")))
    due = "SELinux is enforcing and is to be disabled\n"
    assert rocky.bash(state) == f"Enforcing\nSELINUX=disabled\n{due}"
    rocky.bash("rm /run/gpu-metal/reboot-due; echo Disabled >/run/selinux-is")  # the reboot
    holds(rocky, net_steps.selinux(site_host(selinux="disabled")))
    rocky.gpu_metal("undo base")
    assert rocky.bash("cat /etc/selinux/config") == "# state\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"
