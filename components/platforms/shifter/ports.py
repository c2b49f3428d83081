"""What Shifter lets in through a host's firewall."""

from collections.abc import Mapping

from components.host.config import Host
from components.host.openings import Opening
from components.platforms.shifter import slurm
from components.platforms.shifter.config import Shifter


def openings(config: Shifter, host: Host, hosts: Mapping[str, Host]) -> list[Opening]:
    """The gateway's and Slurm's own, for the site's hosts; munge has no port."""
    gateway = [Opening("imagegw", str(config.gateway.port))] if host.name == config.gateway.host else []
    return [*gateway, *slurm.openings(config, host, hosts)]
