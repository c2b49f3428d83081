"""The stand-in's way to its database: psql, with the variables of the environment."""

import os
import subprocess


def run(sql: str) -> list[list[str]]:
    """The rows of some statements. Raises SystemExit with psql's message, and without the variable of the URL."""
    if not os.environ.get("ORCHESTRA_DATABASE_URL", "").startswith("postgresql://"):
        raise SystemExit("ORCHESTRA_DATABASE_URL is not set")
    words = ["psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(words, input=sql, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return [line.split("\t") for line in done.stdout.splitlines()]
