"""What a vendor delivers for a site without internet, as keys of a part (row R2)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from components.host.artefact import Artefact
from components.host.machine import OwnFolder
from components.local import VendorFile
from components.model import HostName


class Delivery(Artefact):
    """A vendor's archive of images and charts: unpacked on one host, its images pushed to the registry.

    Its layout does not matter: images are found as archives of `docker save` or OCI, charts by their Chart.yaml.
    """

    host: HostName
    """Name of the host that unpacks it and pushes its images."""
    local: VendorFile | None = None
    """Path on your own machine, in place of file and url: pulumi up sends it to the host; a cut transfer goes on."""
    folder: OwnFolder = "/var/lib/gpu-metal-deliveries"
    """Folder on the host for what is unpacked. It goes away with the entry; the registry keeps the images."""
    free_gb: Annotated[int, Field(ge=0)] = 20
    """GB that must be free in `folder` before it is unpacked, and in the folder of the site's own registry before the
    first push."""
    names: Literal["last", "path", "both"] = "both"
    """Under which names the registry gets the image nvcr.io/a/b/c:1. last: registry.images/c:1, which a chart with
    registry.images as its registry pulls. path: a/b/c:1, which an engine with `mirrors` for nvcr.io pulls."""

    @property
    def archive(self) -> str:
        """Where the archive is on the host while it is needed, unless `file` says so: sent or fetched."""
        return f"{self.folder}/.{self.sha256[:12]}.archive"

    def place(self, name: str) -> str:
        """Where it is unpacked."""
        return f"{self.folder}/{name}-{self.sha256[:12]}"

    @property
    def given(self) -> Sequence[str]:
        """The keys that say where it is."""
        said = {"file": self.file, "url": self.url, "local": self.local}
        return [key for key, value in said.items() if value]
