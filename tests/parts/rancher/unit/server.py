"""The documented calls of Rancher's REST API in this process (2.15), as far as a site needs them."""

from itertools import count
from typing import Any

from tests.unit.https import PASSWORD, Answer, Asked

TOKEN = "token-abcde:canarycanarycanary"
BOOTSTRAP = "canary-bootstrap-1"
FIRST = "canary-first-password"


class Refused(Exception):  # noqa: N818 - an answer
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.answer = (status, {"type": "error", "status": status, "code": code, "message": message})


class Server:
    """Users by id, settings by name."""

    def __init__(self) -> None:
        self.password = PASSWORD
        self.number = count(100)
        self.users: dict[str, dict[str, Any]] = {"user-admin": {"id": "user-admin", "username": "admin"}}
        self.settings = {"server-url": "", "eula-agreed": "", "telemetry-opt": "prompt"}

    def __call__(self, asked: Asked) -> Answer:
        try:
            if asked.path == "/v1-public/login":
                return self.log_in(asked.body)
            if asked.token != TOKEN:
                raise Refused(401, "Unauthorized", "must authenticate")
            _, kind, *rest = asked.path.removeprefix("/v3").split("/")
            return self.set(asked, rest[0]) if kind == "settings" else self.user(asked, rest)
        except Refused as refused:
            return refused.answer

    def log_in(self, body: dict[str, str]) -> Answer:
        assert body["type"] == "localProvider"
        assert body["responseType"] != "cookie"
        if (body["username"], body["password"]) != ("admin", self.password):
            raise Refused(401, "Unauthorized", "authentication failed")
        return 201, {"token": TOKEN, "id": "token-abcde", "expiresAt": "2026-11-30T13:00:00Z"}

    def set(self, asked: Asked, name: str) -> Answer:
        if name not in self.settings:
            raise Refused(404, "NotFound", f"settings {name} not found")
        if asked.method == "PUT":
            self.settings[name] = asked.body["value"]
        return 200, {"id": name, "name": name, "value": self.settings[name]}

    def user(self, asked: Asked, rest: list[str]) -> Answer:
        if asked.query.get("action") == "changepassword":
            if asked.body["currentPassword"] != self.password:
                raise Refused(422, "InvalidBodyContent", "invalid current password")
            self.password = asked.body["newPassword"]
            return 200, None
        if asked.method == "POST":
            return 201, self.made(asked.body)
        if not rest:
            return 200, {"data": [each for each in self.users.values() if each["username"] == asked.query["username"]]}
        if rest[0] not in self.users:
            raise Refused(404, "NotFound", f"users {rest[0]} not found")
        if asked.method == "DELETE":
            return 200, self.users.pop(rest[0])
        self.users[rest[0]].update(asked.body or {})
        return 200, self.users[rest[0]]

    def made(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["username"] in {each["username"] for each in self.users.values()}:
            raise Refused(422, "NotUnique", "username must be unique")
        made = {**body, "id": f"u-{next(self.number)}"}
        self.users[made["id"]] = made
        return {key: value for key, value in made.items() if key != "password"}
