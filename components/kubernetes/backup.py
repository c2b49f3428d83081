"""Backups of the cluster: what a site says of them, and the step that makes them. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#backing-up-an-etcd-cluster
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from components.host.artefact import Artefact
from components.host.artefact_steps import there
from components.host.machine import AbsolutePath
from components.host.packages import packages
from components.hostrun.step import Step
from components.model import Model
from components.rule import Rule
from components.shown import quoted

_HERE = Path(__file__).parent
_PROGRAMS = ("common", "backup", "restore")
_RECIPIENT = re.compile("age1[02-9ac-hj-np-z]{58}")
"""https://github.com/C2SP/C2SP/blob/main/age.md: Bech32 of 32 bytes"""


def not_a_recipient(text: str) -> str | None:
    """Why a text is not a public key of age; None if it is one. A private key is not shown again."""
    if _RECIPIENT.fullmatch(text):
        return None
    if text.upper().startswith("AGE-SECRET-KEY"):
        return "is a private key: whoever reads this file can open every backup. Make another pair; write its age1…."
    return f"{quoted(text)} is not a public key of age, age1… with 62 characters. Write the one that age-keygen shows."


class Backup(Model):
    """Backups by a timer on each control plane, encrypted: etcd's snapshot, certificates and keys, and platforms'
    databases in the cluster."""

    folder: AbsolutePath
    """Where they go: a folder on each control plane that is on another machine, for example mounted by NFS."""
    recipients: Annotated[tuple[Annotated[str, Rule(not_a_recipient)], ...], Field(min_length=1)]
    """Public keys of age, of those who can open a backup. The private halves belong on none of the hosts."""
    tools: Artefact
    """etcd's own release archive, etcd-vVERSION-linux-ARCHITECTURE.tar.gz, of the version that the cluster runs."""
    every_hours: Annotated[int, Field(ge=1, le=168)] = 6
    """Hours from one backup to the next. verify fails when the last one is older than twice that and an hour."""
    keep: Annotated[int, Field(ge=1)] = 28
    """Backups of each control plane that stay; older ones are deleted once a newer one is whole."""


def preflight(backup: Backup) -> list[Step]:
    """On a control plane, before anything is changed. The share may be one that the site itself makes later."""
    return there(backup.tools, "etcd's release archive", label="etcd")


def steps(backup: Backup, states: Mapping[str, str] = MappingProxyType({})) -> list[Step]:
    """On a control plane, once it is a member. `states`: programs that save what parts have besides, by name."""
    inputs = {
        "folder": backup.folder,
        "keep": str(backup.keep),
        "hours": str(backup.every_hours),
        "recipients": " ".join(backup.recipients),
        **backup.tools.inputs(),
        **({"states": " ".join(sorted(states))} if states else {}),
    }
    programs = {name: (_HERE / f"programs/{name}.sh").read_text() for name in _PROGRAMS}
    programs |= {f"state.{name}": text for name, text in states.items()}
    return [packages(["age"], label="backup"), Step(_HERE / "steps/etcd_backup.sh", inputs, programs)]
