"""How an API is reached and who we are there: plain data, and its form as inputs of Pulumi's provider resource."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from components.hostrun.target import Target

Wire = Any
"""A value as JSON has it."""


@dataclass(frozen=True)
class Access:
    """One API. Two of them are equal if they are reached and asked in the same way."""

    url: str
    """https://NAME[:PORT], without a path: the Host header, and the name that the certificate must have."""
    username: str
    password: str = field(default="", repr=False)
    server: str | None = None
    """ADDRESS[:PORT] that is connected to; without it NAME, resolved on the host that the connection goes through."""
    ca: str | None = field(default=None, repr=False)
    """PEM of the only authorities that are trusted; without it those of this machine."""
    planes: tuple[Target, ...] = field(default=(), repr=False)
    """Hosts to go through by SSH, in turn; none: the connection is made from this machine."""
    gone: bool = False
    """The API is gone for good: nothing is asked of it, and deleting its objects forgets them."""
    if_gone: str = "say in the site that it is gone"
    """What a message advises where the API is dark for good."""

    @property
    def host(self) -> str:
        """The name that the certificate must have."""
        return urlsplit(self.url).hostname or ""

    @property
    def netloc(self) -> str:
        """The Host header."""
        return urlsplit(self.url).netloc

    @property
    def address(self) -> tuple[str, int]:
        """What to connect to."""
        port = urlsplit(self.url).port or 443
        if self.server is None:
            return self.host, port
        parts = urlsplit(f"//{self.server}")
        return parts.hostname or "", parts.port or port

    def public(self) -> dict[str, Wire]:
        """What anyone may see, as inputs of the provider resource."""
        plain = {"url": self.url, "username": self.username, "server": self.server, "ca": self.ca}
        known = {key: value for key, value in plain.items() if value is not None}
        return {f"rest:{key}": value for key, value in {**known, "gone": self.gone, "ifGone": self.if_gone}.items()}

    def secret(self, password: str) -> str:
        """The password, and how SSH logs in, as one text."""
        return json.dumps({"password": password, "planes": [asdict(each) for each in self.planes]}, sort_keys=True)


SECRET = "rest:secret"  # noqa: S105 - the name of an input


def of_inputs(inputs: Mapping[str, Wire]) -> Access:
    """The access that a provider resource has in its inputs, with the secrets in clear."""
    secret = json.loads(inputs[SECRET])
    return Access(
        url=str(inputs["rest:url"]),
        username=str(inputs["rest:username"]),
        password=str(secret["password"]),
        server=inputs.get("rest:server"),
        ca=inputs.get("rest:ca"),
        planes=tuple(_target(each) for each in secret["planes"]),
        gone=bool(inputs.get("rest:gone")),
        if_gone=str(inputs.get("rest:ifGone") or Access.if_gone),
    )


def _target(fields: Mapping[str, Wire]) -> Target:
    bastion = fields.get("bastion")
    return replace(Target(**{**fields, "bastion": None}), bastion=_target(bastion) if bastion else None)
