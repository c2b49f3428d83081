"""Rules for Shifter's Slurm. Pure functions; each problem names the key and the fix."""

import re
from collections.abc import Callable, Iterator

from components.forms import IDENTIFIER, ports
from components.parts.part import Ground
from components.platforms.shifter import roles, slurm_conf
from components.platforms.shifter.config import Node, Shifter
from components.problem import Key, Problem

_DECIDED = {
    "slurm": ("SlurmctldHost", "ControlMachine", "ControlAddr", "NodeName", "PartitionName", "SlurmUser", "AuthType"),
    "node": ("NodeName", "NodeAddr", "CPUs", "RealMemory", "Sockets", "CoresPerSocket", "ThreadsPerCore", "Gres"),
    "partition": ("PartitionName", "Nodes", "Default"),
}
"""Keys of Slurm's files that follow from other keys of the site."""


def hosts(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """The controller and the nodes are in the site and not gone, and each node has a size."""
    if (slurm := config.slurm) is None:
        return
    host = ground.hosts.get(slurm.controller)
    if host is None or host.state == "gone":
        what = "is gone" if host else "is not a host of this site"
        yield Problem(("slurm", "controller"), f"{slurm.controller} {what}. Write one of hosts.")
    for name, partition in slurm.partitions.items():
        key: Key = ("slurm", "partitions", name)
        for index, text in roles.wrong(partition.hosts, ground.hosts, needed=True):
            if index is None:
                yield Problem((*key, "hosts"), f"{text} Write another one, or take the partition out.")
            else:
                yield Problem((*key, "hosts", index), text)
    nodes = roles.there(roles.nodes(config, ground.hosts), ground.hosts)
    if lacking := [node.name for node in nodes if slurm_conf.size(slurm, node) is None]:
        text = f"has no size for {', '.join(lacking)}. Write {{cpus: …, memoryMb: …}} by host or group, as slurmd -C"
        yield Problem(("slurm", "nodes"), f"{text} prints them there.")
    declared = [ground.hosts[name] for name in roles.nodes(config, ground.hosts)]
    used = {name for node in declared for name in (node.name, node.group)}
    for name in slurm.nodes:
        if name not in used:
            yield Problem(("slurm", "nodes", name), "is neither a node nor a group with nodes. Take it away.")


def submitting(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """Hosts that only submit jobs are in the site, and run no containers."""
    words = config.slurm.submit if config.slurm else ()
    for place, text in roles.wrong(words, ground.hosts, needed=False):
        yield Problem(("slurm", "submit", *([] if place is None else [place])), text)
    for index, word in enumerate(words):
        named = roles.there(roles.named([word], ground.hosts), ground.hosts)
        if twice := [host.name for host in named if host.name in roles.runtimes(config, ground.hosts)]:
            text = (
                f"{twice[0]} is in runtimes too, and hosts of runtimes submit jobs anyway. Take it away in one of them."
            )
            yield Problem(("slurm", "submit", index), text)


def sizes(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """A node's shape is complete, and Slurm can hand out its GPUs."""
    if (slurm := config.slurm) is None:
        return
    for name, node in slurm.nodes.items():
        yield from (Problem(("slurm", "nodes", name), text) for text in _shape(node))
    for host in roles.there(roles.nodes(config, ground.hosts), ground.hosts):
        if host.gpu and host.gpu.mig:
            text = f"{host.name} has MIG on, but gres.conf lists whole GPUs only. Write mig: false there."
            yield Problem(("slurm", "partitions"), text)


def settings(config: Shifter, _: Ground) -> Iterator[Problem]:
    """Settings under Slurm's own names are well-formed, and none of them follows from another key of the site."""
    if (slurm := config.slurm) is None:
        return
    yield from _words(("slurm", "settings"), slurm.settings, "slurm")
    for name, node in slurm.nodes.items():
        yield from _words(("slurm", "nodes", name, "settings"), node.settings, "node")
    for name, partition in slurm.partitions.items():
        yield from _words(("slurm", "partitions", name, "settings"), partition.settings, "partition")
    for name in ("SlurmctldPort", "SlurmdPort", "SrunPortRange"):
        if ports(slurm_conf.setting(slurm, name)) is None:
            yield Problem(("slurm", "settings", name), "is neither a port nor FIRST-LAST. Write one of them.")
    defaults = [name for name, partition in slurm.partitions.items() if partition.default]
    if len(defaults) > 1:
        text = f"{' and '.join(defaults)} are both the default. Keep one."
        yield Problem(("slurm", "partitions", defaults[1], "default"), text)


def notes(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """Remarks about nodes on which jobs with --image cannot run."""
    runtimes = roles.runtimes(config, ground.hosts)
    nodes = roles.there(roles.nodes(config, ground.hosts), ground.hosts)
    if without := [node.name for node in nodes if node.name not in runtimes]:
        text = f"{', '.join(without)} not in runtimes: jobs with --image fail there."
        yield Problem(("slurm", "partitions"), text)


def number(config: Shifter, ground: Ground) -> Iterator[Problem]:
    """The number of slurm's user and group is nobody else's: a file of one would belong to both."""
    if (slurm := config.slurm) is None:
        return
    for host in ground.hosts.values():
        taken = {account.uid: name for name, account in host.accounts.items()}
        taken |= {gid: name for name, gid in host.account_groups.items()}
        if host.state != "gone" and slurm.uid in taken:
            text = f"{slurm.uid} is the number of {taken[slurm.uid]} on {host.name}. Write another one."
            yield Problem(("slurm", "uid"), text)
            return


CHECKS: tuple[Callable[[Shifter, Ground], Iterator[Problem]], ...] = (hosts, submitting, sizes, settings, number)


def _shape(node: Node) -> Iterator[str]:
    shape = (node.sockets, node.cores_per_socket, node.threads_per_core)
    if any(shape) and not all(shape):
        yield "has only a part of its shape. Write sockets, coresPerSocket and threadsPerCore, or none of them."
    elif node.sockets and node.cores_per_socket and node.threads_per_core:
        cpus = node.sockets * node.cores_per_socket * node.threads_per_core
        if node.cpus not in (cpus, cpus // node.threads_per_core):
            yield f"has {node.cpus} cpus, but its shape has {cpus}. Correct one of them."


def _words(key: Key, said: dict[str, str], kind: str) -> Iterator[Problem]:
    decided = {name.lower(): name for name in _DECIDED[kind]}
    first: dict[str, str] = {}
    for name, value in said.items():
        if not IDENTIFIER.fullmatch(name) or not value or re.search(r"\s" if kind != "slurm" else r"[\n#]", value):
            yield Problem(
                (*key, name), "makes no line of slurm.conf, which has KEY=VALUE. Write them as its manual does."
            )
        elif name.lower() in decided:
            yield Problem((*key, name), f"{decided[name.lower()]} follows from other keys of the site. Take it away.")
        elif first.setdefault(name.lower(), name) != name:
            yield Problem((*key, name), f"repeats {first[name.lower()]}: Slurm ignores case. Keep one.")
