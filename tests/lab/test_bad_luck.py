"""What an operator reads when something is wrong on a real host: one message with host, step and fix. The next
`up` goes on from there. Faults in the site file itself are tests/sites/bad.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.hosts import cgroups, faults, lab
from lab.hosts.inventory import host as lab_host
from lab.paths import LAB
from tests.lab.stack import Ran, Stack, kill_session, of_session, on, until

pytestmark = [pytest.mark.lab, pytest.mark.hosts("rack-1", "rack-2", "rack-3", "rack-4")]

ONE, FIT, UNFIT = "rack-1", "rack-2", "rack-3"
ADDRESS = lab_host(ONE).address
SITE: dict[str, Any] = {
    "ssh": {"user": "deploy", "keyFile": str(LAB / "id_ed25519")},
    "minimum": {"memoryGb": 1, "diskGb": 1},
    "sysctl": {"net.core.somaxconn": "4096"},
    "hosts": {ONE: {"address": ADDRESS}},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One host, no Kubernetes."""
    lab.serve(lambda _: None)
    lab.reset(lab_host(ONE))
    stack = Stack("luck", tmp_path_factory.mktemp("luck"))
    (stack.folder / "known_hosts").write_text((LAB / "known_hosts").read_text())
    stack.create({**SITE, "knownHosts": str(stack.folder / "known_hosts")})
    yield stack
    lab.stop(lab_host(ONE), grace=0)


@pytest.fixture
def fit() -> Iterator[str]:
    """A host more, as after installation."""
    lab.reset(lab_host(FIT))
    yield FIT
    lab.stop(lab_host(FIT), grace=0)


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


def test_gr1_a_power_cut_in_the_middle_is_finished_by_the_next_up(stack: Stack) -> None:
    machine = lab_host(ONE)
    late = resource_of(stack, f"{ONE}-runner")["inputs"]
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4111"}))
    # The host's own lock keeps the run in its middle for as long as this test wants.
    inside = ("nsenter", "-t", str(cgroups.init(machine)), "-a", "--")
    held = stack.start(*inside, "flock", "/run/gpu-metal/lock", "sleep", "600")
    until(lambda: "held" in on(ONE, ["sh", "-c", "flock -n /run/gpu-metal/lock true || echo held"]), what="lock")
    run = stack.start(*stack.command("up", "--yes", "--skip-preview"))
    until(lambda: on(ONE, ["sh", "-c", "pgrep -f '[g]pu-metal apply base' || true"]) != "", what="the base layer")
    faults.power_cut(machine)
    kill_session(run)
    kill_session(held)
    lab.start(machine)
    stack.sitectl("recover").ok()
    stack.up().ok()
    assert not stack.export()["deployment"].get("pending_operations")
    # Had the run that was killed left a removal on its way, it would come now.
    words = late["delete"].removeprefix("sudo -n ").split()
    came = faults.run_in(machine, words, stdin=late["stdin"], check=False)
    assert came.returncode == 1
    assert "[owner] a newer run of stack gpu-metal/luck" in came.stderr
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4111"


def resource_of(stack: Stack, name: str) -> dict[str, Any]:
    """A resource of the state."""
    return next(dict(r) for r in stack.export()["deployment"]["resources"] if r["urn"].endswith(f"::{name}"))
def test_a_cli_that_was_killed_leaves_no_plugin_behind(stack: Stack) -> None:
    machine = lab_host(ONE)
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4222"}))
    inside = ("nsenter", "-t", str(cgroups.init(machine)), "-a", "--")
    held = stack.start(*inside, "flock", "/run/gpu-metal/lock", "sleep", "600")
    until(lambda: "held" in on(ONE, ["sh", "-c", "flock -n /run/gpu-metal/lock true || echo held"]), what="lock")
    run = stack.start(*stack.command("up", "--yes", "--skip-preview"))
    until(lambda: on(ONE, ["sh", "-c", "pgrep -f '[g]pu-metal apply base' || true"]) != "", what="the base layer")
    assert len(of_session(run)) > 2  # the program, the language's host, plugins
    run.kill()
    run.wait()
    # Nobody runs `recover` here: what the CLI started ends with it, and never comes back to a host that thaws.
    until(lambda: not of_session(run), what="the end of its plugins")
    said = stack.sitectl("recover", "--look").ok().out
    assert f"{ONE} [lost] the connection was lost, and the run goes on there: " in said
    kill_session(held)
    recovered = stack.sitectl("recover").ok()
    assert f"an interrupted operation is forgotten: updating {ONE}-base" in recovered.out
    # The runner on the host had begun, and went on without its connection.
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4222"
    stack.up().ok()
    stack.sitectl("drift").ok()


