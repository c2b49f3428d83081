"""Users of the stand-in of MLflow, as its documentation of basic-auth has them."""

import hashlib
import hmac
import secrets

from lab.parts.runai.mlflow.kept import Body, Kept, Refused, invalid, missing

LEAST = 13
"""Signs of a new user's password."""


def hashed(password: str, salt: str) -> str:
    """What is kept of a password."""
    return f"{salt}:{hashlib.pbkdf2_hmac('sha256', password.encode(), salt.encode(), 5000).hex()}"


class Users:
    """Who may log in."""

    def __init__(self, kept: Kept, admin: str, password: str) -> None:
        self._kept = kept
        if not kept.data:
            self.set(admin, password, admin=True)

    def set(self, name: str, password: str, *, admin: bool) -> None:
        """Makes a user, or gives one another password."""
        self._kept.data[name] = {"hash": hashed(password, secrets.token_hex(8)), "admin": admin}
        self._kept.write()

    def remove(self, name: str) -> None:
        """Forgets one."""
        del self._kept.data[self.one(name)]
        self._kept.write()

    def one(self, name: str) -> str:
        """The name, if there is such a user."""
        if name not in self._kept.data:
            raise missing(f"User with username={name}")
        return name

    def admin(self, name: str) -> bool:
        """Whether this one administers all."""
        return bool(self._kept.data[name]["admin"])

    def fits(self, name: str, password: str) -> bool:
        """Whether there is such a user, with this password."""
        kept = str(self._kept.data.get(name, {}).get("hash", ":"))
        return hmac.compare_digest(hashed(password, kept.partition(":")[0]), kept)

    def new(self, name: str, password: str) -> Body:
        """A user who was not there."""
        if name in self._kept.data:
            raise Refused(400, "RESOURCE_ALREADY_EXISTS", f"User (username={name}) already exists.")
        if not name or len(password) < LEAST:
            raise invalid(f"Password must be a string longer than {LEAST - 1} characters.")
        self.set(name, password, admin=False)
        return {"user": self.shown(name)}

    def shown(self, name: str) -> Body:
        """Without what is secret."""
        return {"username": self.one(name), "is_admin": self.admin(name)}
