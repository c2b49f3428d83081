"""What all calls of the REST API have in common: codes and bodies of errors, collections, resources, who calls."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.kube import Body, Kube

STATUS = {
    "Unauthorized": 401,
    "PermissionDenied": 403,
    "NotFound": 404,
    "ActionNotAvailable": 404,
    "MethodNotAllow": 405,
    "Conflict": 409,
    "InvalidBodyContent": 422,
    "MissingRequired": 422,
    "NotUnique": 422,
    "InvalidAction": 422,
    "InvalidFormat": 422,
    "ServerError": 500,
}
"""Code of an error → status of the answer (rancher/norman httperror)."""


class RefusedError(Exception):
    """A call that is refused, by one of Rancher's codes."""

    def __init__(self, code: str, message: str = "", field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field

    @property
    def status(self) -> int:
        """Of the answer."""
        return STATUS[self.code]

    def body(self) -> Body:
        """As the API sends it."""
        named = {"fieldName": self.field} if self.field else {}
        top = {"baseType": "error", "type": "error", "status": self.status, "code": self.code}
        return {**top, "message": self.message, **named}


@dataclass
class Call:
    """One call as a handler sees it."""

    kube: Kube
    name: str = ""
    """Of the one resource; empty for the collection."""
    action: str = ""
    query: dict[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=dict)
    user: Body = field(default_factory=dict)
    """Who calls: an object User."""
    admin: bool = False
    session: str = ""
    """The name of the token that the call came with."""

    def text(self, key: str, message: str) -> str:
        """A text of the body that must be there. Refuses the call without it."""
        found = self.body.get(key)
        if not isinstance(found, str) or not found:
            raise RefusedError("InvalidBodyContent", message)
        return found

    def administrator(self) -> None:
        """Refuses all others."""
        if not self.admin:
            raise RefusedError("PermissionDenied", f"{self.user.get('username')} is no administrator")


Answer = tuple[int, Body | None]
Handler = Callable[[Call], Answer]


def collection(kind: str, items: list[Body], query: dict[str, str]) -> Answer:
    """The resources that have the values of the query."""
    kept = [each for each in items if all(str(each.get(key, value)) == value for key, value in query.items())]
    top = {"type": "collection", "resourceType": kind, "pagination": {"limit": 1000, "total": len(kept)}}
    return 200, {**top, "data": kept}


def resource(kind: str, body: Body, **fields: object) -> Body:
    """An object as the REST API shows it."""
    metadata = body["metadata"]
    top = {"id": metadata["name"], "uuid": metadata.get("uid"), "created": metadata.get("creationTimestamp")}
    return {"baseType": kind, "type": kind, "state": "active", **top, **fields}
