"""The example's page in the lab: served by the depot, where a host fetches it."""

import hashlib
from pathlib import Path

from lab.depot.folders import remade
from lab.depot.parts import Supply
from lab.hosts.inventory import GATEWAY, WEB_PORT

PAGE = Path(__file__).with_name("page.html")
SHA256 = hashlib.sha256(PAGE.read_bytes()).hexdigest()
URL = f"http://{GATEWAY}:{WEB_PORT}/example/{PAGE.name}"


def publish(site: Path) -> bool:
    """Makes site/example the folder of the page; False when it is that already."""
    return remade(site / "example", SHA256, _fill)


def _fill(folder: Path) -> None:
    (folder / PAGE.name).write_bytes(PAGE.read_bytes())


SUPPLY = Supply(publish, "the example's page published")
