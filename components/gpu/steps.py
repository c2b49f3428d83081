"""The GPUs of a host, as data: config in, steps out. Nothing here touches a host.

In the order of their use: checks (preflight), before_reboot (base), driver (gpu), ready and toolkit (engine, before the
engine itself), smoke (after it).
"""

from collections.abc import Mapping
from pathlib import Path

from components.engine.config import Containerd, Docker
from components.gpu import models
from components.gpu.config import Driver, Gpu
from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"

UNBRANCHED = 580
"""From this branch on the fabric manager's package has no branch in its name."""

_TOOLKIT_PACKAGES = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
"""Each depends on exactly its own version of the others, so that a pinned one pins all."""

RUNTIME = "/usr/bin/nvidia-container-runtime"


def checks(host: Host) -> list[Step]:
    """For preflight: number and model of the GPUs, a driver that fits them, and that a module may be loaded."""
    if host.gpu is None:
        return []
    gpu = host.gpu
    steps = [_step("gpus", {**_declared(gpu), "ids": " ".join(models.ids(gpu.model))}, {"misfits": misfits(gpu)})]
    return [*steps, _step("secure_boot")] if gpu.driver else steps


def before_reboot(host: Host) -> list[Step]:
    """For the base layer, before its reboot: keeps nouveau, and udev on POWER9, out of the driver's way."""
    if host.gpu is None or host.gpu.installed is None:
        return []
    hotplug = [_step("memory_hotplug")] if host.family == "rhel" else []
    return [_step("nouveau_off"), *hotplug]


def driver(host: Host) -> list[Step]:
    """The gpu layer: the driver, its persistence daemon, the fabric manager, power limit and clocks."""
    if host.gpu is None or host.gpu.installed is None:
        return []
    gpu, of = host.gpu, host.gpu.installed
    steps = [_step("nouveau_gone"), *_installed(gpu, of)]
    if gpu.persistence:
        steps.append(_step("persistence"))
    if gpu.fabric_manager == "auto":
        steps.append(_step("fabric_manager", {"package": fabric_manager(host, of)}))
    return [*steps, *_settings(gpu)]


def ready(host: Host) -> list[Step]:
    """Checks what nvidia-smi shows, with our driver or another one, before anything uses the GPUs."""
    if host.gpu is None or host.gpu.count == 0:
        return []
    gpu = host.gpu
    inputs = {**_declared(gpu), "ids": " ".join(models.ids(gpu.model))}
    if gpu.installed:
        inputs["driver"] = _wanted(gpu.installed)
    if gpu.cuda:
        inputs["cuda"] = gpu.cuda
    modes = {"ecc": gpu.ecc, "mig": gpu.mig, "persistence": True if gpu.installed and gpu.persistence else None}
    inputs |= {name: "on" if value else "off" for name, value in modes.items() if value is not None}
    return [_step("gpu_readback", inputs)]


def toolkit(host: Host) -> list[Step]:
    """NVIDIA's container toolkit, held, and the CDI specification; the engine's own settings are docker_settings and
    containerd_settings."""
    if host.gpu is None or host.gpu.toolkit is None:
        return []
    of = host.gpu.toolkit
    steps = [packages(toolkit_packages(host), label="gpu-toolkit", hold=True)]
    if of.package == "nvidia-container-toolkit":
        steps.append(_step("toolkit_mode", {"mode": of.mode}))
    if of.mode == "cdi":
        steps.append(_step("cdi", {"count": str(host.gpu.count)}))
    return steps


def toolkit_packages(host: Host) -> list[str]:
    """The toolkit's packages, with the version where the site has one."""
    if host.gpu is None or host.gpu.toolkit is None:
        return []
    of = host.gpu.toolkit
    names = _TOOLKIT_PACKAGES if of.package == "nvidia-container-toolkit" and of.version else (of.package,)
    return [f"{name}={of.version}" if of.version else name for name in names]


def smoke(host: Host, engine: Containerd | Docker) -> list[Step]:
    """Runs a container with every GPU, once the engine runs."""
    if host.gpu is None or host.gpu.toolkit is None or host.gpu.toolkit.smoke_image is None:
        return []
    inputs = {"image": host.gpu.toolkit.smoke_image, "engine": engine.kind, "count": str(host.gpu.count)}
    return [_step("gpu_smoke", inputs)]


