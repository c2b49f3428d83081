"""Rules about any text of a site file, whatever its key: of rooms, of parts, and in maps that are free.

They look at the file's own data, before hosts inherit from groups: each text once.
"""

from collections.abc import Iterator
from typing import Any

from components.problem import Key, Problem
from components.shown import is_private, saying
from components.url import secret_in

_SHOWN = "a URL is shown in the plan and in files that all users of a host can read"
_FIXES = {
    "proxy": "Let the proxy know hosts by their address, or run one without a password in front of it.",
    "mirrors": "Take it out and name the password in engine.logins: {HOST: {user: USER, passwordSecret: NAME}}.",
    "url": "Take it out: let the server know hosts by their address, or copy what is there to one without a password.",
}


def passwords(data: Any, key: Key = ()) -> Iterator[Problem]:  # noqa: ANN401 - any YAML
    """No text has a URL with a password or a token, or is a private key."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from passwords(value, (*key, name))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from passwords(value, (*key, index))
    elif isinstance(data, str) and (found := secret_in(data)):
        fix = next((fix for name, fix in _FIXES.items() if name in key), _FIXES["url"])
        yield Problem(key, f"{found}, and {_SHOWN}. {fix}")
    elif isinstance(data, str) and is_private(data) and "keys" not in key:  # checks_machine.py looks at accounts' keys
        yield Problem(key, saying(data, ""))
