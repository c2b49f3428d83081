"""Types of URLs, and what no URL may hold: the plan, the state and files that all users of a host can read show it."""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from components.rule import Reached, Rule
from components.shown import quoted

_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\s]*)@")
_SECRET_QUERY = re.compile(r"[?&][\w.-]*(token|passw|secret|signature|api[-_]?key)[\w.-]*=[^&#\s]+", re.IGNORECASE)


def secret_in(text: str) -> str | None:
    """What of a password or token a text with a URL in it shows, and the text without that; None if it shows none."""
    if "://" not in text:
        return None
    for scheme, user in _USER.findall(text):
        if ":" in user or scheme.lower() in ("http", "https", "ftp", "oci"):
            return f"has a user or password in it ({quoted(_hidden(text))})"
    return f"has a token in it ({quoted(_hidden(text))})" if _SECRET_QUERY.search(text) else None


def _hidden(text: str) -> str:
    """The text with nothing in it that could be a secret."""
    return re.sub(r"([?&][^=&#\s]+)=[^&#\s]+", r"\1=***", _USER.sub(r"\1://***@", text))


def _wrong(*schemes: str) -> Callable[[str], str | None]:
    def wrong(text: str) -> str | None:
        try:
            parts = urlsplit(text)
            port, host = parts.port, parts.hostname
        except ValueError:
            port, host = 0, None
            parts = urlsplit("")
        placed = not parts.netloc and parts.path.startswith("/") if parts.scheme == "file" else host and port != 0
        if parts.scheme in schemes and placed and re.fullmatch(r"[!-~]+", text):
            return None
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        fix = "Write one, for example https://mirror.example.org/a."
        return f"{quoted(_hidden(text))} is not a URL that begins with {known} and names a host. {fix}"

    return wrong


WebUrl = Annotated[str, Rule(_wrong("https", "http")), Reached()]
"""http or https."""
FileUrl = Annotated[str, Rule(_wrong("https", "http", "file")), Reached()]
"""http, https, or file for a file on the host: file:///srv/a."""
GitUrl = Annotated[str, Rule(_wrong("https", "http", "ssh", "git", "file")), Reached()]
"""A git repository."""
ChartUrl = Annotated[str, Rule(_wrong("https", "http", "oci")), Reached()]
"""A repository of Helm charts."""
