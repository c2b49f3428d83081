"""What `sitectl preflight` asks of the site itself, beside what components/host/preflight.py asks of its hosts."""

from collections.abc import Iterable
from pathlib import Path

from components.hostrun.report import Check
from stacks.model import Site
from stacks.secret_names import secret_names, unset

SECRETS = "secrets"
"""The check's id."""


def secrets(site: Site, folder: Path, hosts: Iterable[str]) -> list[Check]:
    """Does the stack have a value for each secret that the site names? None where it names none."""
    if not secret_names(site):
        return []
    missing = unset(site, folder)
    saw = [
        f"{name} has no value in the stack, and {' and '.join(keys)} want{'s' * (len(keys) == 1)} it."
        for name, keys in missing.items()
    ]
    fixes = [f"pulumi config set --secret {name} < FILE" for name in missing]
    if not missing:
        return [Check(SECRETS, host, "ok") for host in hosts]
    return [Check(SECRETS, host, "failed", one, fix=fix) for host in hosts for one, fix in zip(saw, fixes, strict=True)]