def test_a_half_made_host_that_hangs_and_dies_is_forgotten(stack: Stack, fit: str) -> None:
    stack.edit(lambda site: site["hosts"].update({fit: {"address": lab_host(fit).address}}))
    with faults.full_disk(lab_host(fit), "/etc/sysctl.d", size="4k", inodes=3):
        on(fit, ["sh", "-c", "cd /etc/sysctl.d && touch a b; head -c 9000 /dev/zero >a || true"])
        assert stack.up().status != 0
        # One line has the host, the step and the reason.
        [line] = stack.sitectl("recover", "--look").ok().out.splitlines()
        assert line.startswith(f"{fit} [sysctl"), line
        assert "No space left on device" in line
    stack.edit(lambda site: site["hosts"].pop(fit))
    way = f"give it the row hosts.{fit} with state: gone, run pulumi up, then delete the row"
    faults.freeze(lab_host(fit))
    frozen = stack.up()
    faults.thaw(lab_host(fit))
    faults.power_cut(lab_host(fit))
    dead = stack.up()
    for ran, seen in ((frozen, "[connection]"), (dead, "[address]")):
        assert ran.status != 0, ran.text
        assert f"{fit} {seen}" in ran.text, ran.text[-4000:]
        assert way in ran.text
        assert "Traceback" not in ran.text
    stack.edit(lambda site: site["hosts"].update({fit: {"address": lab_host(fit).address, "state": "gone"}}))
    stack.up().ok()
    stack.edit(lambda site: site["hosts"].pop(fit))
    stack.up().ok()
    assert fit not in json.dumps([resource["urn"] for resource in stack.export()["deployment"]["resources"]])


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


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stack]:
    """Another state, of a stack of that name, whose site names the same host and wants something else of it."""

    def made(name: str) -> Stack:
        other = Stack(name, tmp_path_factory.mktemp(name))
        site = {**SITE, "knownHosts": str(LAB / "known_hosts"), "sysctl": {"net.core.somaxconn": "4222"}}
        other.create(site)
        return other

    return made


def test_a_second_state_of_the_same_stack_has_the_host_and_the_first_is_told_so(
    stack: Stack, second: Callable[[str], Stack]
) -> None:
    """A state that was lost goes on by itself; that it was not lost is seen at the first one's next run."""
    assert "[owner] was set up by another state of stack gpu-metal/luck since" in second(stack.name).up().ok().text
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4333"}))
    refused(stack.up(), "[owner] belongs to another state of stack gpu-metal/luck", "Fix:")
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4222"
    drift = stack.sitectl("drift")
    assert drift.status == 1
    assert f"✗ {ONE} [owner] was set up last by another state" in drift.out
    stack.sitectl("adopt", ONE, "--yes").ok()
    stack.up().ok()
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4333"


def test_a_second_stack_is_refused_until_it_is_told_to_take_the_host_over(
    stack: Stack, second: Callable[[str], Stack]
) -> None:
    other = second("strange")
    before = faults.snapshot(lab_host(ONE))
    refused(other.up(), "[owner] belongs to stack gpu-metal/luck since", "Nothing was changed", "Fix:", "sitectl adopt")
    shown = other.sitectl("adopt", ONE)
    assert (shown.status, f"{ONE} was not taken over" in shown.err) == (2, True)
    assert [line.split()[3] for line in shown.out.splitlines() if line.split()[:2] == [ONE, "base"]] == ["sysctl"]
    assert faults.snapshot(lab_host(ONE)) == before
    other.sitectl("adopt", ONE, "--yes").ok()
    other.up().ok()
    assert "belongs to stack gpu-metal/strange since" in stack.sitectl("drift").out
    assert "Nothing was undone here, and this stack forgets it." in stack.destroy().ok().text
    assert on(ONE, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4222"
    other.sitectl("drift").ok()
    other.destroy().ok()
    assert untouched()


def test_afterwards_the_host_is_given_back(stack: Stack) -> None:
    stack.destroy().ok()
    assert untouched()
