"""Who made a credential, by the program unmunge."""

import re
import subprocess

SOCKET = "/var/run/munge/munge.socket.2"
_MEANING = {15: "Expired Credential", 17: "Replayed Credential"}


def unmunge(credential: str, socket: str = SOCKET) -> dict[str, str | int]:
    """User, uid and gid. Raises OSError when the credential is not in order."""
    argv = ["unmunge", "--socket", socket, "--metadata", "-", "--output", "/dev/null"]
    done = subprocess.run(argv, input=credential, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(_MEANING.get(done.returncode) or f"munge error {done.returncode}: {done.stderr.strip()}")
    user = re.search(r"^UID: +(\S+) \((\d+)\)", done.stdout, re.M)
    group = re.search(r"^GID: +\S+ \((\d+)\)", done.stdout, re.M)
    if not user or not group:
        raise OSError(f"unmunge says nothing of the user: {done.stdout!r}")
    return {"user": user[1], "uid": int(user[2]), "gid": int(group[1])}
