"""A vendor's archive on a host, as data: config in, steps out. Nothing here touches a host.

Rows: R2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.delivery.config import Delivery
from components.host.packages import packages
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"


@dataclass(frozen=True, slots=True)
class Target:
    """Where images go."""

    images: str
    """REGISTRY/PATH."""
    user: str | None = None
    """Who pushes; None if nobody has to log in."""
    password_secret: str | None = None
    """The name of the secret with the password."""


def ready(delivery: Delivery, name: str) -> Step:
    """For preflight of its host: the archive is there if it is to be, and there is room."""
    inputs = {**_inputs(delivery, name), "free_gb": str(delivery.free_gb)}
    if delivery.file:
        inputs["file"] = delivery.file
    return Step(_SCRIPTS / "delivery_ready.sh", inputs, label=name)


def steps(delivery: Delivery, name: str, charts: Sequence[str], to: Target) -> list[Step]:
    """Unpacks it, and pushes its images. `name` is the part's; `charts` must be in it, each NAME=VERSION."""
    own = _inputs(delivery, name)
    where = {"url": delivery.url} if delivery.url else {"file": delivery.file} if delivery.file else {}
    unpack = {**own, "free_gb": str(delivery.free_gb), **where, "archive": delivery.archive, "charts": " ".join(charts)}
    push = {**own, "images": to.images, "names": delivery.names}
    if to.user:
        push["user"] = to.user
    return [
        packages(["skopeo", "jq"], label="delivery"),
        Step(_SCRIPTS / "delivery_unpacked.sh", unpack),
        Step(
            _SCRIPTS / "delivery_images.sh",
            push,
            secrets={"password": to.password_secret} if to.password_secret else {},
        ),
    ]


def _inputs(delivery: Delivery, name: str) -> dict[str, str]:
    return {"name": name, "folder": delivery.folder, "sha256": delivery.sha256}
