"""The stack that `pulumi stack select` (or `init`) has selected in a folder, read where Pulumi keeps it.

Read and not asked: `pulumi stack --show-name` logs in to the backend, and most verbs need no login.
"""

import hashlib
import json
import os
import pwd
from pathlib import Path


def selected(folder: Path) -> str | None:
    """The stack's name without its organization and project; None if none is selected.

    Source: projectWorkspace.settingsPath in Pulumi's pkg/workspace/workspace.go: a file for each path of a Pulumi.yaml.
    """
    digest = hashlib.sha1(str(_seen(folder) / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    for file in (_home() / "workspaces").glob(f"*-{digest}-workspace.json"):
        return plain(json.loads(file.read_text()).get("stack") or "") or None
    return None


def plain(name: str) -> str:
    """`organization/project/stack` → `stack`, which the site's file is named after."""
    return name.rpartition("/")[2]


def _home() -> Path:
    # Pulumi takes the home of the user database, whatever HOME says.
    return Path(os.environ.get("PULUMI_HOME") or Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pulumi")


def _seen(folder: Path) -> Path:
    """The folder as Pulumi, called there, names it: as the shell does, else without links (Go's os.Getwd)."""
    shells = Path(os.environ.get("PWD", ""))
    return shells if shells.is_absolute() and shells.is_dir() and shells.samefile(folder) else folder.resolve()
