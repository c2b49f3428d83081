"""The vendor's archive for a site without internet: unpacked, images pushed, charts taken from it. Pure.

Rows: R2.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from components.delivery import checks, steps
from components.delivery.send import send
from components.host.config import Host
from components.hostrun.step import Step
from components.parts.part import Filling, Ground, Hosts, Wave
from components.platforms.runai import versions
from components.platforms.runai.config import Release, Runai
from components.problem import Problem, below


def from_package(config: Runai, release: Release) -> bool:
    """Whether the chart of a release is taken from the archive."""
    return config.package is not None and release.chart is None and release.repository is None


def charts(config: Runai) -> dict[str, str]:
    """The charts that are taken from it, by the keys of their releases."""
    of = {"control_plane": versions.CONTROL_PLANE, "cluster": versions.CLUSTER}
    return {key: name for key, name in of.items() if from_package(config, getattr(config, key))}


def uses(config: Runai, hosts: Hosts) -> list[str]:
    """The host that unpacks it."""
    return [config.package.host] if config.package and config.package.host in hosts else []


def waves(config: Runai, hosts: Hosts) -> Sequence[Wave]:
    """One layer, on that host."""
    of, registry = config.package, config.registry
    if of is None or registry is None or of.host not in hosts:
        return []
    to = steps.Target(registry.images, registry.username, registry.password_secret)
    wanted = [f"{name}={config.version}" for name in charts(config).values()]
    before = {of.host: partial(send, of, config.name)} if of.local else {}
    return [Wave(f"{config.name}-package", {of.host: steps.steps(of, config.name, wanted, to)}, before=before)]


def preflight(config: Runai, host: Host) -> list[Step]:
    """The archive is there, and room for it."""
    of = config.package
    return [steps.ready(of, config.name)] if of and of.host == host.name else []


def fills(config: Runai) -> Sequence[Filling]:
    """What it pushes to the registry."""
    of, registry = config.package, config.registry
    return [Filling(registry.images.partition("/")[0], of.sha256, of.free_gb)] if of and registry else []


def check(config: Runai, ground: Ground) -> Iterator[Problem]:
    """What must hold of it in its site."""
    if config.package is None:
        return
    yield from below(("package",), checks.problems(config.package, ground.hosts))
    if config.registry is None:
        text = "needs the registry that its images are pushed to. Write registry: {images: HOST:PORT/PATH}."
        yield Problem(("package",), text)


def notes(config: Runai, ground: Ground) -> Iterator[Problem]:
    """What is allowed of it and yet worth a line."""
    if config.package is None or config.registry is None or ground.engine is None:
        return
    registry = config.registry.images.partition("/")[0]
    mirrors = [urlsplit(str(url)).netloc for url in ground.engine.mirrors.get("nvcr.io", ())]
    if config.package.names == "last" or registry not in mirrors:
        text = (
            f"the control plane's chart asks nvcr.io for its images, and nodes would not look for them in {registry}."
        )
        fix = f"Write engine: {{mirrors: {{nvcr.io: [https://{registry}]}}}} and no names: last, or controlPlane.values"
        yield Problem(("package",), f"{text} {fix} that name it.")