def docker_settings(gpu: Gpu | None) -> dict[str, object]:
    """Settings of daemon.json for the GPUs: the runtime, CDI, and the runtime as default if the site wants it."""
    if gpu is None or gpu.toolkit is None:
        return {}
    settings: dict[str, object] = {"runtimes": {"nvidia": {"args": [], "path": RUNTIME}}}
    if gpu.toolkit.mode == "cdi":
        settings["features"] = {"cdi": True}
    return settings | ({"default-runtime": "nvidia"} if gpu.toolkit.default_runtime else {})


def containerd_settings(gpu: Gpu | None) -> dict[str, str]:
    """Inputs of the engine's step containerd_config for the GPUs."""
    if gpu is None or gpu.toolkit is None:
        return {}
    settings = {"nvidia_runtime": RUNTIME}
    if gpu.toolkit.mode == "cdi":
        settings["enable_cdi"] = "true"
    return settings | ({"default_runtime": "nvidia"} if gpu.toolkit.default_runtime else {})


def kind(gpu: Gpu, of: Driver) -> models.Kind:
    """The kernel module to install."""
    return models.kind(of.module, int(of.branch), gpu.model)


def misfits(gpu: Gpu) -> str:
    """Lines `FIRST LAST why`: the chips that the wanted driver does not run, by their range of PCI device ids."""
    if gpu.installed is None:
        return ""
    branch, module = int(gpu.installed.branch), kind(gpu, gpu.installed)
    found = [(g, why) for g in models.GENERATIONS if (why := models.unfit(g, branch, module))]
    return "".join(f"{g.first_id:04x} {g.last_id:04x} {why.removesuffix('.')}\n" for g, why in found)


def fabric_manager(host: Host, of: Driver) -> str:
    """Name of the fabric manager's package."""
    if int(of.branch) >= UNBRANCHED:
        return "nvidia-fabricmanager"
    return "nvidia-fabric-manager" if host.family == "rhel" else f"nvidia-fabricmanager-{of.branch}"


def _installed(gpu: Gpu, of: Driver) -> list[Step]:
    module = kind(gpu, of)
    if of.runfile is None:
        stream = f"{of.branch}-{'open' if module == 'open' else 'dkms'}"
        package = "nvidia-open" if module == "open" else "cuda-drivers"
        return [
            packages(["@kernel-headers"], label="gpu-build"),
            _step("driver_pin", {"wanted": _wanted(of), "stream": stream}),
            _step("driver", {"wanted": _wanted(of), "package": package}),
        ]
    inputs = {"wanted": _wanted(of), "sha256": of.runfile.sha256, "options": _options(int(of.branch), module)}
    if of.runfile.url:
        inputs["url"] = of.runfile.url
    if of.runfile.file:
        inputs["file"] = str(of.runfile.file)
    build = packages(["@kernel-headers", "@build-tools", "@dkms"], label="gpu-build")
    return [build, _step("driver_runfile", inputs)]


def _options(branch: int, module: models.Kind) -> str:
    """The installer's option for the kernel module to build: before 560 a folder; before 515 none (one kind only)."""
    if branch >= models.OPEN_BY_DEFAULT:
        return f"--kernel-module-type={module}"
    return "--kernel-module-build-directory=kernel-open" if module == "open" else ""


def _settings(gpu: Gpu) -> list[Step]:
    inputs: dict[str, str] = {}
    if gpu.power_limit_watts:
        inputs["power_limit"] = str(gpu.power_limit_watts)
    clocks: Mapping[str, tuple[int, int] | None] = gpu.clocks.model_dump() if gpu.clocks else {}
    inputs |= {name: f"{pair[0]},{pair[1]}" for name, pair in clocks.items() if pair}
    return [_step("gpu_settings", inputs)] if inputs else []


def _declared(gpu: Gpu) -> dict[str, str]:
    return {"count": str(gpu.count), "model": gpu.model}


def _wanted(of: Driver) -> str:
    return of.version or of.branch


def _step(script: str, inputs: Mapping[str, str] | None = None, bulk: Mapping[str, str] | None = None) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs or {}, bulk or {})
