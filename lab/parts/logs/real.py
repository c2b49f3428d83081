"""VictoriaLogs and its agent in the lab: the real programs, in images of the names and tag that the charts ask for.

The charts are the lab's stand-ins. Only a long test runs the programs, so the depot has no images of them otherwise.
"""

from lab.depot import on_demand
from lab.depot.parts import Image
from lab.depot.process import Say
from lab.hosts.inventory import LabError
from lab.tools.catalogue import VICTORIA_LOGS
from tools.cache import TOOLS

TAG = "v1.52.0"
"""The charts' appVersion. The programs are v1.52.1: no Go module has 1.52.0."""


def publish(say: Say = lambda _: None) -> None:
    """Puts the images into the depot's registry, which must run. Raises LabError when the programs are not built."""
    if not (TOOLS / VICTORIA_LOGS.key).exists():
        raise LabError("depot [tools] missing: VictoriaLogs. Fix: python3 -m lab.tools.get logs")
    on_demand.push("logs", VICTORIA_LOGS.key, _images, say)


def _images() -> dict[str, Image]:
    folder = TOOLS / VICTORIA_LOGS.key
    return {f"victoriametrics/{name}:{TAG}": ({name: folder / name}, [f"/{name}"]) for name in VICTORIA_LOGS.binaries}
