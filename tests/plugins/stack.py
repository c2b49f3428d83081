"""A Pulumi project in a folder, driven by the real CLI with the stand-in plugin."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.plugins.tools import CHECKOUT, pulumi_folder


@dataclass(frozen=True)
class Stack:
    """`run` is the CLI; `program` writes __main__.py."""

    project: Path
    environment: dict[str, str]

    @classmethod
    def create(cls, folder: Path) -> "Stack":
        """A fresh PULUMI_HOME with the plugin, a file backend, a stack `dev`."""
        binaries = pulumi_folder(folder / "bin")
        (folder / "state").mkdir()
        (folder / "project").mkdir()
        venv = Path(sys.executable).parent
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if key not in ("PYTHONDONTWRITEBYTECODE", "SSH_AUTH_SOCK")
            },
            "PATH": f"{venv}:{binaries}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(venv.parent),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "passphrase of a test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        subprocess.run([CHECKOUT / "lab/plugins/install.sh"], env=environment, check=True, capture_output=True)
        (folder / "project" / "Pulumi.yaml").write_text("name: test\nruntime: python\n")
        stack = cls(folder / "project", environment)
        stack.run("stack", "init", "dev")
        return stack

    def run(self, *words: str, status: int = 0) -> str:
        """stdout and stderr of `pulumi WORDS`, which must end with `status`."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color=never", *words],
            cwd=self.project, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def program(self, text: str) -> None:
        (self.project / "__main__.py").write_text(text)

    def resources(self) -> dict[str, Any]:
        """Resources in the state, by name, secrets as stored."""
        deployment = json.loads(self.stored())["checkpoint"]["latest"]
        return {resource["urn"].rsplit("::", 1)[-1]: resource for resource in deployment.get("resources", [])}

    def outputs(self) -> dict[str, Any]:
        """The stack's own outputs."""
        found: dict[str, Any] = self.resources()["test-dev"]["outputs"]
        return found

    def stored(self) -> str:
        """The state file as it is."""
        return (self.project.parent / "state/.pulumi/stacks/test/dev.json").read_text()
