"""The checks and steps of every host, as data: config in, steps out. Nothing here touches a host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.host import kernel_steps, machine_steps, net_steps
from components.host.config import Host
from components.host.listening import Listening
from components.host.needed import Needed
from components.host.openings import Network, Opening
from components.host.packages import host_packages, packages
from components.host.packages import repositories as sources
from components.host.repositories import Repository
from components.hostrun.owner import Owner
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"


@dataclass(frozen=True)
class Around:
    """What a host must know of its site, and what the layers above need of it."""

    peers: Sequence[tuple[str, str]]
    """Name and address of each host of the site, itself too, in one order for all."""
    domain: str | None = None
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """The armored key of each repository that has a `key_file`; the caller reads it."""
    no_proxy: str = ""
    networks: Sequence[Network] = ()
    """The site's hosts and pods."""
    kubernetes: bool = True
    """Without Kubernetes, preflight accepts older systems and ppc64le too."""
    untested: bool = False
    """Preflight accepts versions of a system of which nothing is known."""
    above: Needed = field(default_factory=Needed)
    """What the rooms above need of this host."""


def preflight(host: Host, around: Around) -> list[Step]:
    """Checks, which change nothing, of what a host must be before its first change.

    Not here, because a host alone cannot tell: reachability, and values that must be unique or equal across hosts
    (machine-id, product_uuid, clock), which the caller compares from `gpu-metal facts`.
    """
    least, flag = host.minimum, "yes" if around.kubernetes else "no"
    steps = [
        _step("root"),
        _step("systemd"),
        _step("os", declared=host.os or "", kubernetes=flag, **({"untested": "yes"} if around.untested else {})),
        _step("architecture", kubernetes=flag),
        _step("cpus", least=str(least.cpus)),
        _step("memory", least=f"{least.memory_gb:g}"),
        _step("disk", least=f"{least.disk_gb:g}"),
        _step("writable"),
        _step("package_manager"),
        _step("identity", name=host.name),
        *machine_steps.preflight(host),
        *kernel_steps.checks(host, cgroup_v2=around.above.cgroup_v2),
        *net_steps.checks(
            host,
            around.peers,
            no_proxy=around.no_proxy,
            repositories=around.repositories,
            mirrors=around.above.mirrors,
        ),
        *([_step("time_answers", servers=_servers(host))] if host.time_servers else []),
    ]
    return [*steps, *ports_free(around.above.listening)]


def owner(host: Host, owner: Owner) -> Step:
    """Checks that no other site has the host."""
    return _step("owner", name=host.name, project=owner.project, stack=owner.stack, site=owner.site or "-")


def ports_free(listening: Sequence[Listening]) -> list[Step]:
    """Checks that the TCP ports of the layers to come are free."""
    wanted: dict[str, list[int]] = {}
    for each in listening:
        if each.layer and each.protocol == "tcp":
            wanted.setdefault(each.layer, []).extend(each.ports or ())
    ports = {layer: " ".join(map(str, sorted(numbers))) for layer, numbers in wanted.items()}
    return [_step("ports", **ports)] if ports else []


def base(host: Host, around: Around) -> list[Step]:
    """The base layer: what every host gets before any engine.

    `needrestart` is first, since the first package could otherwise restart services. Names and proxies come before
    the first package, the firewall after the last; the layer ends with a reboot if one is due.
    Raises ValueError for a repository without a way to trust it.
    """
    return [
        _step("needrestart"),
        Step(_SCRIPTS / "hosts_file.sh", bulk={"entries": hosts_entries(around.peers, around.domain)}),
        _step("host_name", name=host.name),
        *net_steps.dns(host, around.domain),
        *net_steps.proxy(host, around.no_proxy, services=sorted(around.above.services)),
        *sources(around.repositories, around.keys, host.family),
        *host_packages(host),
        *machine_steps.machine(host),
        *machine_steps.modules(host),
        *machine_steps.sysctl(host),
        *machine_steps.limits(host),
        *machine_steps.tuned(host),
        *machine_steps.target(host),
        *machine_steps.services(host),
        *_time(host),
        *net_steps.selinux(host),
        *net_steps.socks(host),
        *net_steps.firewall(host, _openings(around.above.listening), around.networks, published=around.above.publishes),
        *kernel_steps.kernel(host),
        *around.above.before_reboot,
        *kernel_steps.reboot(host),
    ]


def _openings(listening: Sequence[Listening]) -> list[Opening]:
    return [opening for each in listening if (opening := each.opening)]


def _time(host: Host) -> list[Step]:
    if not host.time_servers:
        return []
    return [packages(["@chrony"], label="chrony"), _step("chrony", servers=_servers(host)), _step("time_sync")]


def _servers(host: Host) -> str:
    return " ".join(map(str, host.time_servers))


def hosts_entries(peers: Sequence[tuple[str, str]], domain: str | None) -> str:
    """Lines of /etc/hosts: address, full name where there is a domain, name."""
    return "\n".join(
        f"{address} {name}.{domain} {name}" if domain and "." not in name else f"{address} {name}"
        for name, address in peers
    )


def _step(script: str, /, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs)
