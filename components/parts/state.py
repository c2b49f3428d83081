"""What a part has in the cluster that etcd has not, and that backups of the cluster save. Pure."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from components.hostrun.step import content


@dataclass(frozen=True, slots=True)
class State:
    """What a part has in the cluster that etcd has not, such as a database on a volume: a program that saves it and
    puts it back. It runs on a control plane, as root, in every backup of the cluster (row K11)."""

    script: Path
    """Bash: `save FOLDER` writes into that empty folder, root's alone, and fails unless what it wrote is whole;
    `restore FOLDER` puts it in place of what there is. It may say `# uses: ROOM`, as steps do."""
    words: tuple[str, ...] = ()
    """Its arguments before those two."""

    @property
    def program(self) -> str:
        """All of it, as one file."""
        return f'#!/bin/bash\nset -- {" ".join(map(quote, self.words))} "$@"\n{content(self.script).decode()}'
