"""Which hosts do what for Shifter. Hosts that are gone are included: Pulumi must still forget their layers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from components.host.config import Host
from components.platforms.shifter.config import Partition, Shifter

SOURCE = "/usr/src/shifter"
"""Folder of the unpacked source, on the gateway's host and on hosts that build the runtime."""


def named(words: Iterable[str], hosts: Mapping[str, Host]) -> list[str]:
    """The hosts that names of hosts and groups stand for, in the site's order."""
    wanted = set(words)
    return [name for name, host in hosts.items() if name in wanted or host.group in wanted]


def runtimes(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """The hosts that run containers."""
    return named(config.runtimes, hosts)


def of_partition(partition: Partition, hosts: Mapping[str, Host]) -> list[str]:
    """The partition's nodes."""
    return named(partition.hosts, hosts)


def nodes(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """Slurm's compute nodes."""
    return (
        named([word for part in config.slurm.partitions.values() for word in part.hosts], hosts) if config.slurm else []
    )


def submitting(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """The hosts that submit jobs and run no containers themselves."""
    return named(config.slurm.submit, hosts) if config.slurm else []


def heads(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """The gateway's host and Slurm's controller: the others need them."""
    return [name for name in hosts if name in {config.gateway.host, config.slurm and config.slurm.controller}]


def members(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """All hosts that Shifter uses."""
    used = {*heads(config, hosts), *runtimes(config, hosts), *nodes(config, hosts), *submitting(config, hosts)}
    return [name for name in hosts if name in used]


def there(names: Iterable[str], hosts: Mapping[str, Host]) -> list[Host]:
    """The named hosts, except those that are gone."""
    return [hosts[name] for name in names if hosts[name].state != "gone"]


def wrong(words: Sequence[str], hosts: Mapping[str, Host], *, needed: bool) -> Iterator[tuple[int | None, str]]:
    """What is wrong with a list of hosts and groups, with the place in it; None is the whole list.

    A host that is gone drops out of its list; where the list is `needed`, one must be left.
    """
    for index, word in enumerate(words):
        if not named([word], hosts):
            yield index, f"{word} is neither a host nor a group with hosts. Write one of those."
    found = named(words, hosts)
    if needed and found and not there(found, hosts):
        yield None, f"{', '.join(found)} {'is' if len(found) == 1 else 'are'} gone, and no other host is left here."


def gateway_url(config: Shifter, hosts: Mapping[str, Host]) -> str:
    """The URL of the image gateway, the same for every host."""
    address = hosts[config.gateway.host].address
    return f"http://{address if address.version == 4 else f'[{address}]'}:{config.gateway.port}"


def gateway_urls(config: Shifter, hosts: Mapping[str, Host]) -> list[str]:
    """The URLs of all gateways of the system: the site's own first, then the further ones."""
    return [gateway_url(config, hosts), *config.gateway.more_urls]


def udiroot_conf(config: Shifter) -> str:
    """The file of the runtime's settings."""
    return f"{config.sysconfdir}/udiRoot.conf"


def slurm_plugin(config: Shifter) -> str:
    """Where the build installs the SPANK plugin."""
    return f"{config.prefix}/lib/shifter/shifter_slurm.so"
