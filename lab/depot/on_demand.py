"""Images that only long tests use: pushed into the depot's registry when a test asks, not when the depot starts."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.depot import images, oci
from lab.depot.parts import Image
from lab.depot.process import Say
from lab.depot.service import DATA, REGISTRY_PORT
from lab.depot.signing import architecture
from lab.hosts.inventory import GATEWAY


def push(name: str, key: str, made: Callable[[], Mapping[str, Image]], say: Say = lambda _: None) -> None:
    """Makes the images of that name and pushes them, unless those with this key are there. The registry must run."""
    pushed = DATA / f".pushed-{name}"
    if pushed.exists() and pushed.read_text() == key:
        return
    with tempfile.TemporaryDirectory() as folder:
        for image, (files, entrypoint) in made().items():
            path, _, tag = image.rpartition(":")
            layout = Path(folder) / path.replace("/", "_")
            oci.layout(layout, tag, files, entrypoint, architecture())
            images.copy(f"oci:{layout}:{tag}", f"{GATEWAY}:{REGISTRY_PORT}/{image}")
            say(f"image {image}")
    pushed.write_text(key)
