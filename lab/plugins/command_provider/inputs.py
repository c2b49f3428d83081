"""Check: which inputs are needed, their types, the defaults, and that `connection` is secret."""

from collections.abc import Callable
from types import UnionType

from lab.plugins.values import UNKNOWN, Asset, Properties, Secret, Tree, plain

Failures = list[tuple[str, str]]
"""(property, reason)"""

_DEFAULTS = {"port": 22, "user": "root", "dialErrorLimit": 10, "perDialTimeout": 15}
_TEXT = ("user", "password", "host", "privateKey", "privateKeyPassword", "agentSocketPath", "hostKey")
_LOGGING = ("none", "stdout", "stderr", "stdoutAndStderr")


def command(news: Properties) -> tuple[Properties, Failures]:
    """The checked inputs of a remote.Command, and what is wrong with them."""
    inputs = {"addPreviousOutputInEnv": True, "logging": "stdoutAndStderr", **_given(news)}
    failures = _connection(inputs)
    failures += _typed(inputs, ("create", "update", "delete", "stdin"), str, "a string")
    failures += _typed(inputs, ("environment",), dict, "a map of strings")
    failures += _typed(inputs, ("triggers",), list, "a list")
    failures += _typed(inputs, ("addPreviousOutputInEnv",), bool, "a boolean")
    if (logging := plain(inputs["logging"])) is not UNKNOWN and logging not in _LOGGING:
        failures.append(("logging", f"must be one of {', '.join(_LOGGING)}"))
    return inputs, failures


def copy(news: Properties) -> tuple[Properties, Failures]:
    """The checked inputs of a remote.CopyToRemote: an unknown source fails, as it does in 1.2.1."""
    inputs = _given(news)
    failures = _connection(inputs) + _typed(inputs, ("triggers",), list, "a list")
    if inputs.get("remotePath") is None:
        failures.append(("remotePath", "missing required property 'remotePath'"))
    failures += _typed(inputs, ("remotePath",), str, "a string")
    source = plain(inputs.get("source"))
    if not isinstance(source, Asset):
        failures.append(("asset", "either asset or archive must be set"))
    elif source.archive and "path" not in source.fields:
        failures.append(("archive", "archive must be a path to a file or directory"))
    elif not source.archive and not {"path", "text"} & set(source.fields):
        failures.append(("asset", "asset must be a path-based file asset or a text asset"))
    return inputs, failures


def _given(news: Properties) -> Properties:
    return {key: value for key, value in news.items() if value is not None and key != "__defaults"}


def _connection(inputs: Properties) -> Failures:
    """Fill in the connection's defaults and the proxy's, and make the whole a secret."""
    if "connection" not in inputs:
        return [("connection", "missing required property 'connection'")]
    connection = plain(inputs["connection"])
    inputs["connection"] = Secret(connection)
    if connection is UNKNOWN:
        return []
    if not isinstance(connection, dict):
        return [("connection", "must be an object")]
    filled = {**_DEFAULTS, **_given(connection)}
    failures = _endpoint("connection", filled)
    if isinstance(proxy := filled.get("proxy"), dict):
        filled["proxy"] = {**_DEFAULTS, **_given(proxy)}
        failures += _endpoint("connection.proxy", filled["proxy"])
    inputs["connection"] = Secret(filled)
    return failures


def _endpoint(path: str, endpoint: Properties) -> Failures:
    failures = [] if "host" in endpoint else [(f"{path}.host", "missing required property 'host'")]
    failures += _typed(endpoint, _TEXT, str, "a string", path)
    return failures + _typed(endpoint, ("port", "dialErrorLimit", "perDialTimeout"), int | float, "a number", path)


def _typed(fields: Properties, names: tuple[str, ...], kind: type | UnionType, word: str, path: str = "") -> Failures:
    def wrong(value: Tree) -> bool:
        return value is not UNKNOWN and not isinstance(value, kind)

    named: Callable[[str], str] = f"{path}.{{}}".format if path else str
    return [(named(name), f"must be {word}") for name in names if name in fields and wrong(plain(fields[name]))]
