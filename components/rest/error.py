"""What went wrong with a call, as one line that names the call, the answer and what to do, without any secret."""

import re
from collections.abc import Iterable
from http import HTTPStatus

_LENGTH = 300
"""Characters of a server's own words."""
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?i:bearer|basic) [\w.~+/=-]{8,}")


class RestError(Exception):
    """A call that was refused, or that got no answer."""

    # Pulumi prints the name in front of the message: without its module, it is a word.
    __module__ = "builtins"

    def __init__(self, call: str, saw: str, fix: str, status: int = 0) -> None:
        super().__init__(call, saw, fix)
        self.call, self.saw, self.fix = call, saw, fix
        self.status = status
        """The answer's; 0 without an answer."""

    def __str__(self) -> str:
        return f"{self.call}: {self.saw.rstrip('.')}. Fix: {self.fix.rstrip('.')}."


class DarkError(RestError):
    """There was no connection: nothing was asked of the API."""

    __module__ = "builtins"


class UnsureError(RestError):
    """The call was sent, and whether it was carried out is not known."""

    __module__ = "builtins"


def no_connection(call: str, where: str, reason: str) -> DarkError:
    """Nothing listens there, no route, no such name, or no SSH to a host on the way."""
    fix = "look whether the platform's pods and the load balancer are up (sitectl verify), then pulumi up"
    return DarkError(call, f"{where} cannot be reached: {reason}", fix)


def bad_certificate(call: str, host: str, reason: str) -> DarkError:
    """The server's certificate is not one that we trust for this name. Nothing was sent."""
    fix = f"give it a certificate for {host}, or name the CA that signed the one it has"
    return DarkError(call, f"the certificate is not trusted for {host}: {reason}. Nothing was sent", fix)


def no_answer(call: str, saw: str, *, safe: bool) -> RestError:
    """The connection ended, or the time was over, after the call was sent; `safe`: it may be repeated as it is."""
    fix = "look at the platform's pods (sitectl verify); then pulumi up goes on"
    return (RestError if safe else UnsureError)(call, saw, fix)


def refused(call: str, status: int, code: str, message: str, *, safe: bool) -> RestError:
    """An answer that is an error. `code` and `message` are the server's."""
    try:
        name = HTTPStatus(status).phrase
    except ValueError:
        name = "unknown status"
    known = f" [{code}]" if code and code != str(status) else ""
    said = f": {message}" if message else ""
    kind = RestError if safe or status < 500 else UnsureError
    return kind(call, f"{status} {name}{known}{said}", _fix(status), status)


_VALUE = "correct the value in the site that the answer names"
_FIXES = {
    400: _VALUE,
    401: "correct the user name or the password that the site has for this API",
    403: "give the site's user of this API the administrator's role, or name one that has it",
    404: "somebody removed it there: sitectl drift --record, then pulumi up",
    409: "look what has this name there, and remove it or rename it in the site",
    422: _VALUE,
    429: "wait until it takes calls again, then pulumi up",
}


def _fix(status: int) -> str:
    if status >= 500:
        return "look at the logs of the platform's pods; then pulumi up goes on"
    other = "read the answer; if it is no fault of the site, the API is of another version than the site's"
    return _FIXES.get(status, other)


def clean(text: str, secrets: Iterable[str]) -> str:
    """A server's words on one line, cut, without the secrets and without anything that looks like a token."""
    for secret in sorted((each for each in secrets if len(each) > 3), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    text = " ".join(_TOKEN.sub("[secret]", text).split())
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}…"
