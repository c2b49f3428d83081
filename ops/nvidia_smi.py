"""Reads what nvidia-smi prints: the XML of `-q -x`, and the names of MIG instances from `-L`.

XML, not CSV: only it lists MIG instances and tells whose process is on which. The fields' names differ by generation
of the driver (nvsmi_device_v11 to v13); one that a GPU lacks is N/A, [N/A], Not Supported and the like: None here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?: (?:%|MiB|W|C))?")
INSTANCE = re.compile(r"\s+MIG (?P<profile>\S+)\s+Device\s+(?P<index>\d+): \(UUID: (?P<uuid>\S+)\)")


class UnreadableError(Exception):
    """The text is not nvidia-smi's XML."""


@dataclass(frozen=True)
class Process:
    """One process on a GPU; `instance` is its GPU instance and compute instance where the GPU is cut by MIG."""

    pid: int
    kind: str
    name: str
    memory_mib: float | None
    instance: tuple[str, str] | None


@dataclass(frozen=True)
class Instance:
    """One MIG instance; its profile and UUID are None where `nvidia-smi -L` did not answer."""

    index: int
    ids: tuple[str, str]
    profile: str | None
    uuid: str | None
    memory_used_mib: float | None
    memory_total_mib: float | None


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi sees it; None is what it does not report. `says` is a fault of the GPU itself."""

    index: int
    uuid: str | None
    model: str
    utilisation_percent: float | None
    memory_used_mib: float | None
    memory_total_mib: float | None
    temperature_c: float | None
    power_w: float | None
    power_limit_w: float | None
    mig: bool
    instances: Sequence[Instance]
    processes: Sequence[Process]
    says: str | None


@dataclass(frozen=True)
class Answer:
    """All GPUs of a host, in nvidia-smi's order, which is that of their indices."""

    driver: str | None
    gpus: Sequence[Gpu]


def read(xml: str, listed: str = "") -> Answer:
    """What `nvidia-smi -q -x`, and `-L` for the names of MIG instances, printed. Raises UnreadableError."""
    try:
        # Our own host's nvidia-smi wrote it; expat bounds what entities may grow to, and fetches no DTD.
        root = Xml.fromstring(xml.strip())  # noqa: S314
    except Xml.ParseError as error:
        raise UnreadableError(str(error)) from None
    if root.tag != "nvidia_smi_log":
        raise UnreadableError(f"its root is {root.tag}, not nvidia_smi_log")
    names = _profiles(listed)
    gpus = [_gpu(index, gpu, names.get(index, {})) for index, gpu in enumerate(root.findall("gpu"))]
    return Answer(_text(root, "driver_version"), gpus)


def _profiles(listed: str) -> dict[int, dict[int, tuple[str, str]]]:
    """GPU → MIG device → its profile and UUID."""
    found: dict[int, dict[int, tuple[str, str]]] = {}
    own: dict[int, tuple[str, str]] = {}
    for line in listed.splitlines():
        if gpu := re.match(r"GPU (\d+): ", line):
            own = found.setdefault(int(gpu[1]), {})
        elif match := INSTANCE.match(line):
            own[int(match["index"])] = match["profile"], match["uuid"]
    return found


def _gpu(index: int, gpu: Xml.Element, profiles: dict[int, tuple[str, str]]) -> Gpu:
    power = ("gpu_power_readings", "power_readings")
    draws = [
        f"{group}/{name}" for group in power for name in ("power_draw", "instant_power_draw", "average_power_draw")
    ]
    limits = [f"{group}/{name}" for group in power for name in ("current_power_limit", "power_limit")]
    return Gpu(
        index=index,
        uuid=_text(gpu, "uuid"),
        model=_text(gpu, "product_name") or "unknown model",
        utilisation_percent=_number(gpu, "utilization/gpu_util"),
        memory_used_mib=_number(gpu, "fb_memory_usage/used"),
        memory_total_mib=_number(gpu, "fb_memory_usage/total"),
        temperature_c=_number(gpu, "temperature/gpu_temp"),
        power_w=_number(gpu, *draws),
        power_limit_w=_number(gpu, *limits),
        mig=_text(gpu, "mig_mode/current_mig") == "Enabled",
        instances=[_instance(each, profiles) for each in gpu.findall("mig_devices/mig_device")],
        processes=[_process(each) for each in gpu.findall("processes/process_info")],
        says=_fault(gpu),
    )


def _instance(device: Xml.Element, profiles: dict[int, tuple[str, str]]) -> Instance:
    index = int(_number(device, "index") or 0)
    profile, uuid = profiles.get(index, (None, None))
    used, total = (_number(device, f"fb_memory_usage/{name}") for name in ("used", "total"))
    return Instance(index, _ids(device) or ("", ""), profile, uuid, used, total)


def _process(process: Xml.Element) -> Process:
    pid, memory = _number(process, "pid"), _number(process, "used_memory")
    kind, name = _text(process, "type") or "", _text(process, "process_name") or ""
    return Process(int(pid or 0), kind, name, memory, _ids(process))


def _ids(element: Xml.Element) -> tuple[str, str] | None:
    found = _text(element, "gpu_instance_id"), _text(element, "compute_instance_id")
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def _fault(gpu: Xml.Element) -> str | None:
    """Why a GPU has no figures: it is lost, or waits for a reset. N/A is no fault, since many boards lack a sensor."""
    texts = [
        gpu.findtext(path, "") for path in ("utilization/gpu_util", "fb_memory_usage/used", "temperature/gpu_temp")
    ]
    return next((text.strip("[] ") for text in texts if re.search(r"reset|lost|Unknown Error|ERR!", text)), None)


def _text(element: Xml.Element, path: str) -> str | None:
    text = (element.findtext(path) or "").strip()
    none = r"|\[?(N/A|Not Supported|Not Found|Unknown Error|Insufficient Permissions)\]?|.*deprecated|ERR!"
    return None if re.fullmatch(none, text) else text


def _number(element: Xml.Element, *paths: str) -> float | None:
    """The first of the paths that is a number, whatever its unit: each field has only one."""
    for path in paths:
        if match := NUMBER.fullmatch((element.findtext(path) or "").strip()):
            return float(match[1])
    return None
