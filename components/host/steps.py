"""What is checked and made true on every host, as data: config in, steps out. Nothing here touches a host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.host.config import Host
from components.host.repositories import AptRepository
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"

REQUIRED_PACKAGES = (
    "ca-certificates",
    "conntrack",
    "ethtool",
    "iproute2",
    "iptables",
    "kmod",
    "procps",
    "socat",
)
"""What the kubelet, kube-proxy and our own steps call; a minimal image has none of them."""


def preflight(host: Host, *, ports: Sequence[int] = (), cgroup_v2: bool = False) -> list[Step]:
    """Checks only, none of which changes anything: what a host must be before its first change.

    `ports` must be free, or in use by a node layer of ours; `cgroup_v2` for a Kubernetes that refuses v1 (1.35).
    Not here, because a host alone cannot tell: reachability, and what is unique or equal across hosts (machine-id,
    product_uuid, clock), which the caller compares from `gpu-metal facts`.
    """
    least = host.minimum
    steps = [
        _step("root"),
        _step("systemd"),
        _step("os", declared=host.os or ""),
        _step("architecture"),
        _step("cpus", least=str(least.cpus)),
        _step("memory", least=f"{least.memory_gb:g}"),
        _step("disk", least=f"{least.disk_gb:g}"),
        _step("writable"),
        _step("package_manager"),
        _step("identity", name=host.name),
        _step("cgroup", v2="yes" if cgroup_v2 else "no"),
    ]
    if ports:
        steps.append(_step("ports", ports=" ".join(map(str, ports))))
    if host.gpu:
        steps.append(_step("gpus", count=str(host.gpu.count)))
    return steps


def base(
    host: Host,
    *,
    peers: Sequence[tuple[str, str]],
    domain: str | None = None,
    repositories: Mapping[str, AptRepository] | None = None,
    keys: Mapping[str, str] | None = None,
    swap_off: bool = True,
    modules: Sequence[str] = (),
    sysctl: Mapping[str, str] | None = None,
) -> list[Step]:
    """What every host gets before any engine.

    `peers` are name and address of each host of the site, itself too; `keys` the armored key of each repository that
    has a `key_file` (the caller reads it); `modules` and `sysctl` what the layers above need: the host's own
    `modules` and `sysctl` come on top. `needrestart` is first: the first package would restart services.
    Raises ValueError for a repository without a way to trust it.
    """
    loaded = dict.fromkeys((*modules, *host.modules))
    settings = {**(sysctl or {}), **host.sysctl}
    steps = [
        _step("needrestart"),
        Step(_SCRIPTS / "hosts_file.sh", bulk={"entries": hosts_entries(peers, domain)}),
        _step("host_name", name=host.name),
    ]
    if swap_off:
        steps.append(_step("swap_off"))
    if loaded:
        steps.append(_step("kernel_modules", names=" ".join(loaded)))
    if settings:
        steps.append(Step(_SCRIPTS / "sysctl.sh", dict(sorted(settings.items()))))
    if host.limits:
        steps.append(Step(_SCRIPTS / "limits.sh", {k: str(v) for k, v in sorted(host.limits.items())}))
    steps += _repositories(repositories or {}, keys or {})
    steps.append(packages(REQUIRED_PACKAGES, label="tools"))
    if host.time_servers:
        servers = " ".join(map(str, host.time_servers))
        steps += [packages(["chrony"], label="chrony"), _step("chrony", servers=servers), _step("time_sync")]
    return steps


def packages(names: Sequence[str], *, label: str, hold: bool = False, folders: Sequence[str] = ()) -> Step:
    """Packages, as `name` or `name=version` (a version may be a glob, as apt takes it).

    undo takes away what came with this step and nothing else, and with it `folders`: what those packages fill as
    they run. A name stands in one step of a host only.
    """
    inputs = {"names": " ".join(names), "hold": "yes" if hold else "no"}
    if folders:
        inputs["folders"] = " ".join(folders)
    return Step(_SCRIPTS / "packages.sh", inputs, label=label)


def hosts_entries(peers: Sequence[tuple[str, str]], domain: str | None) -> str:
    """Lines of /etc/hosts: address, full name where there is a domain, name."""
    return "\n".join(
        f"{address} {name}.{domain} {name}" if domain and "." not in name else f"{address} {name}"
        for name, address in peers
    )


def _repositories(repositories: Mapping[str, AptRepository], keys: Mapping[str, str]) -> list[Step]:
    steps = [_repository(name, repository, keys) for name, repository in repositories.items()]
    if any(repository.fingerprint for repository in repositories.values()):
        steps.insert(0, packages(["gpg"], label="gpg"))
    return steps


def _repository(name: str, repository: AptRepository, keys: Mapping[str, str]) -> Step:
    inputs = {"name": name, "url": repository.url, "suite": repository.suite}
    if repository.components:
        inputs["components"] = " ".join(repository.components)
    if repository.fingerprint:
        inputs["fingerprint"] = repository.fingerprint.replace(" ", "").upper()
    if repository.key_file:
        return Step(_SCRIPTS / "apt_repository.sh", inputs, bulk={"key": keys[name]}, label=name)
    if not (repository.key_url and repository.fingerprint):
        raise ValueError(f"repositories.{name}: has no key to trust. Write keyFile, or keyUrl with its fingerprint.")
    return Step(_SCRIPTS / "apt_repository.sh", {**inputs, "key_url": repository.key_url}, label=name)


def _step(script: str, /, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs)
