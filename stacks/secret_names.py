"""Which secrets a site names, and where. Their values: stacks/secrets.py."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from components.model import SecretName
from stacks.model import Site
from stacks.source import secrets_of

_RANDOM = "kubernetes.encryption.keys."
"""Nobody knows its value beforehand: it is made."""
SECRETS = "secrets"
"""Id of the check of `unset`."""


def secret_names(site: Site) -> dict[str, list[str]]:
    """Names of the secrets that a site uses, each with the keys that use it; inherited ones are listed once."""
    found: dict[str, list[str]] = {}
    for key, name in _secrets(site, ""):
        found.setdefault(name, []).append(key)
    for level, members in (("groups", site.groups), ("hosts", {host.name: host for host in site.active})):
        inherited = set(found)
        for member, settings in members.items():
            for key, name in _secrets(settings, f"{level}.{member}."):
                if name not in inherited:
                    found.setdefault(name, []).append(key)
    return found


def unset(site: Site, folder: Path) -> dict[str, list[str]]:
    """As `secret_names`: those for which the stack's file in `folder` has no value. Raises SiteError."""
    known = secrets_of(folder / f"Pulumi.{site.name}.yaml")
    return {} if known is None else {name: keys for name, keys in secret_names(site).items() if name not in known}


def fix(name: str, keys: Iterable[str]) -> str:
    """The command that gives it a value."""
    made = "head -c 32 /dev/urandom | base64 | " if any(key.startswith(_RANDOM) for key in keys) else ""
    return f"{made}pulumi config set --secret {name}{'' if made else ' < FILE'}"


def missing(site: Site, folder: Path) -> str:
    """All that `unset` finds, a line each; empty where it finds none, or cannot tell. Raises SiteError."""
    return "\n".join(
        f"gpu-metal:{name}: the stack has no value for this secret, and {' and '.join(keys)} "
        f"want{'s' * (len(keys) == 1)} it. Fix: {fix(name, keys)}"
        for name, keys in unset(site, folder).items()
    )


def _secrets(model: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in type(model).model_fields.items():
        value = None if name in {"groups", "hosts"} else getattr(model, name)  # secret_names goes through those
        if name.endswith("_secret") and value is not None:
            yield f"{prefix}{field.alias}", value
        if isinstance(value, dict) and SecretName in get_args(field.annotation):
            yield from ((f"{prefix}{field.alias}.{key}", secret) for key, secret in value.items())
        for inner, part in _models(value):
            yield from _secrets(part, ".".join([f"{prefix}{field.alias}", *inner]) + ".")


def _models(value: object) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    if isinstance(value, BaseModel):
        yield (), value
    elif isinstance(value, dict | tuple):
        each = value.items() if isinstance(value, dict) else enumerate(value)
        yield from (((str(key),), part) for key, part in each if isinstance(part, BaseModel))
