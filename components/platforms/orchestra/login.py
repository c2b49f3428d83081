"""Gives pgAdmin its settings database, the site's login and the site's server. Runs in pgAdmin's virtual environment.

Arguments: the login's e-mail address, the former one's or nothing, the settings database, and a file with the server as
`pgadmin4-cli load-servers` reads it. The password comes by stdin: pgAdmin's own command line takes it as an argument,
which everybody on a host can read, so that its commands run in here, each in a process of its own.
"""

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any


def cli(*words: str) -> None:
    """Runs one command of pgadmin4-cli, which ends with status 0 also when it did nothing.

    What people chose stands behind `=` or `--`: pgadmin4-cli would take "-x…" for an option, and say so with its text.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        sys.argv = ["pgadmin4-cli", *words]
        from pgadmin4.setup import main  # type: ignore[import-not-found]  # noqa: PLC0415 - its environment only

        main()
        sys.exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"pgadmin4-cli {words[0]} failed")


def ask(database: str, sql: str, *values: Any) -> list[Any]:  # noqa: ANN401 - a value of SQL
    """Rows of the settings database."""
    with sqlite3.connect(database, timeout=60) as there:
        return there.execute(sql, values).fetchall()


def login(database: str, email: str, former: str, password: str) -> int:
    """The number of the site's login, an administrator with this password; a former one may not log in any more."""
    known = "SELECT id, password FROM user WHERE username = ? AND auth_source = 'internal'"
    # setup-db reads them for the first login. What others could see of this process's environment stays without them.
    os.environ["PGADMIN_SETUP_EMAIL"], os.environ["PGADMIN_SETUP_PASSWORD"] = email, password
    # A trace of typer's own, which pgadmin4-cli is made with, shows what variables hold.
    os.environ["TYPER_STANDARD_TRACEBACK"] = os.environ["_TYPER_STANDARD_TRACEBACK"] = "1"
    fresh = not Path(database).exists()
    cli("setup-db")
    before = ask(database, known, email)
    if not before:
        cli("add-user", "--admin", "--", email, password)
    elif not fresh:
        cli("update-user", f"--password={password}", "--admin", "--active", "--", email)
    after = ask(database, known, email)
    if not after or (before == after and not fresh):
        sys.exit(f"pgAdmin did not take the login {email}")
    # Three wrong passwords lock a login, and no command unlocks it.
    ask(database, "UPDATE user SET locked = 0, login_attempts = 0 WHERE id = ?", after[0][0])
    if former not in ("", email):
        cli("update-user", "--role", "User", "--inactive", "--", former)
    return int(after[0][0])


def server(database: str, file: str, email: str, owner: int) -> None:
    """The site's database in the login's list of servers; others in the list stay."""
    [wanted] = json.loads(Path(file).read_text())["Servers"].values()
    seen = ask(
        database,
        "SELECT host, port, maintenance_db, username FROM server WHERE name = ? AND user_id = ?",
        wanted["Name"],
        owner,
    )
    if seen != [tuple(wanted[name] for name in ("Host", "Port", "MaintenanceDB", "Username"))]:
        ask(database, "DELETE FROM server WHERE name = ? AND user_id = ?", wanted["Name"], owner)
        cli("load-servers", f"--user={email}", "--", file)


if __name__ == "__main__":
    EMAIL, FORMER, DATABASE, FILE = sys.argv[1:]
    server(DATABASE, FILE, EMAIL, login(DATABASE, EMAIL, FORMER, sys.stdin.read().rstrip("\n")))
