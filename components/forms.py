"""Forms of single texts: their patterns, and the message about a text that does not match.

`form` is for models, and puts its pattern into the JSON schema for editors. The patterns below it are for checks.
"""

import re
from urllib.parse import urlsplit

from pydantic import Field
from pydantic.fields import FieldInfo

FORMS: dict[str, str] = {}
"""The message about a text that does not match, by pattern."""


def form(pattern: str, text: str) -> FieldInfo:
    """A field of this pattern; `text` is the message about any other value. `\\w` would match all scripts."""
    if FORMS.setdefault(pattern, text) != text:
        raise ValueError(f"{pattern} has two messages: write one of the two patterns in another way.")
    return Field(pattern=pattern)  # type: ignore[no-any-return]


_PART = r"[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
LABEL_KEY = re.compile(rf"({_SUBDOMAIN}/)?{_PART}", re.ASCII)
LABEL_VALUE = re.compile(rf"({_PART})?", re.ASCII)
TAINT = re.compile(rf"({_SUBDOMAIN}/)?{_PART}=({_PART})?:(NoSchedule|PreferNoSchedule|NoExecute)", re.ASCII)
ENDPOINT = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?|\[[0-9a-f:]+\]):([1-9][0-9]{0,4})")

SYSCTL = re.compile(r"[a-z0-9_]+([./][\w@-]+)+", re.ASCII)
MODULE = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
SYSTEM = re.compile(r"[a-z]+-[0-9]+(\.[0-9]+)?")
WORD = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
IDENTIFIER = re.compile(r"[A-Za-z]\w*", re.ASCII)
LOCALE = re.compile(r"(C|POSIX|C\.UTF-8|[a-z]{2,3}_[A-Z]{2}(\.[A-Z][A-Za-z0-9-]*)?(@[a-z]+)?)")
TIMEZONE = re.compile(r"[A-Z][\w+-]*(/[A-Z][\w+-]*){0,2}", re.ASCII)
PUBLIC_KEY = re.compile(
    r"(\S.* )?(ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+|sk-[\w.@-]+) AAAA[A-Za-z0-9+/]+={0,3}( .*)?", re.ASCII
)
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*(=[^\s=]+)?")
FINGERPRINT = re.compile(r"[0-9A-F]{40}")
PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")

REGISTRY = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?", re.ASCII)
"""HOST or HOST:PORT of a registry."""
IMAGE = re.compile(r"[a-z0-9]+([._/-]+[a-z0-9]+)*:[\w][\w.-]{0,127}", re.ASCII)
TAGGED = re.compile(r"(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$", re.ASCII)

_HOURS = r"([01][0-9]|2[0-3]):[0-5][0-9]"
WINDOW = re.compile(rf"(daily|Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_HOURS}-{_HOURS}")
"""When disruptive work is allowed."""
WINDOW_FORM = 'is not DAY HH:MM-HH:MM, for example "Sun 02:00-05:00" or "daily 23:00-04:00".'


def is_url(text: str, *, file: bool = False) -> bool:
    """Whether a text is an http or https URL with a host and a valid port, or, if `file`, a file URL."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    known = ("http", "https", "file") if file else ("http", "https")
    placed = parts.hostname is not None and port != 0 if parts.scheme != "file" else not parts.netloc
    return parts.scheme in known and placed and not re.search(r"\s", text)


def ports(text: str) -> range | None:
    """The ports of `PORT` or `FIRST-LAST`; None for any other text and for invalid ports."""
    found = PORTS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    return range(first, last + 1) if 0 < first <= last <= 65535 else None
