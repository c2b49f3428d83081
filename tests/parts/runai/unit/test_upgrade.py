"""What is done before Run:ai becomes another version: a backup of its database, by a kubectl that answers as a cluster.

Does not prove: PostgreSQL's own programs in the pod; the lab's story does.
"""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.step import content
from components.hostrun.target import Target
from components.platforms.runai import upgrade
from components.platforms.runai.config import Runai
from tests.parts.runai.sites import parts_of, site_of

PLANES = [Target(name, f"192.0.2.{number}", 22, "root", "ssh-ed25519 AAAA") for number, name in enumerate("ab", 1)]
KUBECTL = """#!/bin/bash
echo "$*" >>"$0.asked"
case $* in
    *" psql "*) [[ -z ${SIZE-} ]] && exit 1; echo "$SIZE" ;;
    *" pg_dump "*) printf 'PGDMP of all'; exit "${DUMP-0}" ;;
    *" pg_restore "*) grep -q '^PGDMP of all$' || exit 1; exit "${RESTORE-0}" ;;
esac
"""


def ran(folder: Path, *words: str, **env: str) -> tuple[str, str, list[str], list[str]]:
    """What the script printed and said, the files there, and what kubectl was asked."""
    kept = folder / "kept"
    script = folder / "upgrade.sh"
    script.write_text(content(upgrade.SCRIPT).decode().replace("/var/lib/gpu-metal-runai", str(kept)))
    kubectl = folder / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    path = f"{folder}:/usr/bin:/bin"
    command = ["bash", str(script), "runai-backend", "2.25.0", *words]
    done = subprocess.run(command, env={"PATH": path, **env}, capture_output=True, text=True, check=False)
    asked = folder / "kubectl.asked"
    files = [file.name for file in kept.iterdir()] if kept.exists() else []
    return done.stdout, done.stderr, files, asked.read_text().splitlines()


@pytest.mark.row("R4", "R12")
def test_the_database_is_saved_for_root_alone_before_the_old_ingress_goes(tmp_path: Path) -> None:
    told, said, files, asked = ran(tmp_path, "runai-backend-postgresql-0", SIZE="7000000")
    assert said == ""
    [file] = files
    assert told.strip() == str(tmp_path / "kept" / file)
    assert file.startswith("backend-2.25.0-")
    assert file.endswith(".dump")
    assert (tmp_path / "kept" / file).read_text() == "PGDMP of all"
    assert (tmp_path / "kept" / file).stat().st_mode & 0o777 == 0o600
    assert "exec -i runai-backend-postgresql-0" in asked[0]
    assert asked[-1].endswith("delete deployment runai-backend-nginx-ingress-controller --ignore-not-found")


@pytest.mark.row("R12")
@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "the database in the pod postgresql-0 -n runai-backend does not answer"),
        ({"SIZE": "9" * 16}, "bytes free, and the database has 9999999999999999"),
        ({"SIZE": "7", "DUMP": "1"}, "pg_dump failed in the pod postgresql-0 -n runai-backend"),
        ({"SIZE": "7", "RESTORE": "1"}, "pg_dump's file is not whole"),
    ],
    ids=["silent", "full", "broken", "cut"],
)
def test_without_a_whole_backup_nothing_else_is_done(tmp_path: Path, env: dict[str, str], said: str) -> None:
    told, error, files, asked = ran(tmp_path, "postgresql-0", **env)
    assert (told, files) == ("", [])
    assert said in error.splitlines()[-1]
    assert not [words for words in asked if "delete" in words]


@pytest.mark.row("R4")
def test_a_database_of_the_sites_own_is_not_saved(tmp_path: Path) -> None:
    told, said, files, asked = ran(tmp_path)
    assert (told, said, files) == ("", "", [])
    assert len(asked) == 1


def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch, answers: list[tuple[str, str]], **of: Any) -> list[str]:
    """What was asked and told before an upgrade from 2.25.0 (or `old`)."""
    old = of.pop("old", "2.25.0")
    config: Runai = parts_of(site_of(folder, **of))[0]
    found: list[str] = []

    async def ask(plane: Target, command: str, script: bytes, deadline: float) -> tuple[str, str]:
        assert (script, deadline) == (content(upgrade.SCRIPT), 3600)
        found.append(f"{plane.name}: {command}")
        return answers[len(found) - 1]

    monkeypatch.setattr("components.kubernetes.plane.ask", ask)
    asyncio.run(upgrade.prepare(PLANES, config, old, name="runai", tell=found.append))
    return found


@pytest.mark.row("R4", "R12")
def test_one_control_plane_saves_it_and_people_are_told_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "bash -s -- runai-backend 2.25.0 runai-backend-postgresql-0"
    told = "runai: the database of 2.25.0 is saved as /kept/a.dump on b"
    answers = [("", "[address] did not answer"), ("/kept/a.dump\n", "")]
    assert prepared(tmp_path, monkeypatch, answers) == [f"a: {asked}", f"b: {asked}", told]
    with pytest.raises(upgrade.BackupError, match="a: no room; b: no room"):
        prepared(tmp_path, monkeypatch, [("", "no room")] * 2)


@pytest.mark.row("R4")
def test_only_another_version_is_an_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepared(tmp_path, monkeypatch, [], old="") == []
    assert prepared(tmp_path, monkeypatch, [], old="3.0.0") == []
    theirs = {"values": {"postgresql": {"enabled": False}}}
    assert prepared(tmp_path, monkeypatch, [("", "")], controlPlane=theirs) == ["a: bash -s -- runai-backend 2.25.0"]


@pytest.mark.row("R4")
def test_a_version_that_cannot_be_reached_is_refused() -> None:
    upgrade.must_reach("", "3.0.0", "runai")
    upgrade.must_reach("2.25.0", "3.0.0", "runai")
    with pytest.raises(upgrade.UpgradeError, match=r"goes 4 releases at most. Go to 2.25 first, then to 3.0"):
        upgrade.must_reach("2.21.0", "3.0.0", "runai")
    with pytest.raises(upgrade.UpgradeError, match=r"no way back to 2.25.0. Write version: \"3.0.0\". Nothing"):
        upgrade.must_reach("3.0.0", "2.25.0", "runai")
