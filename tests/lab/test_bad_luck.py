"""What an operator reads when something is wrong on a real host: one message with host, step and fix. The next
`up` goes on from there. Faults in the site file itself are tests/sites/bad.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.hosts import faults, lab
from lab.hosts.inventory import host as lab_host
from lab.paths import LAB
from tests.lab.luck import ADDRESS, ONE, one_host, one_more, refused, untouched
from tests.lab.stack import Stack, on

pytestmark = [pytest.mark.lab, pytest.mark.hosts("new-1", "new-2", "new-3")]

UNFIT = "new-3"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with one_host(tmp_path_factory.mktemp("luck")) as stack:
        yield stack


@pytest.fixture
def fit() -> Iterator[str]:
    with one_more() as host:
        yield host


@pytest.fixture
def unfit() -> Iterator[str]:
    """A host that the site asks too much of, as after installation."""
    lab.reset(lab_host(UNFIT))
    yield UNFIT
    lab.stop(lab_host(UNFIT), grace=0)


@pytest.fixture(scope="module")
def strange_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A signing key that signed nothing here."""
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-gen-key", "stranger@example.org", "ed25519"], check=True, capture_output=True)
    key = home / "key.asc"
    with key.open("wb") as file:
        subprocess.run([*gpg, "--armor", "--export"], check=True, stdout=file)
    yield key
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def test_a_host_that_is_down(stack: Stack) -> None:
    faults.cut(lab_host(ONE))
    try:
        ran = stack.up()
    finally:
        faults.mend(lab_host(ONE))
    refused(ran, "[address]", "Fix:")
    assert ran.seconds < 600
    assert untouched()


def test_a_wrong_host_key(stack: Stack) -> None:
    known = stack.folder / "known_hosts"
    right = known.read_text()
    of_another = next(line for line in right.splitlines() if "10.213.77.11" in line).split(maxsplit=1)[1]
    known.write_text(f"{ADDRESS} {of_another}\n")
    ran = stack.up()
    known.write_text(right)
    refused(ran, "[host-key]", "SHA256:", "Nothing was sent")
    assert untouched()


def test_no_sudo(stack: Stack) -> None:
    rules = on(ONE, ["sh", "-c", "cd /etc/sudoers.d && mkdir -p /root/away && mv * /root/away && ls /root/away"])
    assert rules
    try:
        ran = stack.up()
    finally:
        on(ONE, ["sh", "-c", "mv /root/away/* /etc/sudoers.d/ && rmdir /root/away"])
    refused(ran, "[sudo]", "NOPASSWD")
    assert untouched()


def test_gr10_a_failed_preflight_says_all_and_changes_nothing(stack: Stack) -> None:
    before = faults.snapshot(lab_host(ONE))
    stack.edit(lambda site: site.update({"os": "ubuntu-24.04", "minimum": {"cpus": 64, "memoryGb": 1, "diskGb": 1}}))
    ran = stack.up()
    told = stack.sitectl("preflight")
    stack.edit(lambda site: site.update({"minimum": {"memoryGb": 1, "diskGb": 1}}) or site.pop("os"))
    refused(ran, "[cpus]", "[os]", "Fix:")
    assert told.status == 1
    assert "[cpus]" in told.text
    assert "[os]" in told.text
    assert "Nothing was changed" in told.text
    after = faults.snapshot(lab_host(ONE))
    ours = {p for p in after["files"] if "gpu-metal" in p}
    assert {p: f for p, f in after["files"].items() if p not in ours} == before["files"]


def test_gr12_a_full_disk_is_mended_by_freeing_it(stack: Stack) -> None:
    with faults.full_disk(lab_host(ONE), "/etc/sysctl.d", size="4k", inodes=3):
        on(
            ONE,
            ["sh", "-c", "touch /etc/sysctl.d/a /etc/sysctl.d/b; head -c 9000 /dev/zero > /etc/sysctl.d/a || true"],
        )
        refused(stack.up(), "sysctl", "No space left on device")
    stack.up().ok()
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4096"


def test_gr10_a_host_that_fails_preflight_keeps_the_others_untouched(stack: Stack, fit: str, unfit: str) -> None:
    before = faults.snapshot(lab_host(fit))
    stack.edit(
        lambda site: site["hosts"].update(
            {
                fit: {"address": lab_host(fit).address},
                unfit: {"address": lab_host(unfit).address, "minimum": {"cpus": 640}},
            }
        )
    )
    ran = stack.up()
    stack.edit(lambda site: site["hosts"].pop(fit))
    stack.edit(lambda site: site["hosts"].pop(unfit))
    assert ran.status != 0
    assert f"{unfit} [cpus]" in ran.text
    assert faults.snapshot(lab_host(fit)) == before
    stack.up().ok()


def test_gr13_a_machine_is_known_by_its_marker_not_by_its_address(stack: Stack) -> None:
    before = faults.snapshot(lab_host(ONE))
    stack.edit(lambda site: site["hosts"].update({"other-1": site["hosts"].pop(ONE)}))
    ran = stack.up()
    stack.edit(lambda site: site["hosts"].update({ONE: site["hosts"].pop("other-1")}))
    refused(ran, "[identity]", "the site calls it other-1", "Fix:")
    assert faults.snapshot(lab_host(ONE)) == before
    stack.up().ok()


@pytest.fixture
def repository(stack: Stack) -> Iterator[None]:
    """The site without its bad repository again, and a run that ends well."""
    yield
    stack.edit(lambda site: site.pop("repositories"))
    # To the state nothing has changed: it has the site as it was before the run that failed.
    assert stack.sitectl("drift", "--record").status == 1
    stack.up().ok()
    stack.sitectl("drift").ok()
    assert on(ONE, ["sh", "-c", "ls /etc/apt/sources.list.d/"]).count("gpu-metal") == 0


def test_ga1_a_repository_of_another_key(stack: Stack, strange_key: Path, repository: None) -> None:  # noqa: ARG001
    stack.edit(
        lambda site: site.update(
            {"repositories": {"tools": {"url": "http://10.213.77.1:8080/apt", "keyFile": str(strange_key)}}}
        )
    )
    refused(stack.up(), "apt_repository", "tools", "Fix:")


def test_a_repository_that_is_gone_is_seen_before_anything_is_changed(stack: Stack) -> None:
    before = faults.snapshot(lab_host(ONE))
    key = str(LAB / "apt/key.asc")
    stack.edit(
        lambda site: site.update({"repositories": {"tools": {"url": "http://10.213.77.1:9/apt", "keyFile": key}}})
    )
    refused(stack.up(), "[reachable#repositories]", "10.213.77.1:9", "Fix:")
    assert faults.snapshot(lab_host(ONE)) == before
    stack.edit(lambda site: site.pop("repositories"))
    stack.up("--expect-no-changes").ok()


def test_afterwards_the_host_is_given_back(stack: Stack) -> None:
    stack.destroy().ok()
    assert untouched()
