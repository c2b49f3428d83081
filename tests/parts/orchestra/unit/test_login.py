"""pgAdmin's login, by the stand-in of its command line. Does not prove: pgAdmin's own; it reads options alike."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from components.platforms import orchestra
from tests.samples import ROOT

pytestmark = pytest.mark.row("T1")

LOGIN = Path(orchestra.__file__).parent / "login.py"
STAND_IN = ROOT / "lab/parts/orchestra/pgadmin"
SERVER = {"Name": "o", "Host": "127.0.0.1", "Port": 5432, "MaintenanceDB": "o", "Username": "o"}


def login(folder: Path, email: str, former: str, password: str) -> tuple[int, str]:
    (folder / "config.py").write_text(f"DATA_DIR = {str(folder)!r}\n")
    (folder / "servers.json").write_text(json.dumps({"Servers": {"1": SERVER}}))
    words: list[str | Path] = [
        sys.executable,
        "-c",
        LOGIN.read_text(),
        email,
        former,
        folder / "pgadmin4.db",
        folder / "servers.json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(STAND_IN), "CONFIG_DISTRO_FILE_PATH": str(folder / "config.py")}
    done = subprocess.run(words, env=environment, input=password, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def active(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "pgadmin4.db") as there:
        return [row[0] for row in there.execute("SELECT username FROM user WHERE active")]


@pytest.mark.parametrize("password", ["--for-no-eyes", "-x=$(id)'\"%s"])
def test_a_password_that_looks_like_an_option_is_one_and_is_not_shown(tmp_path: Path, password: str) -> None:
    first, second = "ana@lab.local", "-ben@lab.local"
    for email, former in ((first, ""), (first, first), (second, first), (second, second)):
        status, said = login(tmp_path, email, former, password)
        assert (status, password in said) == (0, False), said
        assert active(tmp_path) == [email]
    assert login(tmp_path, first, second, password)[0] == 0
    assert active(tmp_path) == [first]
