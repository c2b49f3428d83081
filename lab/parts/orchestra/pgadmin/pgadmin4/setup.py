"""The stand-in's pgadmin4-cli: some of pgAdmin's commands and tables."""

import argparse
import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path

from . import config

TABLES = """
CREATE TABLE user (id INTEGER PRIMARY KEY, email VARCHAR, password VARCHAR, active BOOLEAN, username VARCHAR NOT NULL,
    auth_source VARCHAR NOT NULL DEFAULT 'internal', locked BOOLEAN DEFAULT 0, login_attempts INTEGER DEFAULT 0,
    UNIQUE (username, auth_source));
CREATE TABLE role (id INTEGER PRIMARY KEY, name VARCHAR UNIQUE);
CREATE TABLE roles_users (user_id INTEGER, role_id INTEGER);
CREATE TABLE server (id INTEGER PRIMARY KEY, user_id INTEGER, name VARCHAR, host VARCHAR, port INTEGER,
    maintenance_db VARCHAR, username VARCHAR);
INSERT INTO role (id, name) VALUES (1, 'Administrator'), (2, 'User');
"""


def there() -> sqlite3.Connection:
    """The settings database."""
    return sqlite3.connect(config.SQLITE_PATH, timeout=20)


def hashed(password: str, salt: bytes) -> str:
    """A password as the table has it."""
    return f"{salt.hex()}${hashlib.pbkdf2_hmac('sha512', password.encode(), salt, 1000).hex()}"


def known(email: str) -> int | None:
    """The number of a user."""
    row = there().execute("SELECT id FROM user WHERE username = ?", (email,)).fetchone()
    return int(row[0]) if row else None


def setup_db() -> None:
    """Creates the settings database; with its first user, if the environment names one."""
    sys.stdout.write("pgAdmin 4 - Application Initialisation\n")
    if Path(config.SQLITE_PATH).exists():
        return
    email, password = os.environ["PGADMIN_SETUP_EMAIL"], os.environ["PGADMIN_SETUP_PASSWORD"]
    os.umask(0o077)
    with there() as tables:
        tables.executescript(TABLES)
    add_user(email, password, "Administrator")


def add_user(email: str, password: str, role: str) -> None:
    """A user that is not there yet."""
    if known(email):
        sys.stdout.write("User already exists.\n")
    elif len(password) < 6:
        sys.stdout.write("Password must be at least 6 characters long.\n")
    else:
        with there() as tables:
            values = (email, email, hashed(password, os.urandom(8)))
            tables.execute("INSERT INTO user (email, username, password, active) VALUES (?, ?, ?, 1)", values)
        _give(email, role)


def update_user(email: str, password: str | None, role: str, active: bool) -> None:
    """Password, role and state of a user that is there."""
    if not known(email):
        sys.stdout.write("User not found\n")
        return
    with there() as tables:
        tables.execute("UPDATE user SET active = ? WHERE username = ?", (active, email))
        if password:
            values = (hashed(password, os.urandom(8)), email)
            tables.execute("UPDATE user SET password = ? WHERE username = ?", values)
    _give(email, role)


def load_servers(file: str, email: str) -> None:
    """Adds the servers of a file to the user's list."""
    with there() as tables:
        for server in json.loads(Path(file).read_text())["Servers"].values():
            keys = ("Name", "Host", "Port", "MaintenanceDB", "Username")
            tables.execute(
                "INSERT INTO server (user_id, name, host, port, maintenance_db, username) VALUES (?, ?, ?, ?, ?, ?)",
                (known(email), *(server[key] for key in keys)),
            )


def _give(email: str, role: str) -> None:
    with there() as tables:
        tables.execute("DELETE FROM roles_users WHERE user_id = ?", (known(email),))
        tables.execute("INSERT INTO roles_users SELECT ?, id FROM role WHERE name = ?", (known(email), role))


def main() -> None:
    """The command of the command line."""
    parser = argparse.ArgumentParser(prog="pgadmin4-cli")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("setup-db")
    add, update, load = (verbs.add_parser(name) for name in ("add-user", "update-user", "load-servers"))
    for verb in (add, update):
        verb.add_argument("email")
        verb.add_argument("--admin", action="store_true")
        verb.add_argument("--role", default="User")
    add.add_argument("password")
    update.add_argument("--password")
    update.add_argument("--active", action=argparse.BooleanOptionalAction, default=True)
    update.add_argument("--inactive", dest="active", action="store_false")
    load.add_argument("file")
    load.add_argument("--user", required=True)
    words = parser.parse_args()
    role = "Administrator" if getattr(words, "admin", False) else getattr(words, "role", "")
    if words.verb == "setup-db":
        setup_db()
    elif words.verb == "add-user":
        add_user(words.email, words.password, role)
    elif words.verb == "update-user":
        update_user(words.email, words.password, role, words.active)
    else:
        load_servers(words.file, words.user)
