"""What GPUs need of the room below: NVIDIA's package sources, and a kernel that is ready for the driver."""

from components.gpu import steps
from components.gpu.repositories import repositories
from components.host.config import Host
from components.host.needed import Needed


def needed(host: Host) -> Needed:
    """The needs of this host's GPUs; empty for a host without GPUs."""
    return Needed(repositories=repositories(host), before_reboot=steps.before_reboot(host))
