"""A control plane as `sitectl` asks it: kubectl beside a real API server takes the place of SSH and a host.

Does not have: nodes, pods that run, kubeadm's own objects.
"""

import asyncio
import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.hostrun.ssh import Result
from components.hostrun.target import Target
from tests.plugins.api_server import ApiServer, api_server
from tests.plugins.tools import tool

ADMIN_CONF = "/etc/kubernetes/admin.conf"
LIMIT = 60.0
"""Seconds for one kubectl."""


class ControlPlane:
    """One that runs."""

    def __init__(self, server: ApiServer) -> None:
        self.admin_conf = server.kubeconfig
        self.folder = server.kubeconfig.parent
        self.asked: list[tuple[str, bytes]] = []
        """Each command line that would have come over SSH, with its stdin."""

    def kubectl(self, *words: str, stdin: str = "", config: Path | None = None) -> str:
        """What kubectl prints, by the administrator's or another kubeconfig; what it says on stderr if it fails."""
        command = [tool("kubectl"), "--kubeconfig", str(config or self.admin_conf), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=LIMIT, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *objects: dict[str, Any]) -> None:
        """Makes objects, or changes them."""
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        said = self.kubectl("apply", "-f", "-", stdin=stdin)
        assert "rror" not in said, said

    async def ask(self, target: Target, command: str, *, stdin: bytes = b"", **_: object) -> Result:
        """As ssh.run on a control plane, for commands of kubectl, and for scripts with such."""
        self.asked.append((command, stdin))
        words = [str(self.admin_conf) if word == ADMIN_CONF else word for word in shlex.split(command)]
        assert words[0] in ("kubectl", "bash"), target
        if words[0] == "bash":
            stdin = stdin.replace(ADMIN_CONF.encode(), bytes(self.admin_conf))
            stdin = stdin.replace(b"/run/gpu-metal", bytes(self.folder))
        environment = {**os.environ, "PATH": f"{Path(tool('kubectl')).parent}:/usr/bin:/bin"}
        process = await asyncio.create_subprocess_exec(*words, stdin=-1, stdout=-1, stderr=-1, env=environment)
        out, said = await process.communicate(stdin)
        return Result(process.returncode or 0, out.decode(), said.decode())


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Starts one, and ends it after."""
    with api_server(folder) as server:
        yield ControlPlane(server)
