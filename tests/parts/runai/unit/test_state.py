"""The database of Run:ai's control plane in backups of the cluster: by a kubectl that answers as one of a pod, and
by one that runs real PostgreSQL's programs.

Does not prove: a pod; tests/scripts/test_control_plane_years.py has one.
"""

import subprocess
from pathlib import Path

import pytest

from components.host.artefact import Artefact
from components.kubernetes.backup import Backup
from components.platforms.runai.part import PART
from lab.parts.runai import depot
from lab.tools.debian import unpacked
from stacks import plan
from stacks.ground import states
from tests.parts.runai.sites import parts_of, site_of
from tests.parts.runai.standin import database

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


REAL = """#!/bin/bash
if [[ $* == *"get statefulset"* ]]; then echo statefulset; exit; fi
while [[ $1 != -- ]]; do shift; done
shift
exec "$@"
"""


def test_real_postgresql_has_again_what_it_had(program: Path, tmp_path: Path) -> None:
    """With its owner and its rows; what came later stays under the former database's name."""
    found = [unpacked(name) / place for name in (*depot.DATABASE, *depot.LIBRARIES) for place in ("usr/lib", "lib")]
    libraries = [str(path) for folder in found for path in folder.glob("*-linux-gnu")]
    (tmp_path / "kubectl").write_text(REAL)
    with database(tmp_path / "postgresql") as port:
        binaries = unpacked("postgresql-15") / "usr/lib/postgresql/15/bin"
        env = {"PATH": f"{tmp_path}:{binaries}:/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(libraries)}
        env |= {"PGHOST": "127.0.0.1", "PGPORT": str(port), "POSTGRES_PASSWORD": "secret"}

        def sql(text: str, of: str = "backend") -> str:
            argv = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", of, "-c", text]
            more = {**env, "PGPASSWORD": "secret"}
            return subprocess.run(argv, env=more, capture_output=True, text=True, check=True).stdout.strip()

        sql("CREATE ROLE runai; ALTER DATABASE backend OWNER TO runai; CREATE TABLE projects (name text)")
        sql("INSERT INTO projects VALUES ('vision')")
        assert run(program, "save", **env) == (0, "")
        sql("DELETE FROM projects; CREATE TABLE later (name text)")
        status, said = run(program, "restore", **env)
        assert status == 0, said
        assert sql("SELECT name FROM projects") == "vision"
        owners = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'backend'"
        assert (sql(owners), sql("SELECT count(*) FROM pg_tables WHERE tablename = 'later'")) == ("runai", "0")
        former = said.split(" is ")[1].split(" now")[0]
        assert sql("SELECT count(*) FROM later", former) == "0"
