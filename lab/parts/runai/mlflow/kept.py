"""What the stand-in of MLflow keeps, in files of JSON where the real server has SQLite, and how it refuses calls."""

import json
from pathlib import Path
from typing import Any

Body = dict[str, Any]


class Refused(Exception):  # noqa: N818 - an answer
    """A call that is refused: status, error code and message as MLflow gives them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error_code": code, "message": message}


def missing(what: str) -> Refused:
    """Of something that there is not."""
    return Refused(404, "RESOURCE_DOES_NOT_EXIST", f"{what} not found")


def invalid(message: str) -> Refused:
    """Of a value that is wrong."""
    return Refused(400, "INVALID_PARAMETER_VALUE", message)


class Kept:
    """A file of JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data: Body = json.loads(path.read_text()) if path.exists() else {}

    def write(self) -> None:
        """Whole or not at all."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.data))
        fresh.replace(self.path)
