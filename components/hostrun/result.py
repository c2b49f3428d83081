"""What a host answers to our SSH client."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """How a command ended; a signal N is status 128 + N, as in a shell."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class HostKey:
    """A host's key as `type base64`, and as `type SHA256:…` to compare at its console."""

    line: str
    fingerprint: str

    @property
    def file(self) -> str:
        """Where sshd keeps its public half, if it was not moved."""
        kind = self.line.partition(" ")[0].removeprefix("ssh-").partition("-")[0]
        return f"/etc/ssh/ssh_host_{kind}_key.pub"
