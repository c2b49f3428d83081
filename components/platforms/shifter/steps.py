"""Shifter on its hosts, as data: config in, steps out. Nothing here touches a host.

heads (gateway, Slurm's controller)  →  every other host  →  one head checks the whole
"""

from collections.abc import Mapping, Sequence

from components.host.artefact_steps import there
from components.host.config import Host
from components.hostrun.step import Step
from components.parts.part import Wave
from components.platforms.shifter import gateway, munge, roles, runtime, slurm
from components.platforms.shifter.config import Shifter

Hosts = Mapping[str, Host]


def waves(config: Shifter, hosts: Hosts) -> list[Wave]:
    """The gateway first, since each host queries it at the end of its layer; then Slurm's controller, then the rest."""
    gateway_host = [name for name in hosts if name == config.gateway.host]
    heads = [name for name in roles.heads(config, hosts) if name not in gateway_host]
    others = [name for name in roles.members(config, hosts) if name not in (*gateway_host, *heads)]
    own = [
        Wave(config.name, {name: host_steps(config, hosts[name], hosts) for name in names})
        for names in (gateway_host, heads, others)
        if names
    ]
    return [*own, _whole(config, hosts)]


def host_steps(config: Shifter, host: Host, hosts: Hosts) -> list[Step]:
    """All steps of one host, by its roles."""
    runs, serves = host.name in roles.runtimes(config, hosts), host.name == config.gateway.host
    submits = host.name in roles.submitting(config, hosts) and not runs
    steps = munge.steps(config, host, hosts)
    if runs or serves or submits:
        steps += runtime.source(config)
    if serves:
        steps += [*gateway.steps(config, host, hosts), *runtime.images(config, host, hosts)]
    if runs:
        steps += runtime.steps(config, host, hosts)
    if submits:
        steps += runtime.built(config, host, hosts)
    steps += slurm.steps(config, host, hosts)
    if submits:
        return [*steps, *gateway.reachable(config, hosts)]
    return [*steps, *gateway.reachable(config, hosts), *runtime.ready(config, host)] if runs else steps


def preflight(config: Shifter, host: Host, hosts: Hosts) -> Sequence[Step]:
    """Shifter's preflight checks of one host."""
    serves, archive = host.name == config.gateway.host, config.source.archive
    steps = slurm.checks(config, host, hosts)
    if serves:
        steps += gateway.checks(config, host, hosts)
    builds = host.name in (*roles.runtimes(config, hosts), *roles.submitting(config, hosts))
    if archive and (serves or builds):
        steps += there(archive, "Shifter's source", label="shifter")
    return steps


def _whole(config: Shifter, hosts: Hosts) -> Wave:
    """Checks that no host can make alone: one munge key everywhere, and all nodes in Slurm."""
    head = config.slurm.controller if config.slurm else config.gateway.host
    steps = [*munge.last(config, hosts), *slurm.last(config, hosts)]
    return Wave(f"{config.name}-whole", {head: steps}, {head: munge.across(config, hosts)})
