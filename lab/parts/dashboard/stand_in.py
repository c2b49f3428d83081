"""An image in place of Headlamp's, which cannot be had here: it answers on Headlamp's port, and says what it is."""

import hashlib
from pathlib import Path

from lab.depot import on_demand, rootfs
from lab.depot.parts import Image
from lab.depot.process import Say

SCRIPT = Path(__file__).with_name("headlamp.sh")
NAME = "headlamp-k8s/headlamp:v0.45.0"
"""As the chart asks for it."""


def publish(say: Say = lambda _: None) -> None:
    """Puts it into the depot's registry, which must run."""
    on_demand.push("headlamp", hashlib.sha256(SCRIPT.read_bytes()).hexdigest(), _images, say)


def _images() -> dict[str, Image]:
    return {NAME: ({**rootfs.busybox(), "headlamp.sh": SCRIPT}, ["/bin/sh", "/headlamp.sh"])}
