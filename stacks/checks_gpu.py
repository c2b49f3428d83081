"""Rules between the keys of a site about GPUs. Pure functions; each problem names the key and the fix."""

from collections.abc import Callable, Iterator

from components.forms import TAGGED
from components.gpu import models, pods
from components.gpu.config import Driver
from components.problem import Problem
from stacks.ground import offers
from stacks.messages import suggestion
from stacks.model import Site


def drivers(site: Site) -> Iterator[Problem]:
    """The driver has a source, and a version of its branch. Whether it fits the model, compatibility.py says."""
    for host in site.active:
        if host.gpu is not None and host.gpu.installed is not None:
            yield from (Problem(("hosts", host.name, "gpu", *key), text) for key, text in _driver(host.gpu.installed))


def _driver(driver: Driver) -> Iterator[tuple[tuple[str, ...], str]]:
    if driver.version and not driver.version.startswith(f"{driver.branch}."):
        yield ("driver", "version"), f"{driver.version} is not of branch {driver.branch}. Change one of them."
    if driver.runfile is None:
        return
    if bool(driver.runfile.file) == bool(driver.runfile.url):
        yield ("driver", "runfile"), "needs file or url, and not both. Write where the installer is."
    elif not driver.version:
        yield (
            ("driver", "version"),
            f'is missing: a runfile has one exact version. Write version: "{driver.branch}.…", as in its name.',
        )


def settings(site: Site) -> Iterator[Problem]:
    """Settings of the gpu layer have a driver, and each range of clocks starts with the lower value."""
    for host in site.active:
        if host.gpu is None:
            continue
        key = ("hosts", host.name, "gpu")
        if not models.words(host.gpu.model):
            yield Problem((*key, "model"), "names no model. Write one as nvidia-smi -L shows it, such as H100-PCIe.")
        if host.gpu.installed is None:
            for name, value in (("powerLimitWatts", host.gpu.power_limit_watts), ("clocks", host.gpu.clocks)):
                if value is not None:
                    yield Problem(
                        (*key, name), "is set by the gpu layer, which needs driver. Write driver, or drop it."
                    )
        for name, pair in (host.gpu.clocks.model_dump() if host.gpu.clocks else {}).items():
            if pair and pair[0] > pair[1]:
                yield Problem((*key, "clocks", name), f"{list(pair)} is in the wrong order. Write [lowest, highest].")


def toolkits(site: Site) -> Iterator[Problem]:
    """A host with the container toolkit has an engine, and its image a tag."""
    for host in site.active:
        if host.gpu is None or host.gpu.toolkit is None:
            continue
        key = ("hosts", host.name, "gpu", "toolkit")
        if site.engine_on(host) is None:
            yield Problem(key, "needs a container engine. Write engine: {}, or drop it.")
        if host.gpu.toolkit.smoke_image is not None and not TAGGED.search(host.gpu.toolkit.smoke_image):
            yield Problem((*key, "smokeImage"), "has neither tag nor digest. Write NAME:TAG or NAME@sha256:….")


def lost(site: Site) -> Iterator[Problem]:
    """A part counts the GPUs whose loss is to give a node its taint."""
    counted = {host for _, host, resource, _ in offers(site) if resource.startswith(pods.KINDS)}
    for host in site.active:
        if host.gpu and host.gpu.taint_lost and host.name not in counted:
            text = "is for GPUs that are offered to pods by number, and no part of the site offers those of this host."
            fix = "Add gpuOperator or devicePlugin, or take it away."
            yield Problem(("hosts", host.name, "gpu", "taintLost"), f"{text} {fix}")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (drivers, settings, toolkits, lost)


def notes(site: Site) -> list[str]:
    """Remarks about unknown GPU models: preflight still compares the names, but nothing checks the driver."""
    unknown: dict[str, str] = {}
    for host in site.active:
        # With a driver or MIG of the site's, compatibility.py refuses it.
        if host.gpu and not (host.gpu.installed or host.gpu.mig) and not models.ids(host.gpu.model):
            unknown.setdefault(host.gpu.model, host.name)
    return [
        f"hosts.{name}.gpu.model: {model} is not known here. The host's GPUs are still compared with it word by word, "
        f"but nothing checks whether the driver fits. {suggestion(model, models.NAMES)}".rstrip()
        for model, name in unknown.items()
    ]
