"""The database of Run:ai's control plane in backups of the cluster, by a kubectl that answers as a pod's PostgreSQL.

Real PostgreSQL: tests/scripts/test_control_plane_years.py.
"""

import subprocess
from pathlib import Path

import pytest

from components.host.artefact import Artefact
from components.kubernetes.backup import Backup
from components.platforms.runai.part import PART
from stacks import plan
from stacks.ground import states
from tests.parts.runai.sites import parts_of, site_of

pytestmark = pytest.mark.row("K11", "R12")

KUBECTL = """#!/bin/bash
echo "$*" >>"$0.asked"
case $* in
    *"get statefulset runai-backend-postgresql "*) echo "${THERE-statefulset}" ;;
    *pg_database_size*) echo 7 ;;
    *" pg_dump "*) printf 'PGDMP of all' ;;
    *" pg_restore --list") cat >/dev/null; echo '215; 1259 16386 TABLE public projects postgres' ;;
    *"SELECT count(*)"*) echo "${TABLES-1}" ;;
    *" psql "*) cat >>"$0.asked" ;;
esac
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    state = PART.cluster and PART.cluster.state(*parts_of(site_of(tmp_path)))
    assert state
    file = tmp_path / "state"
    file.write_text(state.program)
    (tmp_path / "kubectl").write_text(KUBECTL)
    for each in (file, tmp_path / "kubectl"):
        each.chmod(0o755)
    (tmp_path / "folder").mkdir()
    return file


def run(program: Path, word: str, **env: str) -> tuple[int, str]:
    path = {"PATH": f"{program.parent}:/usr/bin:/bin", **env}
    argv = [str(program), word, str(program.parent / "folder")]
    done = subprocess.run(argv, env=path, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_each_control_plane_saves_it_where_the_chart_brings_it(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    assert site.kubernetes is not None
    tools = Artefact.model_validate({"file": "/root/etcd.tar.gz", "sha256": "0" * 64})
    backup = Backup.model_construct(folder="/mnt", recipients=("age1",), tools=tools)
    site = site.model_copy(update={"kubernetes": site.kubernetes.model_copy(update={"backup": backup})})
    [step] = [step for step in plan.node(site, site.control_planes[0]) if step.id == "etcd_backup"]
    assert step.inputs["states"] == "runai"
    assert step.bulk["state.runai"].startswith('#!/bin/bash\nset -- runai-backend runai-backend-postgresql-0 "$@"\n')
    others = {"values": {"postgresql": {"enabled": False}, "global": {"postgresql": {"auth": {"host": "db"}}}}}
    assert states(site_of(tmp_path, controlPlane=others)) == {}


def test_what_was_saved_is_put_beside_what_is_there_and_then_in_its_place(program: Path) -> None:
    assert run(program, "save") == (0, "")
    assert (program.parent / "folder/backend.dump").read_text() == "PGDMP of all"
    status, said = run(program, "restore")
    assert (status, said.startswith("The database that was there is backend_20")) == (0, True)
    asked = (program.parent / "kubectl.asked").read_text()
    assert "hunter2" not in asked
    inside = asked.split("BEGIN;\n")[1].split("COMMIT;\n")[0]
    assert [line.split()[2] for line in inside.splitlines()] == ["backend", "backend_restored"]
    assert asked.index("CREATE DATABASE backend_restored") < asked.index("--exit-on-error") < asked.index("BEGIN;")


def test_where_it_is_not_installed_yet_there_is_nothing_to_save(program: Path) -> None:
    assert run(program, "save", THERE="") == (0, "")
    assert list((program.parent / "folder").iterdir()) == []


def test_a_backup_that_lacks_a_table_changes_nothing(program: Path) -> None:
    run(program, "save")
    status, said = run(program, "restore", TABLES="0")
    assert (status, said) == (1, "the backup has 1 tables, and 0 were restored. Nothing was changed\n")
    assert "BEGIN;" not in (program.parent / "kubectl.asked").read_text()
