"""A step's functions in real bash, with a folder as its host and stand-ins for programs.

Does not prove: how the programs themselves answer. Paths of the system that the step writes out are moved into the
folder; those that it puts together from pieces are not.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.hostrun.step import content

_HOSTRUN = Path(__file__).parents[2] / "components/hostrun"
_SYSTEM = re.compile(
    r"(?<![\w./$}%*])/(etc|var|srv|run|boot|proc/swaps|proc/sys|proc/self|proc/modules|usr/lib/modprobe.d|usr/lib/modules|usr/lib/sysctl.d|usr/local/lib/sysctl.d|usr/lib/systemd|usr/local/bin)(?![\w-])"
)
_RUN = """
set -euo pipefail; shopt -s inherit_errexit
. "$1/files.sh"; . "$1/lib.sh"; . "$2"
"$3" </dev/null
"""


@dataclass
class StepHost:
    """Everything under `root`; `bin` comes first in PATH."""

    root: Path
    os: str = "ubuntu"
    version: str = "24.04"
    like: str = "debian"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.file("/etc/os-release", f"ID={self.os}\nVERSION_ID={self.version}\nID_LIKE={self.like}\n")
        for source in [*_HOSTRUN.glob("*.sh"), *_HOSTRUN.glob("os/*")]:
            self.file(f"/library/{source.relative_to(_HOSTRUN)}", self._moved(source.read_text()))
        for folder in ("bin", "home", "run/gpu-metal"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.root / name.removeprefix("/")

    def file(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def program(self, name: str, text: str) -> None:
        """A stand-in, in bash."""
        self.file(f"/bin/{name}", f"#!/bin/bash\n{text}\n")
        self.path(f"/bin/{name}").chmod(0o755)

    def call(
        self,
        script: Path,
        function: str,
        inputs: Mapping[str, str] | None = None,
        *,
        previous: Mapping[str, str] | None = None,
        bulk: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        verb: str = "apply",
    ) -> tuple[int, str]:
        """Exit status, and what it said, with the paths as on a host. `verb` is the runner's."""
        given = {"gm_inputs": inputs, "gm_previous": previous, "gm_bulk": bulk, "gm_secrets": secrets}
        lines = [
            f"{name}=({' '.join(_word(f'{k}={v}') for k, v in (values or {}).items())})"
            for name, values in given.items()
        ]
        names = f"gm_layer=base gm_step={script.stem} gm_function={function} gm_verb={verb}"
        self.file("/step.sh", self._moved(content(script).decode()))
        argv = ["/bin/bash", "-c", "\n".join([*lines, names, _RUN]), "bash", *map(str, self._files()), function]
        home = {"GPU_METAL_HOME": str(self.root / "home"), "GPU_METAL_RUN": str(self.root / "run/gpu-metal")}
        env = {"PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **home}
        done = subprocess.run(
            argv, env={**env, **self.environment}, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, (done.stdout + done.stderr).replace(str(self.root), "").replace("\001", "").strip()

    def _files(self) -> tuple[Path, Path]:
        return self.root / "library", self.root / "step.sh"

    def _moved(self, text: str) -> str:
        return _SYSTEM.sub(rf"{self.root}/\1", text)


def _word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
