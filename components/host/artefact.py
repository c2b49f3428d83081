"""A file that a vendor delivers and a host must have: archives, installers, sources."""

from components.host.machine import AbsolutePath
from components.model import Model, Sha256
from components.url import FileUrl


class Artefact(Model):
    """A vendor's file, by one of file and url; its checksum is compared before it is used."""

    file: AbsolutePath | None = None
    """Path on the host, where you have put the file."""
    url: FileUrl | None = None
    """Where the host fetches it: http, https or file."""
    sha256: Sha256
    """Its SHA-256, as sha256sum prints it."""

    def inputs(self) -> dict[str, str]:
        """As the inputs that bring_artefact reads in a step: file or url, and sha256."""
        place = {"url": self.url} if self.url else {"file": self.file or ""}
        return {**place, "sha256": self.sha256}
