"""The part of Rancher's REST API that has no object in the cluster that a site can own: login, settings, users.

https://ranchermanager.docs.rancher.com/api/v3-rancher-api-guide, 2.15.
"""

from typing import Any

from components.rest.access import Access
from components.rest.client import Body, Client
from components.rest.http import Call
from components.rest.session import Token

LOGIN = "/v1-public/login"
SETTINGS = "/v3/settings"
USERS = "/v3/users"
_SESSION = 3600.0
"""Seconds after which we log in anew: auth-user-session-ttl-minutes is 960 minutes at first, and may be less."""


class _Password:
    """A login of Rancher's own users. The token stays in this process."""

    def __call__(self, access: Access, refresh: str) -> Call:  # noqa: ARG002 - a session is not renewed
        body = {
            "type": "localProvider",
            "username": access.username,
            "password": access.password,
            "description": "gpu-metal",
            "responseType": "json",
        }
        return Call("POST", LOGIN, body=body, harmless=True)

    def token(self, data: Any) -> Token:  # noqa: ANN401 - JSON
        return Token(text=str(data["token"]), seconds=_SESSION)


class RancherApi(Client):
    """One Rancher, for all threads. Every method raises RestError."""

    login = _Password()

    def user(self, username: str) -> Body | None:
        """The user with this login name, or None where Rancher has none."""
        found = self.session.call("GET", USERS, query={"username": username})["data"]
        return next((each for each in found if each.get("username") == username), None)

    def add(self, path: str, body: Body) -> Body:
        """Makes an object. Raises UnsureError if it may have been made all the same."""
        made: Body = self.session.call("POST", path, body=body)
        return made

    def put(self, path: str, id_: str, body: Body) -> Body:
        """Changes what the body has."""
        put: Body = self.session.call("PUT", f"{path}/{id_}", body=body)
        return put

    def change_password(self, former: str, new: str) -> None:
        """Changes the password of who is logged in."""
        body = {"currentPassword": former, "newPassword": new}
        self.session.call("POST", USERS, query={"action": "changepassword"}, body=body)
