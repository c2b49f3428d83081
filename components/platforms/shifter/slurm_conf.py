"""Slurm's files, the same on every host (row F6), as text made from the site.

    slurm.conf  the controller, nodes and partitions     gres.conf  GPUs and their device files
    cgroup.conf the limits that jobs are kept within

Keys: https://slurm.schedmd.com/slurm.conf.html, gres.conf.html, cgroup.conf.html.
"""

from collections.abc import Mapping

from components.host.config import Host
from components.platforms.shifter import roles
from components.platforms.shifter.config import Node, Partition, Shifter, Slurm

STATE = "/var/lib/slurm"
"""slurmctld and slurmd have one folder each in it."""
CONTROLLER_PORT = "6817"
NODE_PORT = "6818"
SRUN_PORTS = "60001-63000"
"""srun listens there for the nodes of its job."""

CGROUP = """# gpu-metal
ConstrainCores=yes
ConstrainDevices=yes
ConstrainRAMSpace=yes
"""

_OURS = {
    "SlurmUser": "slurm",
    "SlurmctldPort": CONTROLLER_PORT,
    "SlurmdPort": NODE_PORT,
    "SrunPortRange": SRUN_PORTS,
    "StateSaveLocation": f"{STATE}/slurmctld",
    "SlurmdSpoolDir": f"{STATE}/slurmd",
    "ProctrackType": "proctrack/cgroup",
    "TaskPlugin": "task/affinity,task/cgroup",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_Core_Memory",
    # A node that Slurm itself took out comes back when it registers, also after a restart of its host.
    "ReturnToService": "2",
    # A new munge key reaches hosts one after another; meanwhile no job may end because of it.
    "SlurmdTimeout": "1800",
    # The image is made ready on all nodes of a job as it starts: doc/wlm/slurm.rst of Shifter.
    "PrologFlags": "Alloc",
}


def size(slurm: Slurm, host: Host) -> Node | None:
    """The site's size of that node: its own entry, else its group's."""
    return slurm.nodes.get(host.name) or slurm.nodes.get(host.group or "")


def setting(slurm: Slurm, key: str) -> str:
    """One setting of slurm.conf: the site's, in any case of letters, else ours."""
    theirs = {name.lower(): value for name, value in slurm.settings.items()}
    return theirs.get(key.lower(), _OURS.get(key, ""))


def slurm_conf(config: Shifter, slurm: Slurm, hosts: Mapping[str, Host]) -> str:
    """slurm.conf: settings, nodes, partitions."""
    controller = hosts[slurm.controller]
    nodes = roles.there(roles.nodes(config, hosts), hosts)
    ours = {"ClusterName": config.system, **_OURS, "DefMemPerCPU": str(_memory_per_cpu(slurm, nodes))}
    if any(_gpus(host) for host in nodes):
        ours["GresTypes"] = "gpu"
    theirs = {key.lower() for key in slurm.settings}
    settings = {key: value for key, value in ours.items() if key.lower() not in theirs} | slurm.settings
    lines = [f"{key}={value}" for key, value in settings.items()]
    lines += [_node(slurm, host) for host in nodes]
    alone = len(slurm.partitions) == 1
    for name, partition in slurm.partitions.items():
        names = [host.name for host in roles.there(roles.of_partition(partition, hosts), hosts)]
        if names:
            lines.append(_partition(name, partition, names, default=alone or partition.default))
    head = f"SlurmctldHost={controller.name}({controller.address})"
    return "\n".join(["# gpu-metal", head, *lines]) + "\n"


def gres_conf(config: Shifter, hosts: Mapping[str, Host]) -> str:
    """gres.conf: the device files of each node's GPUs."""
    nodes = [host for host in roles.there(roles.nodes(config, hosts), hosts) if _gpus(host)]
    lines = [f"NodeName={host.name} Name=gpu Type={_type(host)} File={_files(_gpus(host))}" for host in nodes]
    return "\n".join(["# gpu-metal", *lines]) + "\n"


def _node(slurm: Slurm, host: Host) -> str:
    node = size(slurm, host)
    if node is None:
        raise ValueError(f"slurm.nodes: has no size for {host.name}")
    words = {
        "NodeName": host.name,
        "NodeAddr": str(host.address),
        "CPUs": node.cpus,
        "Sockets": node.sockets,
        "CoresPerSocket": node.cores_per_socket,
        "ThreadsPerCore": node.threads_per_core,
        "RealMemory": node.memory_mb,
        "Gres": f"gpu:{_type(host)}:{_gpus(host)}" if _gpus(host) else None,
        **node.settings,
    }
    return " ".join(f"{key}={value}" for key, value in words.items() if value is not None)


def _partition(name: str, partition: Partition, names: list[str], *, default: bool) -> str:
    words = {"PartitionName": name, "Nodes": ",".join(names), "Default": "YES" if default else "NO"}
    return " ".join(f"{key}={value}" for key, value in {**words, **partition.settings}.items())


def _memory_per_cpu(slurm: Slurm, nodes: list[Host]) -> int:
    """Default memory: without it a job that requests none would get a whole node's."""
    return min((node.memory_mb // node.cpus for host in nodes if (node := size(slurm, host))), default=1) or 1


def _gpus(host: Host) -> int:
    return host.gpu.count if host.gpu else 0


def _type(host: Host) -> str:
    """The model in lower case, as jobs request it: gpu:a100-sxm4-80gb:2."""
    return host.gpu.model.lower() if host.gpu else ""


def _files(count: int) -> str:
    return "/dev/nvidia0" if count == 1 else f"/dev/nvidia[0-{count - 1}]"
