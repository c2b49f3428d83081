"""Steps of the RHEL family with the real dnf and rpm, on stand-in packages of an emulated host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.engine.config import Containerd
from components.engine.verify import checks
from components.host import steps
from components.host.config import Host
from components.host.packages import REQUIRED_PACKAGES, packages, repositories
from components.host.repositories import DnfRepository
from components.hostrun.step import Step, command_line
from tests.lab.ntp import time_server
from tests.scripts import rhel_host
from tests.scripts.lab_host import HOST, LabHost
from tests.scripts.rhel_host import VENDOR, rhel, vendor_key

pytestmark = pytest.mark.lab

LOCKS = "/etc/dnf/plugins/versionlock.list"
BRIDGE = "10.213.77.1"
ZERO = "0" * 40
CHRONY, SYNC, OS = (Path("components/host/steps") / f"{name}.sh" for name in ("chrony", "time_sync", "os"))


@pytest.fixture(scope="module")
def rocky() -> Iterator[LabHost]:
    """Rocky 9.4, as far as its package manager goes: each test leaves it as it found it."""
    with rhel(HOST) as host:
        yield host


@pytest.fixture
def installed(rocky: LabHost) -> Iterator[LabHost]:
    rocky.install()
    before = rhel_host.installed(rocky)
    yield rocky
    rocky.remove()
    assert rhel_host.installed(rocky) == before
    assert "gpu-metal" not in rocky.bash("find /etc /var/cache/dnf -name '*gpu-metal*'")


def source(key: str, **values: object) -> list[Step]:
    site = {"vendor": DnfRepository.model_validate({"kind": "dnf", "url": VENDOR, **values})}
    return repositories(site, {"vendor": key}, "rhel")


def tools(*names: str, label: str = "tools", hold: bool = False) -> Step:
    return packages(names, label=label, hold=hold)


@pytest.mark.row("H3", "H7")
def test_what_every_host_needs_has_its_names_there_twice_and_goes_again(installed: LabHost) -> None:
    layer = [tools(*REQUIRED_PACKAGES), tools("@build-tools", "@nfs-client", "@pciutils", label="site")]
    assert set(installed.apply("base", layer).values()) == {"changed"}
    assert set(installed.apply("base", layer).values()) == {"unchanged"}
    assert installed.check() == {}
    names = installed.bash("rpm -qa --qf '%{NAME}\\n'").split()
    assert {"iptables-nft", "conntrack-tools", "procps-ng", "glibc-devel", "nfs-utils", "rpcbind"} <= set(names)


@pytest.mark.long
@pytest.mark.row("H7")
def test_kernel_headers_are_those_of_the_running_kernel(installed: LabHost) -> None:
    assert installed.apply("base", [tools("@kernel-headers")]) == {"packages#tools": "changed"}
    assert installed.bash("rpm -q kernel-devel") == "kernel-devel-5.14.0-427.13.1.el9_4.x86_64\n"
    installed.bash("dnf -q -y upgrade kernel-devel")  # comes beside it, as kernels do
    assert installed.bash("rpm -q kernel-devel | wc -l") == "2\n"
    assert installed.check() == {}


@pytest.mark.row("H6", "H7")
def test_a_source_is_checked_by_its_key_and_its_package_held_at_its_version(installed: LabHost) -> None:
    def engine(version: str) -> list[Step]:
        key = vendor_key(installed)
        held = tools(f"containerd.io={version}", label="engine", hold=True)
        return [tools("@hold"), *source(key, keyFile="k", gpgCheckMetadata=True), held]

    installed.apply("base", engine("1.6.*"))
    assert set(installed.apply("base", engine("1.6.*")).values()) == {"unchanged"}
    assert "containerd.io-0:1.6.31-3.1.el9.*" in installed.bash(f"cat {LOCKS}")
    installed.bash("dnf -q -y upgrade")
    assert installed.bash("rpm -q containerd.io") == "containerd.io-1.6.31-3.1.el9.x86_64\n"
    assert installed.apply("base", engine("1.7.27"))["packages#engine"] == "changed"
    locks = installed.bash(f"cat {LOCKS}")
    assert ("1.6.31" in locks, "containerd.io-0:1.7.27-3.1.el9.*" in locks) == (False, True)
    assert "gpg-pubkey" in installed.bash("rpm -qa gpg-pubkey")
    assert installed.gpu_metal("undo base").returncode == 0
    assert "containerd" not in installed.bash(f"cat {LOCKS}; rpm -qa")


@pytest.mark.long
@pytest.mark.row("C1", "H16")
def test_another_engine_is_named_with_what_needs_it_and_goes_only_if_the_site_says_so(installed: LabHost) -> None:
    def engine(*allowed: str) -> list[Step]:
        package = packages(["containerd.io=1.7.27"], label="engine", replace=("engine.replace", allowed))
        return [*source(vendor_key(installed), keyFile="k"), package]

    installed.bash("dnf -q -y install podman")
    says = installed.questions(checks(Containerd()))["engine_others"]
    assert (
        "would be removed: podman, runc (running containers: none). Nothing was changed. Fix: engine.replace: " in says
    )
    assert installed.questions(checks(Containerd(replace=("podman", "runc")))) == {}
    refused = installed.run("base", engine("runc"))
    assert "containerd.io=1.7.27 would remove podman. Nothing was installed." in refused.stderr
    assert installed.apply("base", engine("podman", "runc"))["packages#engine"] == "changed"
    assert installed.bash("rpm -q podman runc || true").count("is not installed") == 2
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash("rpm -q podman runc").count(".el9") == 2
    installed.bash("dnf -q -y remove podman runc")


@pytest.mark.long
@pytest.mark.row("H6")
def test_each_way_a_source_can_be_wrong_has_its_message(installed: LabHost) -> None:
    key = vendor_key(installed)
    other = installed.bash("cat /srv/rhel/other.asc")
    web = "http://10.213.77.1:8080"
    cases = {
        "answers 404: it is not there": source(key, keyFile="k", url=f"{web}/rhel/{{version}}"),
        "is not signed by the key it came with": source(other, keyFile="k", gpgCheckMetadata=True),
        f"cannot fetch the key {web}/none.asc": source(key, keyUrl=f"{web}/none.asc", fingerprint=ZERO),
        f"wants {ZERO}. Nothing used it.": source(key, keyUrl=f"{VENDOR}/key.asc", fingerprint=ZERO),
        "http://10.213.77.1:9/ takes no connection from this host": source(
            key, keyFile="k", url="http://10.213.77.1:9/"
        ),
    }
    for says, layer in cases.items():
        refused = installed.run("base", layer)
        assert refused.returncode == 1
        assert says in refused.stderr
        assert "Fix: " in refused.stderr[refused.stderr.index(says) :]


@pytest.mark.row("H6")
def test_a_package_signed_by_another_key_is_not_installed(installed: LabHost) -> None:
    other = installed.bash("cat /srv/rhel/other.asc")
    refused = installed.run("base", [*source(other, keyFile="k"), tools("containerd.io")])
    assert refused.returncode == 1
    assert "GPG check FAILED" in refused.stderr
    assert "containerd" not in installed.bash("rpm -qa")


@pytest.mark.row("H7")
def test_only_what_came_with_ours_goes_also_after_a_cut(installed: LabHost) -> None:
    installed.bash("dnf -q -y install pciutils-libs")  # the operator's own
    killer = '#!/bin/bash\\n/usr/bin/dnf "$@" && if [[ " $* " == *" install "* ]]; then kill -9 $PPID; fi\\n'
    installed.bash(f"printf '%b' '{killer}' >/usr/local/sbin/dnf; chmod +x /usr/local/sbin/dnf")
    assert installed.run("base", [tools("socat=1.7.3*", "pciutils")]).returncode == 1
    installed.bash("rm /usr/local/sbin/dnf; rpm -q socat pciutils")
    installed.apply("base", [tools("socat=1.7.3*", "pciutils")])
    installed.bash("dnf -q -y mark install tcp-wrappers-libs")  # came with ours; the operator asks for it since
    assert installed.gpu_metal("undo base").returncode == 0
    left = installed.bash("rpm -qa --qf '%{NAME}\\n'").split()
    assert {"pciutils-libs", "tcp-wrappers-libs"} <= set(left)
    assert not {"socat", "pciutils"} & set(left)
    installed.bash("dnf -q -y remove pciutils-libs tcp-wrappers-libs")


@pytest.mark.long
@pytest.mark.row("H7")
def test_dnf_held_by_another_program_is_waited_for_and_then_named(installed: LabHost) -> None:
    hold = "sleep 100 >/dev/null 2>&1 & echo $! | tee /var/cache/dnf/metadata_lock.pid"
    pid = installed.bash(hold).strip()
    words = command_line("base", [tools("pciutils")])
    said = installed.bash(f"! GPU_METAL_LOCK_WAIT=2 {words} 2>&1")
    installed.bash(f"kill {pid}; rm /var/cache/dnf/metadata_lock.pid")
    assert f"[packages#tools] waits for the package lock: pid {pid} (sleep)\n" in said
    assert f"waited 2 s for the package lock: pid {pid} (sleep). Fix: let it end (ps -fp {pid})" in said


def seen_by_preflight(host: LabHost, declared: str, *, kubernetes: bool = True) -> dict[str, str]:
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA", "os": declared or None}
    asked = steps.preflight(Host.model_validate(values), steps.Around(peers=[], kubernetes=kubernetes))
    return host.questions([step for step in asked if step.id in {"os", "architecture", "package_manager"}])


@pytest.mark.row("H3", "H16")
def test_preflight_takes_the_systems_that_are_known_and_wants_the_family_declared(rocky: LabHost) -> None:
    assert seen_by_preflight(rocky, "rocky-9") == seen_by_preflight(rocky, "rocky-9.4") == {}
    undeclared = seen_by_preflight(rocky, "")
    assert undeclared["os"].endswith("Fix: write os: rocky-9 for this host in the site")
    assert "wants rhel-8, as the site declares. Fix: os: rocky-9" in seen_by_preflight(rocky, "rhel-8")["os"]
    rocky.bash(
        "cp /etc/os-release /root/; sed -i 's/^ID=.*/ID=centos/; s/^VERSION_ID=.*/VERSION_ID=7/' /etc/os-release"
    )
    assert seen_by_preflight(rocky, "centos-7")["os"].startswith("has centos-7, wants Debian 12 or 13")
    rocky.bash("sed -i 's/^ID=.*/ID=fedora/; s/^VERSION_ID=.*/VERSION_ID=41/' /etc/os-release")
    assert seen_by_preflight(rocky, "fedora-41")["os"].startswith("has fedora-41, wants Debian 12 or 13")
    rocky.bash("cp /root/os-release /etc/os-release")


@pytest.mark.long
@pytest.mark.row("H3", "H16")
@pytest.mark.parametrize(("kubernetes", "says"), [("yes", {"os": "has ubuntu-18.04, which is too old"}), ("no", {})])
def test_an_old_ubuntu_is_refused_for_kubernetes_only(rocky: LabHost, kubernetes: str, says: dict[str, str]) -> None:
    release = "s/^ID=.*/ID=ubuntu/; s/^ID_LIKE=.*/ID_LIKE=debian/; s/^VERSION_ID=.*/VERSION_ID=18.04/"
    rocky.bash(f"cp /etc/os-release /root/; sed -i '{release}' /etc/os-release")
    asked = rocky.questions([Step(OS, {"declared": "ubuntu-18.04", "kubernetes": kubernetes})])
    rocky.bash("cp /root/os-release /etc/os-release")
    assert {step: text.partition(" for ")[0] for step, text in asked.items()} == says


@pytest.mark.long
@pytest.mark.row("H3", "H16")
def test_ppc64le_passes_without_kubernetes_only(rocky: LabHost) -> None:
    rocky.bash("printf '#!/bin/bash\\necho ppc64le\\n' >/usr/local/sbin/uname; chmod +x /usr/local/sbin/uname")
    refused = seen_by_preflight(rocky, "rocky-9")
    assert refused["architecture"].startswith("has a ppc64le processor, wants x86_64 for Kubernetes. Fix: ")
    assert seen_by_preflight(rocky, "rocky-9", kubernetes=False) == {}
    rocky.bash("rm /usr/local/sbin/uname")


@pytest.mark.long
@pytest.mark.row("H8")
def test_chrony_asks_the_sites_servers_through_its_own_configuration(installed: LabHost) -> None:
    before = installed.bash("sha256sum /etc/hosts; ls /etc")
    layer = [packages(["@chrony"], label="chrony"), Step(CHRONY, {"servers": BRIDGE}), Step(SYNC)]
    with time_server():
        assert set(installed.apply("base", layer).values()) == {"changed", "unchanged"}
        assert set(installed.apply("base", layer).values()) == {"unchanged"}
        assert installed.check() == {}
    assert "include /etc/chrony.d/gpu-metal.conf\n" in installed.bash("cat /etc/chrony.conf")
    installed.bash("sed -i '/^include/d' /etc/chrony.conf")
    assert installed.check()["chrony"][1] == "/etc/chrony.conf does not include /etc/chrony.d/gpu-metal.conf"
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash("sha256sum /etc/hosts; ls /etc") == before
