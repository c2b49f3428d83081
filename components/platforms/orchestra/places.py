"""Where Orchestra's database is, who reaches it, and which rows its node table has. Pure."""

from dataclasses import replace
from ipaddress import ip_network

from components.host.addresses import Address
from components.host.config import Host
from components.host.listening import Listening
from components.host.openings import Network, collapsed
from components.parts.part import Hosts
from components.platforms.orchestra.config import Node, Orchestra


def database_host(config: Orchestra) -> str:
    """The host that runs PostgreSQL."""
    return config.database.host or config.host


def address(config: Orchestra, hosts: Hosts) -> str:
    """Where Orchestra finds its database."""
    if database_host(config) == config.host:
        return "127.0.0.1"
    own = listen(config, hosts)
    return str(own[0]) if own else ""


def listen(config: Orchestra, hosts: Hosts) -> tuple[Address, ...]:
    """The addresses besides 127.0.0.1 that the database listens on."""
    name = database_host(config)
    if config.database.listen or name == config.host or name not in hosts:
        return config.database.listen
    return (hosts[name].address,)


def clients(config: Orchestra, hosts: Hosts) -> tuple[Network, ...]:
    """The networks that may connect to those addresses."""
    if not listen(config, hosts):
        return ()
    own = [ip_network(hosts[config.host].address)] if config.host in hosts else []
    return collapsed([*config.database.clients, *own])


def listening(config: Orchestra, host: Host, hosts: Hosts) -> tuple[Listening, ...]:
    """PostgreSQL's port and pgAdmin's, on their host."""
    if host.name != database_host(config):
        return ()
    who = clients(config, hosts) or None
    port = str(config.database.port)
    base = Listening("orchestra-postgresql", "Orchestra's PostgreSQL", port, sources=who, key=("database", "port"))
    if not config.pgadmin:
        return (base,)
    own = Listening("orchestra-pgadmin", "pgAdmin", str(config.pgadmin.port), sources=None, key=("pgadmin", "port"))
    return (base, replace(own, layer=f"{config.name}-database"))


def nodes(config: Orchestra, hosts: Hosts) -> dict[str, Node]:
    """The rows of the node table with all their values; a host that is gone has none."""
    return {
        machine: node.model_copy(update={"max_gpu": gpus(machine, hosts) if node.max_gpu is None else node.max_gpu})
        for machine, node in config.nodes.items()
        if machine not in hosts or hosts[machine].state != "gone"
    }


def gpus(machine: str, hosts: Hosts) -> int | None:
    """How many GPUs a host of the site has; None for another machine."""
    if machine not in hosts:
        return None
    gpu = hosts[machine].gpu
    return gpu.count if gpu else 0
