"""A file that a vendor delivers and a host must have: archives, installers, sources."""

from components.host.machine import AbsolutePath
from components.model import Model, Sha256


class Artefact(Model):
    """One of file and url; compared before anything in it is used."""

    file: AbsolutePath | None = None
    """On the host itself, put there by you."""
    url: str | None = None
    """Where the host fetches it: http, https or file."""
    sha256: Sha256
    """As sha256sum shows it."""

    def inputs(self) -> dict[str, str]:
        """As the inputs that bring_artefact reads in a step: file or url, and sha256."""
        place = {"url": self.url} if self.url else {"file": self.file or ""}
        return {**place, "sha256": self.sha256}
