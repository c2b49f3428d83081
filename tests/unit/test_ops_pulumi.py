"""The verbs that ask Pulumi: kubeconfig, recover, and secrets of hosts, with a fake pulumi and fake hosts.

Does not prove: the form of Pulumi's own state and locks beyond 3.220, from which they were copied; the lab's tests do.
"""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from components.hostrun.ssh import Result
from components.hostrun.target import SshError
from ops import orphans
from tests.unit.fake_hosts import SITE, FakePulumi, Sitectl

CANARY = "canary-4711"
CREATING = {
    "type": "creating",
    "resource": {
        "type": "command:remote:Command",
        "urn": "urn:pulumi:dev::gpu-metal::command:remote:Command::gpu-1-base",
    },
}
BUSY = Result(75, "held since 22:14 by ana, base step 4 of 12", "")


def state(cli: FakePulumi, *pending: object) -> None:
    deployment = {"resources": [], **({"pending_operations": list(pending)} if pending else {})}
    cli.says("stack export", json.dumps({"version": 3, "deployment": deployment}))


def lock(ctl: Sitectl, *, host: str, pid: int) -> Path:
    folder = ctl.folder / "state/.pulumi/locks/organization/gpu-metal/dev"
    folder.mkdir(parents=True)
    file = folder / "a.json"
    file.write_text(json.dumps({"pid": pid, "username": "ana", "hostname": host, "timestamp": "2026-11-22T12:00:00Z"}))
    return file


def test_kubeconfig_is_the_file_and_nothing_else(ctl: Sitectl, cli: FakePulumi) -> None:
    cli.says("stack output", f"apiVersion: v1\ntoken: {CANARY}\n")
    result = ctl("kubeconfig")
    assert (result.stdout, result.stderr, result.exit_code) == (f"apiVersion: v1\ntoken: {CANARY}\n", "Site dev.\n", 0)
    assert cli.asked == ["stack output kubeconfig --show-secrets --stack dev --non-interactive"]


def test_kubeconfig_to_a_file_for_its_owner_alone(ctl: Sitectl, cli: FakePulumi) -> None:
    cli.says("stack output", f"token: {CANARY}\n")
    file = ctl.folder / "config"
    file.write_text("old")
    file.chmod(0o644)
    result = ctl("kubeconfig", "--to", str(file))
    assert result.exit_code == 0
    assert CANARY not in result.output
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (f"token: {CANARY}\n", 0o600)
    assert not list(ctl.folder.glob(".config.*"))


@pytest.mark.usefixtures("cli")
def test_kubeconfig_from_a_control_plane_says_so(ctl: Sitectl) -> None:
    result = ctl("kubeconfig")
    assert (result.stdout, result.exit_code) == ("kind: Config\n", 0)
    assert "Reading it from a control plane instead." in result.stderr


@pytest.mark.usefixtures("cli")
def test_no_kubeconfig_anywhere(ctl: Sitectl) -> None:
    ctl.hosts.admin_conf = Result(1, "", "cat: /etc/kubernetes/admin.conf: No such file or directory")
    assert ctl("kubeconfig").exit_code == 1
    ctl.hosts.errors["cp-1"] = SshError("cp-1", "address", "down.")
    result = ctl("kubeconfig")
    assert (result.exit_code, result.stdout) == (4, "")


def test_a_secret_of_a_host_is_asked_for_once_and_never_shown(ctl: Sitectl, cli: FakePulumi) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(SITE.replace("user: deploy", "user: deploy, passwordSecret: door"))
    cli.says("config get", f"{CANARY}\n")
    result = ctl("drift", "-v")
    assert result.exit_code == 0
    assert CANARY not in result.output
    asked = [words for words in cli.asked if words.startswith("config")]
    assert asked == ["config get gpu-metal:door --stack dev --non-interactive"]


def test_a_secret_that_is_not_there(ctl: Sitectl, cli: FakePulumi) -> None:
    (ctl.folder / "Pulumi.dev.yaml").write_text(SITE.replace("user: deploy", "user: deploy, passwordSecret: door"))
    result = ctl("drift")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "pulumi config get gpu-metal:door for stack dev" in result.stderr
    assert len(cli.asked) == 1


def test_no_secret_is_asked_for_with_an_agent(ctl: Sitectl, cli: FakePulumi) -> None:
    assert ctl("drift").exit_code == 0
    assert [words for words in cli.asked if words.startswith("config")] == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment",
            "no passphrase is set in this shell. Fix: export PULUMI_CONFIG_PASSPHRASE_FILE=FILE",
        ),
        (
            "unable to read PULUMI_CONFIG_PASSPHRASE_FILE: open /x: no such file or directory",
            "the passphrase cannot be read: open /x: no such file or directory. Fix: export ",
        ),
        ("incorrect passphrase", "the passphrase of this shell is not the stack's. Fix: export "),
    ],
)
def test_a_passphrase_that_is_missing_or_wrong(ctl: Sitectl, cli: FakePulumi, said: str, words: str) -> None:
    """As Pulumi 3.220 says it."""
    (cli.folder / "pulumi").write_text(f"#!/bin/sh\necho 'error: {said}' >&2\nexit 255\n")
    ctl.hosts.untrue["gpu-1", "swap_off"] = "swap is on"
    result = ctl("drift", "--record")
    assert result.exit_code == 3
    assert f"The secrets of stack dev are locked: {words}" in result.stderr
    assert "pulumi stack" not in result.stderr


