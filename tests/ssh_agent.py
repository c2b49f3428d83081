"""An ssh-agent of a test's own."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ssh_agent(socket: str, key: str) -> Iterator[str]:
    """Runs one that holds the private key; it yields its socket.

    The socket's file is there a moment before it listens, so the key is added again until the agent takes it.
    """
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    env = {**os.environ, "SSH_AUTH_SOCK": socket}
    try:
        ends = time.monotonic() + 60
        while (added := _add(key, env)).returncode:
            assert time.monotonic() < ends, added.stderr
            time.sleep(0.02)
        yield socket
    finally:
        agent.terminate()
        agent.wait()


def _add(key: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = ["ssh-add", "-q", "-"]
    return subprocess.run(words, input=key, env=env, capture_output=True, text=True, check=False)
