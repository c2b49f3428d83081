"""Rules for SQream in its site. Pure functions; each problem names the key, from the entry on, and the fix."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import PurePosixPath

from components.forms import IDENTIFIER, WINDOW, WINDOW_FORM
from components.host.config import Host
from components.parts.part import Ground
from components.platforms.sqream import ports
from components.platforms.sqream.config import Sqream, Worker
from components.problem import Key, Problem

_DECIDED = {
    "cluster": "folders.storage",
    "gpu": "workers[].gpu",
    "machineIP": "the host's address",
    "metadataServerIp": "host",
    "metadataServerPort": "metadataPort",
    "port": "workers[].port",
    "spoolMemoryGB": "workers[].spoolGb",
}
"""Worker settings that follow from other keys of the site, and from which."""
_TYPES: dict[str, type] = {
    "cudaMemQuota": int,
    "initialSubscribedServices": str,
    "limitQueryMemoryGB": int,
    "useConfigIP": bool,
}
"""Types of the settings that SQream's documents describe."""


def hosts(config: Sqream, ground: Ground) -> Iterator[Problem]:
    """The hosts are in the site, and the master's is not gone."""
    host = ground.hosts.get(config.host)
    if host is None or host.state == "gone":
        what = "is gone" if host else "is not a host of this site"
        yield Problem(("host",), f"{config.host} {what}. Write one of hosts.")
    for name in config.worker_hosts:
        if name == config.host:
            yield Problem(("workerHosts", name), "is the master's host. Write its workers under workers.")
        elif name not in ground.hosts:
            yield Problem(("workerHosts", name), f"{name} is not a host of this site. Write one of hosts.")


def package(config: Sqream, _: Ground) -> Iterator[Problem]:
    """The package has one source, and the window for upgrades is well-formed."""
    own = config.installer
    if (own.file is None) == (own.url is None):
        yield Problem(("installer",), "needs one of file and url. Write where the package is.")
    if config.window is not None and not WINDOW.fullmatch(config.window):
        yield Problem(("window",), WINDOW_FORM)


def folders(config: Sqream, _: Ground) -> Iterator[Problem]:
    """Each folder is SQream's alone, and none is inside another one; only ingest may be inside storage."""
    own = {k: PurePosixPath(path) for k, path in config.folders.model_dump().items() if path}
    for name, path in own.items():
        if path == PurePosixPath("/home", config.user):
            text = f"{path} is the user's home, where the package is. Name a folder in it, or elsewhere."
            yield Problem(("folders", name), text)
        for other, place in own.items():
            inside = path.is_relative_to(place) and other != name
            if inside and (path == place or (name, other) != ("ingest", "storage")):
                yield Problem(("folders", name), f"{path} is inside {other} {place}. Name another one.")
                break


def workers(config: Sqream, ground: Ground) -> Iterator[Problem]:
    """Workers have declared GPUs, valid ports and settings, and shares of a GPU that fit."""
    for name in (config.host, *config.worker_hosts):
        host = ground.hosts.get(name)
        if host is None or host.state == "gone":
            continue
        at: Key = () if name == config.host else ("workerHosts", name)
        yield from _ports(config, name, at)
        for index, worker in enumerate(ports.workers_on(config, name)):
            yield from _gpu(host, worker, (*at, "workers", index))
            yield from _settings(worker.settings, (*at, "workers", index, "settings"))
        yield from _shares(ports.workers_on(config, name), at)


def studio(config: Sqream, _: Ground) -> Iterator[Problem]:
    """Studio's port is not set: the console's command for Studio takes no port."""
    if config.studio_port not in (None, ports.STUDIO) and ports.has_studio(config):
        text = f"is for the editor before 4; Studio listens on {ports.STUDIO}. Take the key away."
        yield Problem(("studioPort",), text)


def toolkits(config: Sqream, ground: Ground) -> Iterator[Problem]:
    """No host turns the toolkit off, through which containers get their GPUs."""
    for name in (config.host, *config.worker_hosts):
        host = ground.hosts.get(name)
        if host and host.state != "gone" and host.gpu and host.gpu.toolkit is None:
            text = "is null, but SQream's containers need the toolkit for GPUs. Take the key away."
            yield Problem(("hosts", name, "gpu", "toolkit"), text, elsewhere=True)