def test_nothing_to_recover(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli)
    result = ctl("recover")
    nothing = "✓ ok: nothing to recover in dev. Nothing was changed.\n"
    assert (result.stdout, result.exit_code, ctl.hosts.asked) == (nothing, 0, [])
    assert cli.asked == ["stack export --stack dev --non-interactive"]


def test_an_interrupted_create_is_forgotten_once_its_host_is_quiet(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    ctl.hosts.locks = [BUSY]
    result = ctl("recover")
    assert result.exit_code == 0
    assert result.stdout == "an interrupted operation is forgotten: creating gpu-1-base\n"
    assert "gpu-1 [lock] waits for a run that goes on there: held since 22:14 by ana" in result.stderr
    assert json.loads((cli.folder / "imported").read_text())["deployment"]["pending_operations"] == []


def test_a_run_that_does_not_end_stops_it(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    ctl.hosts.locks = [BUSY, BUSY]
    result = ctl("recover")
    assert result.exit_code == 9
    assert "gpu-1 [lock] held since 22:14 by ana, base step 4 of 12: it did not end in time." in result.stderr
    assert not (cli.folder / "imported").exists()


def test_a_host_that_is_down_holds_nothing_up(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    ctl.hosts.errors["gpu-2"] = SshError("gpu-2", "address", "is down.")
    result = ctl("recover")
    assert result.exit_code == 0
    assert "gpu-2 [address] is down. Nothing is known of a run there." in result.stderr
    assert (cli.folder / "imported").exists()


def test_the_lock_of_a_dead_process_is_taken_away(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli)
    cli.says("cancel --yes", "")
    lock(ctl, host=socket.gethostname(), pid=2**22 + 1)
    result = ctl("recover")
    assert result.exit_code == 0
    assert result.stdout.startswith("the lock of a run that is dead is taken away: ana@")
    assert "cancel --yes --stack dev --non-interactive" in cli.asked
    assert {host for host, _ in ctl.hosts.asked} == {"cp-1", "gpu-1", "gpu-2"}


def test_a_lock_that_may_be_alive_is_left_alone(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    lock(ctl, host="laptop", pid=1)
    result = ctl("recover")
    assert result.exit_code == 1
    assert "stack dev is locked by ana@laptop (pid 1) since 2026-11-22T12:00:00Z. Nothing was changed." in result.stderr
    assert ctl.hosts.asked == []
    assert not (cli.folder / "imported").exists()


def test_a_pid_that_another_program_has_now_is_dead(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli)
    cli.says("cancel --yes", "")
    lock(ctl, host=socket.gethostname(), pid=os.getpid())
    assert ctl("recover").exit_code == 0


def test_a_run_that_ended_well_while_recover_waited_keeps_its_state(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    ctl.hosts.locks = [BUSY]
    ctl.hosts.when_asked = lambda: state(cli)
    result = ctl("recover")
    assert (result.stdout, result.exit_code) == ("✓ ok: nothing to recover in dev. Nothing was changed.\n", 0)
    assert not (cli.folder / "imported").exists()


def on_a_host(name: str, address: str, **more: object) -> dict[str, object]:
    """A runner in the state; its key is encrypted."""
    key = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    connection = {"host": address, "port": 2222, "user": "deploy", "hostKey": "ssh-ed25519 AAAA", "privateKey": key}
    urn = f"urn:pulumi:dev::gpu-metal::command:remote:Command::{name}-runner"
    inputs = {"create": f"sudo -n bash -s -- install 1 2 {name}", "connection": connection}
    return {"urn": urn, "type": "command:remote:Command", "inputs": inputs, **more}


def test_a_host_that_only_the_state_knows_is_asked_too(ctl: Sitectl, cli: FakePulumi) -> None:
    """Its row was deleted, and the run that was killed was removing it."""
    there = on_a_host("old-1", "192.0.2.99")
    forgotten = on_a_host("old-2", "192.0.2.98", retainOnDelete=True)
    deleting = {"type": "deleting", "resource": there}
    deployment = {"resources": [there, forgotten, on_a_host("gpu-1", "192.0.2.21")], "pending_operations": [deleting]}
    cli.says("stack export", json.dumps({"version": 3, "deployment": deployment}))
    sealed, plain = '"ciphertext": "v1:abc"', '"plaintext": "\\"the-key\\""'
    in_clear = json.dumps({"version": 3, "deployment": deployment}).replace(sealed, plain)
    cli.says("stack export --show-secrets", in_clear)
    ctl.hosts.errors["old-1"] = SshError("old-1", "address", "is frozen.")
    result = ctl("recover")
    assert {host for host, _ in ctl.hosts.asked} == {"cp-1", "gpu-1", "gpu-2", "old-1"}
    [reached] = [target for target in ctl.hosts.reached if target.name == "old-1"]
    assert (reached.address, reached.port, reached.private_key, reached.sudo) == ("192.0.2.99", 2222, "the-key", True)
    assert "old-1 [address] is frozen. Nothing is known of a run there." in result.stderr
    assert "the-key" not in result.output
    assert result.stdout == "an interrupted operation is forgotten: deleting old-1-runner\n"


def test_without_such_a_host_no_secret_is_revealed(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    assert ctl("recover").exit_code == 0
    assert not [words for words in cli.asked if "--show-secrets" in words]


def test_what_a_dead_run_left_is_ended_and_its_hosts_are_waited_for(
    ctl: Sitectl, cli: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(cli)
    left = [orphans.Orphan(4711, "pulumi-resource", "1.2")]
    monkeypatch.setattr(orphans, "orphans", lambda: left)
    monkeypatch.setattr(orphans, "end", lambda found: [f"ended {orphan.name} (pid {orphan.pid})" for orphan in found])
    ctl.hosts.locks = [BUSY]
    result = ctl("recover")
    assert (result.exit_code, result.stdout) == (0, "ended pulumi-resource (pid 4711)\n")
    assert "gpu-1 [lock] waits for a run that goes on there" in result.stderr


LOOK = "Fix: sitectl recover, then pulumi up, which goes on from there."


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "works\theld since 22:14 by ana, base step 4 of 12 (packages#gpu-build)",
            "gpu-1 [lost] the connection was lost, and the run goes on there: "
            f"held since 22:14 by ana, base step 4 of 12 (packages#gpu-build). {LOOK}",
        ),
        ("cut\tbase\tswap_off\tsysctl", f"gpu-1 [base] was cut off after step swap_off, in step sysctl. {LOOK}"),
        ("cut\tbase\t\tswap_off", f"gpu-1 [base] was cut off before its first step, in step swap_off. {LOOK}"),
        ("cut\tbase\tswap_off\t", f"gpu-1 [base] was cut off after step swap_off, between two steps. {LOOK}"),
        (
            "fault\tpackages\x1fapply ended with status 100. "
            "Fix: see its last lines; the next run goes on from this step. "
            "Log: /l\x1fReading lists\x1fE: Unable to locate package foo\x1f",
            "gpu-1 [packages] E: Unable to locate package foo. apply ended with status 100. "
            "Fix: see its last lines; the next run goes on from this step. Log: /l",
        ),
        (
            "fault\tcluster_member\x1fapply ended with status 1. Log: /l\x1ferror: no etcd\x1f"
            "To see the stack trace of this error execute with --v=5 or higher\x1f",
            "gpu-1 [cluster_member] error: no etcd. apply ended with status 1. Log: /l",
        ),
        (
            "fault\tsysctl\x1fapply ended with status 1. Log: /l\x1f/var/lib/gpu-metal/runner/f8b555534ae7/files.sh: "
            "line 108: /etc/sysctl.d/.99-zz-gpu-metal.conf.gpu-metal: Read-only file system\x1f",
            "gpu-1 [sysctl] /etc/sysctl.d/.99-zz-gpu-metal.conf.gpu-metal: Read-only file system. "
            "apply ended with status 1. Log: /l",
        ),
        ("fault\tos\x1fis Debian 11. Fix: reinstall it.\x1f", "gpu-1 [os] is Debian 11. Fix: reinstall it."),
    ],
)
def test_after_a_failed_run_each_host_says_in_one_line_where_it_stopped(
    ctl: Sitectl, cli: FakePulumi, row: str, says: str
) -> None:
    state(cli, CREATING)
    ctl.hosts.stopped["gpu-1"] = f"{row}\n"
    ctl.hosts.errors["gpu-2"] = SshError("gpu-2", "address", "192.0.2.22:22 did not answer within 15 s.")
    result = ctl("recover", "--look")
    assert result.stdout.splitlines() == [says, "gpu-2 [address] 192.0.2.22:22 did not answer within 15 s."]
    assert result.exit_code == 0
    assert not (cli.folder / "imported").exists()


def test_a_host_that_ended_well_without_a_connection_is_said(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, CREATING)
    said = ctl("recover", "--look").stdout
    assert said == f"gpu-1 [lost] the connection was lost, and what ran there has ended. {LOOK}\n"
