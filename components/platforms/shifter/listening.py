"""Which services of Shifter listen on a host, the keys of their ports, and who may connect. Pure."""

from collections.abc import Iterator

from components.host.config import Host
from components.host.listening import Listening
from components.parts.part import Hosts
from components.platforms.shifter import gateway, slurm
from components.platforms.shifter.config import Shifter


def listening(config: Shifter, host: Host, hosts: Hosts) -> tuple[Listening, ...]:
    """The services of the gateway and of Slurm, for the site's hosts; munge has no port."""
    own = _gateway(config) if host.name == config.gateway.host else ()
    return (*own, *slurm.listening(config, host, hosts))


def _gateway(config: Shifter) -> Iterator[Listening]:
    yield Listening("imagegw", "the image gateway", str(config.gateway.port), key=("gateway", "port"))
    if not config.gateway.mongodb.uri_secret:
        port = str(gateway.DATABASE_PORT)
        key = ("gateway", "mongodb")
        yield Listening("mongodb", "the image gateway's MongoDB", port, sources=None, key=key, fixed=True)
    if gateway.has_workers(config):
        port, key = str(gateway.BROKER_PORT), ("source", "version")
        yield Listening("redis", "the image gateway's Redis", port, sources=None, key=key, fixed=True)
