"""Rules between the keys of a site about GPUs. Pure functions; each problem names the key and the fix."""

from collections.abc import Callable, Iterator

from components.forms import TAGGED
from components.gpu import models
from components.gpu.config import Gpu
from components.gpu.steps import kind
from components.host.config import Host
from components.problem import Problem
from stacks.messages import suggestion
from stacks.model import Site


def drivers(site: Site) -> Iterator[Problem]:
    """The driver supports the declared model, has a source, and has a version of its branch."""
    for host in site.active:
        if host.gpu is not None and host.gpu.driver is not None:
            yield from (Problem(("hosts", host.name, "gpu", *key), text) for key, text in _driver(host, host.gpu))


def _driver(host: Host, gpu: Gpu) -> Iterator[tuple[tuple[str, ...], str]]:
    driver = gpu.driver
    assert driver is not None  # noqa: S101 - the caller checks it
    branch, module = int(driver.branch), kind(gpu, driver)
    for why in _misfits(gpu.model, branch, module):
        yield ("driver",), f"{why} ({gpu.model}). Write another branch or module."
    if driver.version and not driver.version.startswith(f"{driver.branch}."):
        yield ("driver", "version"), f"{driver.version} is not of branch {driver.branch}. Change one of them."
    if driver.runfile is None:
        yield from _packages(host, branch, module)
    elif bool(driver.runfile.file) == bool(driver.runfile.url):
        yield ("driver", "runfile"), "needs file or url, and not both. Write where the installer is."
    elif not driver.version:
        yield (
            ("driver", "version"),
            f'is missing: a runfile has one exact version. Write version: "{branch}.…", as in its name.',
        )


def _packages(host: Host, branch: int, module: models.Kind) -> Iterator[tuple[tuple[str, ...], str]]:
    if module == "open" and branch < models.OPEN_BY_DEFAULT:
        text = (
            f"open has packages from branch {models.OPEN_BY_DEFAULT} on. Write proprietary, a later branch or runfile."
        )
        yield ("driver", "module"), text
    if host.family == "rhel" and (host.os or "").partition("-")[2].startswith("7"):
        yield ("driver",), f"NVIDIA has no packages of branch {branch} for {host.os}. Write runfile."


def _misfits(model: str, branch: int, module: models.Kind) -> set[str]:
    """Why no chip of the model works with this driver; empty if one does, or if the model is not known here."""
    chips = [chip for id_ in models.ids(model) if (chip := models.generation(id_))]
    reasons = [models.misfit(chip, branch, module) for chip in chips]
    return {why for why in reasons if why} if all(reasons) else set()


def settings(site: Site) -> Iterator[Problem]:
    """Settings of the gpu layer have a driver, and each range of clocks starts with the lower value."""
    for host in site.active:
        if host.gpu is None:
            continue
        key = ("hosts", host.name, "gpu")
        if not models.words(host.gpu.model):
            yield Problem((*key, "model"), "names no model. Write one as nvidia-smi -L shows it, such as H100-PCIe.")
        if host.gpu.driver is None:
            for name, value in (("powerLimitWatts", host.gpu.power_limit_watts), ("clocks", host.gpu.clocks)):
                if value is not None:
                    yield Problem(
                        (*key, name), "is set by the gpu layer, which needs driver. Write driver, or drop it."
                    )
        for name, pair in (host.gpu.clocks.model_dump() if host.gpu.clocks else {}).items():
            if pair and pair[0] > pair[1]:
                yield Problem((*key, "clocks", name), f"{list(pair)} is in the wrong order. Write [lowest, highest].")


def toolkits(site: Site) -> Iterator[Problem]:
    """A host with the container toolkit has an engine, and a package that supports its mode."""
    for host in site.active:
        if host.gpu is None or host.gpu.toolkit is None:
            continue
        key = ("hosts", host.name, "gpu", "toolkit")
        if site.engine_on(host) is None:
            yield Problem(key, "needs a container engine. Write engine: {}, or drop it.")
        if host.gpu.toolkit.package == "nvidia-docker2" and host.gpu.toolkit.mode == "cdi":
            yield Problem((*key, "mode"), "nvidia-docker2 does not support cdi. Write mode: legacy, or drop package.")
        if host.gpu.toolkit.smoke_image is not None and not TAGGED.search(host.gpu.toolkit.smoke_image):
            yield Problem((*key, "smokeImage"), "has neither tag nor digest. Write NAME:TAG or NAME@sha256:….")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (drivers, settings, toolkits)


def notes(site: Site) -> list[str]:
    """Remarks about unknown GPU models: preflight still compares the names, but nothing checks the driver."""
    unknown: dict[str, str] = {}
    for host in site.active:
        if host.gpu is not None and not models.ids(host.gpu.model):
            unknown.setdefault(host.gpu.model, host.name)
    return [
        f"hosts.{name}.gpu.model: {model} is not known here. The host's GPUs are still compared with it word by word, "
        f"but nothing checks whether the driver fits. {suggestion(model, models.NAMES)}".rstrip()
        for model, name in unknown.items()
    ]
