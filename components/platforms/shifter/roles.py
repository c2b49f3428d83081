"""Which hosts do what for Shifter. Names of hosts that are gone are among them: their layers stay until forgotten."""

from collections.abc import Iterable, Mapping

from components.host.config import Host
from components.platforms.shifter.config import Partition, Shifter

SOURCE = "/usr/src/shifter"
"""The source, unpacked, on the gateway's host and where the runtime is built."""


def named(words: Iterable[str], hosts: Mapping[str, Host]) -> list[str]:
    """The hosts that are meant by names of hosts and groups, in the site's order."""
    wanted = set(words)
    return [name for name, host in hosts.items() if name in wanted or host.group in wanted]


def runtimes(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """They run containers."""
    return named(config.runtimes, hosts)


def of_partition(partition: Partition, hosts: Mapping[str, Host]) -> list[str]:
    """The partition's nodes."""
    return named(partition.hosts, hosts)


def nodes(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """Slurm's compute nodes."""
    return (
        named([word for part in config.slurm.partitions.values() for word in part.hosts], hosts) if config.slurm else []
    )


def heads(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """The gateway's host and Slurm's controller: the others need them."""
    return [name for name in hosts if name in {config.gateway.host, config.slurm and config.slurm.controller}]


def members(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """All hosts in use."""
    used = {*heads(config, hosts), *runtimes(config, hosts), *nodes(config, hosts)}
    return [name for name in hosts if name in used]


def there(names: Iterable[str], hosts: Mapping[str, Host]) -> list[Host]:
    """Those of them that are not gone."""
    return [hosts[name] for name in names if hosts[name].state != "gone"]


def gateway_url(config: Shifter, hosts: Mapping[str, Host]) -> str:
    """Where every host reaches the image gateway."""
    address = hosts[config.gateway.host].address
    return f"http://{address if address.version == 4 else f'[{address}]'}:{config.gateway.port}"


def udiroot_conf(config: Shifter) -> str:
    """The runtime's settings."""
    return f"{config.sysconfdir}/udiRoot.conf"


def slurm_plugin(config: Shifter) -> str:
    """Where the build installs the SPANK plugin."""
    return f"{config.prefix}/lib/shifter/shifter_slurm.so"
