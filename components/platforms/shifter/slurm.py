"""Slurm on its hosts, as data: config in, steps out. Nothing here touches a host (row F6)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from components.host.config import Host
from components.host.listening import Listening
from components.host.packages import packages as packaged
from components.hostrun.step import Step
from components.platforms.shifter import roles, slurm_conf
from components.platforms.shifter.config import Shifter

_SCRIPTS = Path(__file__).parent / "steps"

Hosts = Mapping[str, Host]


def packages(config: Shifter) -> list[str]:
    """What the runtime's build needs for its Slurm plugin."""
    return ["@slurm-headers"] if config.slurm else []


def steps(config: Shifter, host: Host, hosts: Hosts) -> list[Step]:
    """The steps for the controller, a node, or a host that only submits jobs; they come after the runtime's build."""
    slurm = config.slurm
    runs = _has_plugin(config, host, hosts)
    daemons = _daemons(config, host, hosts)
    if slurm is None or not (daemons or runs):
        return []
    texts = {
        "slurm": slurm_conf.slurm_conf(config, slurm, hosts),
        "gres": slurm_conf.gres_conf(config, hosts),
        "cgroup": slurm_conf.CGROUP,
    }
    made = [
        Step(_SCRIPTS / "slurm_user.sh", {"uid": str(slurm.uid)}),
        packaged([*(f"@{daemon}" for daemon in daemons), "@slurm-client"], label="slurm", hold=True),
        Step(_SCRIPTS / "slurm_conf.sh", {"daemons": " ".join(daemons)}, texts),
    ]
    if runs:
        plugin = {"plugin": roles.slurm_plugin(config), "config": roles.udiroot_conf(config)}
        made.append(Step(_SCRIPTS / "slurm_plugin.sh", plugin))
    if "slurmctld" in daemons:
        made.append(Step(_SCRIPTS / "slurm_controller.sh", {"state": slurm_conf.setting(slurm, "StateSaveLocation")}))
    if "slurmd" in daemons:
        spool = slurm_conf.setting(slurm, "SlurmdSpoolDir")
        made.append(Step(_SCRIPTS / "slurm_node.sh", {"spool": spool, "gpus": str(host.gpu.count if host.gpu else 0)}))
    return made


def checks(config: Shifter, host: Host, hosts: Hosts) -> list[Step]:
    """The preflight check of a node: it has the declared size, since Slurm gives a smaller one no jobs."""
    node = slurm_conf.size(config.slurm, host) if config.slurm else None
    if node is None or host.name not in roles.nodes(config, hosts):
        return []
    shape = {"sockets": node.sockets, "cores": node.cores_per_socket, "threads": node.threads_per_core}
    inputs = {"cpus": node.cpus, "memory_mb": node.memory_mb, **shape}
    return [Step(_SCRIPTS / "slurm_size.sh", {key: str(value) for key, value in inputs.items() if value})]


def listening(config: Shifter, host: Host, hosts: Hosts) -> Iterator[Listening]:
    """Slurm's daemons, for the site's hosts; srun's ports on every host that may run srun."""
    slurm = config.slurm
    if slurm is None:
        return
    daemons = _daemons(config, host, hosts)
    wanted = [
        ("slurmctld", "slurmctld", "SlurmctldPort", "slurmctld" in daemons),
        ("slurmd", "slurmd", "SlurmdPort", "slurmd" in daemons),
        ("srun", "Slurm's srun", "SrunPortRange", bool(daemons) or _has_plugin(config, host, hosts)),
    ]
    for name, what, key, there in wanted:
        if there:
            yield Listening(name, what, slurm_conf.setting(slurm, key), key=("slurm", "settings", key))


def last(config: Shifter, hosts: Hosts) -> list[Step]:
    """The last step, on the controller: Slurm has the site's nodes, and they answer."""
    if config.slurm is None:
        return []
    names = [host.name for host in roles.there(roles.nodes(config, hosts), hosts)]
    return [Step(_SCRIPTS / "slurm_nodes.sh", {"nodes": " ".join(names)})]


def _has_plugin(config: Shifter, host: Host, hosts: Hosts) -> bool:
    return host.name in (*roles.runtimes(config, hosts), *roles.submitting(config, hosts))


def _daemons(config: Shifter, host: Host, hosts: Hosts) -> list[str]:
    controls = config.slurm is not None and host.name == config.slurm.controller
    found = ["slurmctld"] if controls else []
    return [*found, "slurmd"] if host.name in roles.nodes(config, hosts) else found
