"""Backups of the cluster: what a site's control planes get, what verify and `sitectl backup` say, with fake hosts."""

import asyncio
import time
from pathlib import Path

import pytest

from components.host.artefact import Artefact
from components.hostrun.fleet import Fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from components.kubernetes import backup as room
from components.kubernetes.backup import Backup, not_a_recipient
from ops import backup
from tests.unit.fake_hosts import SITE, Sitectl, sitectl

pytestmark = pytest.mark.row("K11", "K15")

RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
SUM = "66bad39ed920f6fc15fd74adcb8bfd38ba9a6412f8c7852d09eb11670e88cac3"
TOOLS = {"url": "https://files.example.org/etcd.tar.gz", "sha256": SUM}
BACKUP = Backup.model_validate({"folder": "/mnt/backups", "recipients": [RECIPIENT], "tools": TOOLS, "everyHours": 6})
TARGET = Target("cp-1", "10.0.0.11", 22, "deploy", "ssh-ed25519 AAAA", None)
VERSION = 'kubernetes: {version: "1.34.2"}'
PATH = "/mnt/backups/cp-1-50fc1dd2-20261130T130044Z.tar.gz.age"


def last(hours: float) -> str:
    return f"{int(time.time() - hours * 3600)} 7340032 28 {PATH}\n"


def test_a_public_key_of_age_is_one_and_a_private_key_is_not_shown_again() -> None:
    assert not_a_recipient(RECIPIENT) is None
    secret = "AGE-SECRET-KEY-1QQPQR"
    assert secret not in str(not_a_recipient(secret))


def test_the_step_has_the_programs_and_all_that_the_site_says() -> None:
    packages, step = room.steps(BACKUP)
    assert packages.inputs["names"] == "age"
    assert step.inputs == {
        **{"folder": "/mnt/backups", "keep": "28", "hours": "6", "recipients": RECIPIENT},
        **TOOLS,
    }
    assert {*step.bulk} == {"common", "backup", "restore"}


def test_an_archive_that_is_to_lie_on_the_host_is_looked_for_before_anything_changes() -> None:
    brought = BACKUP.model_copy(update={"tools": Artefact.model_validate({"file": "/root/etcd.tar.gz", "sha256": SUM})})
    [step] = room.preflight(brought)
    assert step.inputs == {"file": "/root/etcd.tar.gz", "what": "etcd's release archive"}
    assert room.preflight(BACKUP) == []


@pytest.mark.parametrize(
    ("hours", "status", "saw"),
    [
        (3.5, "ok", f"3 hours old: {PATH}, 7.0 MiB; 28 there"),
        (12.9, "ok", "12 hours old"),
        (13.1, "failed", "the last backup is 13 hours old"),
        (None, "failed", "the cluster was not backed up from here yet."),
    ],
)
def test_verify_says_how_old_the_last_one_is(hours: float | None, status: str, saw: str) -> None:
    check = backup.check("cp-1", BACKUP, Result(0, "" if hours is None else last(hours), ""))
    assert (check.status, check.saw[: len(saw)]) == (status, saw)


def test_verify_fails_for_a_part_that_the_last_one_lacks() -> None:
    check = backup.check("cp-1", BACKUP, Result(0, f"{last(1)}runai: the database does not answer\n", ""))
    assert (check.status, check.fix) == ("failed", "mend that, then sitectl backup")
    assert check.saw.endswith("; but not the state of runai: the database does not answer.")


def test_verify_asks_control_planes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ctl = with_backup(tmp_path, monkeypatch)
    ctl.hosts.units["cp-1", "backup"] = last(1).rstrip("\n")
    checks = {c["host"]: (c["status"], c["saw"]) for c in ctl.json("verify")["checks"] if c["id"] == "backup"}
    assert checks == {"cp-1": ("ok", f"1 hours old: {PATH}, 7.0 MiB; 28 there")}


def test_a_verb_for_hosts_without_a_backup_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = sitectl(tmp_path, monkeypatch)("backup")
    assert done.exit_code == 2
    assert "The site makes no backup there. Fix: write kubernetes.backup" in done.stderr


@pytest.mark.parametrize(
    ("answer", "status", "saw", "fix"),
    [
        (Result(0, last(0), ""), "ok", f"{PATH}, 7.0 MiB; 28 there", ""),
        (
            Result(1, "", "Job for x failed\nthere is no folder /mnt/backups. Fix: mount the share there\n"),
            *("failed", "there is no folder /mnt/backups.", "mount the share there"),
        ),
        (
            Result(1, "", "Failed to start: Unit gpu-metal-backup.service not found.\n"),
            *("failed", "the site's backup is not set up here.", "pulumi up"),
        ),
        (SshError("cp-1", "connection", "no route"), "unknown", "no route", ""),
    ],
)
def test_a_backup_now_is_said_with_its_place_or_its_fault(
    answer: Result | SshError, status: str, saw: str, fix: str
) -> None:
    async def ask(target: Target, command: str, **_: object) -> Result:
        assert target is TARGET
        assert "systemctl start gpu-metal-backup.service" in command
        if isinstance(answer, SshError):
            raise answer
        return answer

    [check] = asyncio.run(backup.now(Fleet({"cp-1": TARGET}, ask=ask), {"cp-1": {"backup": "gpu-metal-backup"}}))
    assert (check.status, check.saw, check.fix) == (status, saw, fix)


def with_backup(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    ctl = sitectl(folder, monkeypatch)
    wanted = f"{{folder: /mnt/backups, recipients: [{RECIPIENT}], tools: {{file: /root/etcd.tar.gz, sha256: {SUM}}}}}"
    text = SITE.replace(VERSION, f"{VERSION[:-1]}, backup: {wanted}}}")
    assert text != SITE
    (folder / "Pulumi.dev.yaml").write_text(text)
    return ctl


def test_what_a_part_has_on_a_host_is_backed_up_too() -> None:
    async def ask(target: Target, command: str, **_: object) -> Result:
        assert target is TARGET
        assert "systemctl start orchestra-backup.service" in command
        return Result(0, "/var/backups/orchestra/a.dump: 7 tables restored\n", "")

    wanted = {"cp-1": {"orchestra/backup": "orchestra-backup"}}
    [check] = asyncio.run(backup.now(Fleet({"cp-1": TARGET}, ask=ask), wanted))
    assert (check.id, check.status) == ("orchestra/backup", "ok")
    assert check.saw == "/var/backups/orchestra/a.dump: 7 tables restored"


def test_the_verb_without_names_is_about_all_that_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Default: all that have a backup." in sitectl(tmp_path, monkeypatch)("backup", "-h").stdout
