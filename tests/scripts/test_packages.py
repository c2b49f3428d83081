"""Packages and their sources with real apt on an emulated Debian host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.host.packages import packages, repositories
from components.host.repositories import AptRepository
from components.hostrun.step import Step
from lab import paths
from lab.hosts import faults
from tests.scripts.lab_host import HOST, LabHost, differences, fresh, leaves_no_trace

pytestmark = pytest.mark.lab

STEPS = Path("components/host/steps")
DEPOT = "http://10.213.77.1:8080/apt"
TIMEOUT = "/etc/apt/apt.conf.d/99short-wait"
ZERO = "0" * 40


@pytest.fixture(scope="module")
def bare() -> Iterator[LabHost]:
    """The host with a new disk: each test leaves it as it found it."""
    with fresh(HOST) as host:
        host.bash("apt-get update -q >/dev/null")
        yield host


@pytest.fixture
def installed(bare: LabHost) -> Iterator[LabHost]:
    bare.install()
    yield bare
    bare.remove()


def depot_key() -> str:
    return (paths.LAB / "apt" / "key.asc").read_text()


def fingerprint(host: LabHost) -> str:
    lines = host.bash("cd $(mktemp -d); gpg --homedir . --show-keys --with-colons", depot_key()).splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr"))


def source(name: str = "lab", **values: str) -> list[Step]:
    return repositories({name: AptRepository.model_validate(values)}, {name: depot_key()}, "debian")


def names(host: LabHost) -> set[str]:
    return set(host.bash("dpkg-query -W -f '${binary:Package}\\n' | sed 's/:.*//'").split())


def tools(*words: str, hold: bool = True) -> list[Step]:
    return [packages(words, label="tools", hold=hold, folders=["/var/lib/tools-data"])]


@pytest.mark.row("H6", "H7")
def test_sources_and_packages_hold_twice_are_mended_when_cut_and_leave_no_trace(bare: LabHost) -> None:
    base = [*source(url=DEPOT, keyFile="key.asc"), packages(["@gpg", "@iproute", "@pciutils"], label="tools")]
    leaves_no_trace(bare, {"base": base})
    assert "gpu-metal" not in bare.bash("find / -xdev -name '*gpu-metal*'; ls /var/lib/apt/lists")


@pytest.mark.row("H6")
def test_a_repository_is_trusted_by_fingerprint_only(installed: LabHost) -> None:
    def repository(print_of_key: str) -> list[Step]:
        return source(url=DEPOT, keyUrl=f"{DEPOT}/key.asc", fingerprint=print_of_key)

    refused = installed.run("base", repository(ZERO))
    assert refused.returncode == 1
    right = fingerprint(installed)
    assert f"✗ {HOST.name} [apt_repository#lab]" in refused.stderr
    assert f"is {right}, wants {ZERO}. Nothing used it. Fix: " in refused.stderr
    assert installed.bash("find /etc/apt -name '*gpu-metal*'") == ""
    assert installed.apply("base", repository(right))["apt_repository#lab"] == "changed"
    assert "1.34.2" in installed.bash("apt-cache policy kubeadm")
    assert installed.apply("base", repository(right))["apt_repository#lab"] == "unchanged"
    installed.bash("rm -rf /run/gpu-metal")  # as a reboot does
    assert installed.check() == {}
    assert installed.gpu_metal("undo base").returncode == 0
    assert "1.34.2" not in installed.bash("apt-cache policy kubeadm; ls /var/lib/apt/lists")


STRANGER = """
export GNUPGHOME=$(mktemp -d)
apt-get install -qy gpg gpg-agent >/dev/null 2>&1
gpg -q --batch --passphrase '' --quick-gen-key other 2>/dev/null
gpg --armor --export
"""


@pytest.mark.row("H6")
def test_each_way_a_source_can_be_wrong_has_its_message(installed: LabHost) -> None:
    stranger = {"lab": installed.bash(STRANGER)}
    elsewhere = {"lab": AptRepository.model_validate({"url": DEPOT, "keyFile": "k"})}
    cases = {
        "answers 404": source(url=f"{DEPOT}/nothing", keyFile="k"),
        "is not signed by the key it came with": repositories(elsewhere, stranger, "debian"),
        "http://10.213.77.1:9/apt takes no connection from this host": source(
            url="http://10.213.77.1:9/apt", keyFile="k"
        ),
        f"cannot fetch the key {DEPOT}/none.asc": source(url=DEPOT, keyUrl=f"{DEPOT}/none.asc", fingerprint=ZERO),
    }
    for says, steps in cases.items():
        refused = installed.run("base", steps)
        assert refused.returncode == 1
        assert says in refused.stderr
        assert "Fix: " in refused.stderr[refused.stderr.index(says) :]


MIRROR = r"""
apt-get install -qy gpg gpg-agent >/dev/null 2>&1
mkdir -p /srv/mirror/stub/DEBIAN
cd /srv/mirror
install -D /dev/null stub/opt/stub/file
install -D /dev/null stub/usr/local/src/stub
printf 'Package: stub\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' >stub/DEBIAN/control
dpkg-deb -b stub . >/dev/null
file=stub_1_all.deb
{ cat stub/DEBIAN/control
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n' $file $(stat -c %s $file) $(sha256sum $file | cut -d' ' -f1)
} >Packages
rm -r stub
printf 'Suite: local\nSHA256:\n %s %s Packages\n' $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) >Release
export GNUPGHOME=$(mktemp -d)
gpg -q --batch --passphrase '' --quick-gen-key mirror 2>/dev/null
gpg -q --clearsign -o InRelease Release
gpg -q --armor --export
"""


@pytest.mark.row("H6")
def test_a_local_mirror_may_be_a_folder(installed: LabHost) -> None:
    key = installed.bash(MIRROR)
    mirror = {"local": AptRepository.model_validate({"url": "file:///srv/mirror", "keyFile": "k"})}
    steps = [*repositories(mirror, {"local": key}, "debian"), packages(["stub=1"], label="stub")]
    assert installed.apply("base", steps) == {"apt_repository#local": "changed", "packages#stub": "changed"}
    assert set(installed.apply("base", steps).values()) == {"unchanged"}
    assert installed.gpu_metal("undo base").returncode == 0
    installed.bash("! dpkg-query -W stub 2>/dev/null; rm -r /srv/mirror")


@pytest.mark.row("H7", "H16")
def test_folders_of_the_system_outlive_the_last_package_in_them_and_all_goes_on_again(bare: LabHost) -> None:
    """As destroy and up again do it: dpkg takes /opt away with the only package that has a file there."""
    key = bare.bash(MIRROR)
    bare.bash("find /opt /usr/local/src -mindepth 1 -delete; chown root:staff /usr/local/src")
    bare.bash("chmod 0751 /opt; chmod 2771 /usr/local/src")
    mirror = {"local": AptRepository.model_validate({"url": "file:///srv/mirror", "keyFile": "k"})}
    steps = [*repositories(mirror, {"local": key}, "debian"), packages(["stub=1"], label="stub")]
    before = bare.snapshot()
    for _ in range(2):
        assert bare.questions([Step(STEPS / "writable.sh")]) == {}
        bare.install()
        assert set(bare.apply("base", steps).values()) == {"changed"}
        assert "/opt/stub/file" in bare.bash("dpkg -L stub")
        bare.remove()
        assert differences(before, bare.snapshot()) == {}
    assert bare.bash("stat -c '%a %U:%G' /opt /usr/local/src") == "751 root:root\n2771 root:staff\n"
    bare.bash("rm -r /srv/mirror; chmod 0755 /opt /usr/local/src")


@pytest.mark.row("H16")
def test_a_missing_folder_is_not_called_read_only_and_the_fix_brings_it(bare: LabHost) -> None:
    step = Step(STEPS / "writable.sh")
    bare.bash("mv /opt /opt.saved")
    says = bare.questions([step])["writable"]
    assert says == "has no folder /opt, wants it. Fix: install -d -m 0755 /opt"
    bare.bash(says.partition("Fix: ")[2])
    assert bare.questions([step]) == {}
    bare.bash("rmdir /opt; mv /opt.saved /opt")
    with faults.read_only(HOST, "/opt"):
        assert bare.questions([step])["writable"].startswith(
            "has /opt read-only, wants it writable. Fix: look for disk"
        )


@pytest.mark.row("H7")
def test_packages_take_away_only_what_came_with_them_also_after_a_cut(installed: LabHost) -> None:
    before = names(installed)
    installed.bash("mkdir -p /var/lib/tools-data/x/y")
    # Killed between the installation and its record.
    killer = '#!/bin/bash\\n/usr/bin/apt-get "$@" && if [[ $* == *install* ]]; then kill -9 $PPID; fi\\n'
    installed.bash(f"printf '{killer}' >/usr/local/sbin/apt-get; chmod +x /usr/local/sbin/apt-get; hash -r")
    assert installed.run("base", tools("socat=1.7.*", "jq")).returncode == 1
    installed.bash("rm /usr/local/sbin/apt-get; dpkg -s jq socat >/dev/null")
    assert installed.apply("base", tools("socat=1.7.*", "jq")) == {"packages#tools": "changed"}
    assert installed.bash("apt-mark showhold | paste -sd ' '") == "jq socat\n"
    assert installed.apply("base", tools("socat")) == {"packages#tools": "changed"}
    assert names(installed) - before == {"socat"}
    unknown = installed.run("base", tools("socat=9.*"))
    assert unknown.returncode == 1
    assert "'9.*' for 'socat' was not found" in unknown.stderr
    installed.bash("apt-mark unhold socat")
    assert installed.check()["packages#tools"][1].startswith("has socat 1.7")
    assert installed.gpu_metal("undo base").returncode == 0
    assert names(installed) == before
    assert installed.bash("ls -d /var/lib/tools-data 2>&1 || true").endswith("No such file or directory\n")


@pytest.mark.row("H7")
def test_what_another_step_asks_for_stays(installed: LabHost) -> None:
    before = names(installed)
    ours, theirs = packages(["jq", "socat"], label="ours"), packages(["libjq1", "socat"], label="theirs")
    installed.apply("base", [ours, theirs])
    assert installed.apply("base", [theirs]) == {"packages#theirs": "unchanged"}  # jq came with libjq1
    came = names(installed) - before
    assert {"libjq1", "socat"} <= came
    assert "jq" not in came
    assert installed.check() == {}
    installed.gpu_metal("undo base")
    assert names(installed) == before


@pytest.mark.row("H3", "H7")
def test_terms_are_the_systems_own_names_and_an_unknown_one_is_said(installed: LabHost) -> None:
    refused = installed.run("base", tools("@no-such-term", hold=False))
    assert "@no-such-term is not a term of debian-12. Fix: write the package's own name" in refused.stderr
    headers = installed.run("base", tools("@kernel-headers", hold=False))
    kernel = installed.bash("uname -r").strip()
    assert f"Unable to locate package linux-headers-{kernel}" in headers.stderr  # the lab runs no kernel of Debian's


LOCK = """
apt-get install -qy --no-install-recommends python3-minimal >/dev/null 2>&1
setsid python3 -c 'import fcntl, sys, time; f = open(sys.argv[1], "w"); fcntl.lockf(f, fcntl.LOCK_EX); \\
open("/run/locked", "w"); time.sleep(300)' PATH >/dev/null 2>&1 &
timeout 60 bash -c 'until [ -e /run/locked ]; do sleep 0.1; done'; rm /run/locked
pgrep -n python3
"""


@pytest.mark.row("H7")
def test_apt_held_by_another_program_is_waited_for_and_then_named(installed: LabHost) -> None:
    installed.bash(f"echo 'DPkg::Lock::Timeout \"2\";' >{TIMEOUT}")
    for path, steps in {
        "/var/lib/dpkg/lock-frontend": tools("jq"),
        "/var/lib/apt/lists/lock": source(url=DEPOT, keyFile="key.asc"),
    }.items():
        pid = installed.bash(LOCK.replace("PATH", path)).strip()
        refused = installed.run("base", steps)
        installed.bash(f"kill {pid}")
        assert refused.returncode == 1
        first, *_ = [line for line in refused.stderr.splitlines() if "package lock" in line]
        assert first.endswith(f"] waits for the package lock: pid {pid} (python3)")
        fix = f"Fix: let it end (ps -fp {pid}), then run again"
        assert f"waited 2 s for the package lock: pid {pid} (python3). {fix}" in refused.stderr
    installed.bash(f"rm {TIMEOUT}")
    assert installed.apply("base", tools("jq")) == {"packages#tools": "changed"}