def _gpu(host: Host, worker: Worker, at: Key) -> Iterator[Problem]:
    count = host.gpu.count if host.gpu else 0
    if worker.gpu >= count:
        text = (
            f"{host.name} has no GPU {worker.gpu}: it declares {count}, counted from 0. Correct it, or the host's gpu."
        )
        yield Problem((*at, "gpu"), text)


def _ports(config: Sqream, host: str, at: Key) -> Iterator[Problem]:
    """Ports, counted up from the first one, stay within 65535."""
    for what, listening in ports.listening(config, host).items():
        if beyond := next((port for port in listening if port > 65535), None):
            yield Problem(at, f"port {beyond} for {what} is beyond 65535. Lower firstPort or workers[].port.")
            return


def _shares(entries: tuple[Worker, ...], at: Key) -> Iterator[Problem]:
    """Shares of a GPU's memory add up to 100 % at most."""
    shares: Counter[int] = Counter()
    for worker in entries:
        quota = worker.settings.get("cudaMemQuota")
        shares[worker.gpu] += worker.count * quota if isinstance(quota, int) and quota <= 100 else 0
    for gpu, share in shares.items():
        if share > 100:
            text = f"ask for {share} % of GPU {gpu}'s memory (cudaMemQuota × count). Lower cudaMemQuota."
            yield Problem((*at, "workers"), text)


def _settings(settings: Mapping[str, object], at: Key) -> Iterator[Problem]:
    """The console accepts any file, but a value that is not JSON or has the wrong type ends the worker."""
    for name, value in settings.items():
        if not IDENTIFIER.fullmatch(name):
            yield Problem((*at, name), "is not the name of a setting: letters, digits and _, as in SQream's documents.")
        elif name in _DECIDED:
            yield Problem((*at, name), f"follows from {_DECIDED[name]}. Take it away.")
        elif isinstance(value, dict):
            yield from _settings(value, (*at, name))
        elif isinstance(value, float) and not math.isfinite(value):
            yield Problem((*at, name), "is not a number that JSON allows. Write another one.")
        elif name in _TYPES and type(value) is not _TYPES[name]:
            kind = {int: "a whole number", str: "a text", bool: "true or false"}[_TYPES[name]]
            yield Problem((*at, name), f"is not {kind}. Write one, without quotes for numbers, true and false.")
        elif name == "cudaMemQuota" and not 0 <= int(str(value)) <= 100:
            yield Problem((*at, name), "must be a share of the GPU's memory in percent: 0 to 100.")


def hadoop(config: Sqream, _: Ground) -> Iterator[Problem]:
    """The files have the content that their names promise."""
    if config.hadoop is None:
        return
    import xml.etree.ElementTree as ET  # noqa: PLC0415 - few sites have these files, and all would load it

    for alias, path in (("coreSite", config.hadoop.core_site), ("hdfsSite", config.hadoop.hdfs_site)):
        at = ("hadoop", alias)
        if not path.is_file():
            continue  # its type says so
        try:
            root = ET.parse(path).getroot()  # noqa: S314 - the operator's own file
        except ET.ParseError as error:
            yield Problem(at, f"the file is not XML: {error}. Copy it anew from the Hadoop cluster.")
            continue
        if root.tag != "configuration":
            yield Problem(at, f"is XML of {root.tag}, not of configuration. Copy it anew from the Hadoop cluster.")
    krb5, at = config.hadoop.krb5, ("hadoop", "krb5")
    if krb5.is_file() and "[libdefaults]" not in krb5.read_text(errors="replace"):
        yield Problem(at, "has no section [libdefaults]. Copy it anew from a Kerberos client.")


CHECKS: tuple[Callable[[Sqream, Ground], Iterator[Problem]], ...] = (
    *(hosts, package, folders, workers, studio, toolkits, hadoop),
)


def checks(config: Sqream, ground: Ground) -> Iterator[Problem]:
    """Every problem of an entry."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Sqream, _: Ground) -> Iterator[Problem]:
    """Remarks about settings that are allowed."""
    if config.overwrite != "no":
        yield Problem(("overwrite",), "a first installation empties all folders. Take it away after pulumi up.")
    if config.worker_hosts:
        text = f"{config.folders.storage} must be one filesystem, which you mount on all of them"
        yield Problem(("workerHosts",), f"{text}; and SQream's guide describes Docker for one host only.")
    if config.metadata_change not in {None, config.installer.versions.database}:
        text = f"{config.metadata_change} is not the version that installer brings, so it agrees to nothing."
        yield Problem(("metadataChange",), text)
