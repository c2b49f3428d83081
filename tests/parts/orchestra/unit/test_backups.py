"""Which backups go, and how a database is exchanged, with stand-ins for PostgreSQL's programs. Whole: ../scripts."""

import subprocess
from pathlib import Path

import pytest

from components.platforms import orchestra

pytestmark = pytest.mark.row("T1")

PROGRAM = Path(orchestra.__file__).parent / "program.sh"
RUNUSER = """#!/bin/bash
shift 3
case $1 in
    psql) if [[ $* == *"SELECT count"* ]]; then echo 0; else cat >>"$ASKED"; fi ;;
    pg_dump) echo dump ;;
esac
"""


def program(folder: Path, *words: str) -> str:
    (folder / "backups").mkdir(exist_ok=True)
    (folder / "runuser").write_text(RUNUSER)
    (folder / "runuser").chmod(0o755)
    own = f"port=5432 database=orchestra owner=orchestra folder={folder}/backups number=2\n"
    first, rest = PROGRAM.read_text().split("\n", 1)
    (folder / "program").write_text(f"{first}\n{own}{rest}")
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "ASKED": str(folder / "asked")}
    command: list[str | Path] = ["bash", folder / "program", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_dump_that_somebody_keeps_under_another_name_stays_and_is_not_counted(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    kept = {"orchestra-2020-before-the-move.dump", "orchestra-first.dump", "orchestra-last.dump"}
    for name in (*kept, "orchestra-20200101T000000Z.dump", "orchestra-20200102T000000Z.dump"):
        (folder / name).touch()
    program(tmp_path, "backup")
    stay = {file.name for file in folder.iterdir()}
    assert kept < stay
    made = stay - kept
    assert len(made) == 2
    assert "orchestra-20200102T000000Z.dump" in made


def test_the_two_names_are_exchanged_at_once(tmp_path: Path) -> None:
    """A run that is cut between them would leave no database of that name, and could not be repeated."""
    (tmp_path / "one.dump").touch()
    program(tmp_path, "restore", str(tmp_path / "one.dump"))
    asked = (tmp_path / "asked").read_text()
    _, begun = asked.split("BEGIN;\n")
    inside, _ = begun.split("COMMIT;\n")
    assert [line.split()[2:5:2] for line in inside.splitlines()] == [
        ['"orchestra"', "TO"],
        ['"orchestra_restored"', "TO"],
    ]
