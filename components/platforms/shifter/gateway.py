"""Shifter's image gateway on its host, as data: config in, steps out. Nothing here touches a host.

database → folders, account → code → virtual environment → imagemanager.json → service (→ workers, before 18.03)
"""

import json
from collections.abc import Mapping
from pathlib import Path

from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.platforms.shifter.config import Shifter
from components.platforms.shifter.roles import SOURCE, gateway_urls
from components.platforms.shifter.versions import WITHOUT_CELERY, release

Hosts = Mapping[str, Host]

_SCRIPTS = Path(__file__).parent / "steps"

DATABASE_PORT, BROKER_PORT = 27017, 6379
"""The default ports of MongoDB and Redis; nothing here changes them."""

LOCAL_DATABASE = f"mongodb://127.0.0.1:{DATABASE_PORT}/"
"""Where a MongoDB from a package listens."""

_MUNGE_SOCKET = "/run/munge/munge.socket.2"


def steps(config: Shifter, host: Host, hosts: Hosts) -> list[Step]:  # noqa: ARG001 (all roles have this signature)
    """The gateway's steps on its host, after those of munge and of the source."""
    gateway = config.gateway
    return [
        _expand(config),
        *_database(config),
        packages(_tools(config), label="imagegw"),
        Step(_SCRIPTS / "imagegw_folders.sh", {"user": gateway.user, **_folders(config)}),
        _code(config),
        _environment(config),
        _manager(config),
        *_broker(config),
        Step(_SCRIPTS / "imagegw_service.sh", _service(config, host)),
        *_workers(config),
    ]


def checks(config: Shifter, host: Host, hosts: Hosts) -> list[Step]:  # noqa: ARG001
    """The preflight checks of the gateway's host."""
    port = Step(_SCRIPTS / "imagegw_port.sh", {"port": str(config.gateway.port)})
    return [_expand(config), port]


def reachable(config: Shifter, hosts: Hosts) -> list[Step]:
    """On each host that runs containers: each gateway answers, knows the system, and accepts this host's munge."""
    urls = " ".join(gateway_urls(config, hosts))
    asked = {"urls": urls, "system": config.system, "host": config.gateway.host}
    return [packages(["@curl"], label="imagegw-client"), Step(_SCRIPTS / "imagegw_reachable.sh", asked)]


def manager(config: Shifter) -> dict[str, object]:
    """imagemanager.json; the URI of a database elsewhere is a secret that the step adds."""
    gateway = config.gateway
    known: dict[str, object] = {
        "WorkerThreads": gateway.worker_threads,
        "DefaultImageLocation": next(iter(gateway.locations)),
        "DefaultImageFormat": "squashfs",
        "PullUpdateTimeout": 300,
        "ImageExpirationTimeout": "90:00:00:00",
        "MongoDBURI": LOCAL_DATABASE,
        "MongoDB": "Shifter",
        "CacheDirectory": _folders(config)["cache"] + "/",
        "ExpandDirectory": config.images.expand + "/",
    }
    if has_workers(config):
        known["Broker"] = f"redis://127.0.0.1:{BROKER_PORT}/0"
    locations = {
        name: {"remotetype": "dockerv2", "authentication": "http", **location.model_dump(exclude_none=True)}
        for name, location in gateway.locations.items()
    }
    platform = {
        "mungeSocketPath": _MUNGE_SOCKET,
        "accesstype": "local",
        "admins": list(gateway.admins),
        "usergroupService": "local",
        "local": {"imageDir": config.images.path},
        **({"use_external": True} if gateway.external else {}),
    }
    platforms = dict.fromkeys((config.system, *gateway.also), platform)
    return {**known, **gateway.more, "Locations": locations, "Platforms": platforms}


def has_workers(config: Shifter) -> bool:
    """Whether the version's gateway pulls with Celery workers."""
    return release(config.source.version) < WITHOUT_CELERY


def _database(config: Shifter) -> list[Step]:
    mongodb = config.gateway.mongodb
    if mongodb.uri_secret:
        return []
    return [
        Step(_SCRIPTS / "mongodb_source.sh", {"package": mongodb.package}),
        packages([mongodb.package], label="mongodb", hold=True),
        Step(_SCRIPTS / "mongodb_service.sh", {"unit": mongodb.service}),
    ]


def _tools(config: Shifter) -> list[str]:
    tools = ["@squashfs", "@curl", "@virtualenv" if _old_python(config) else "@venv"]
    return [*tools, "skopeo", "umoci"] if config.gateway.external else tools


def _old_python(config: Shifter) -> bool:
    """True for Python 2, which has no module venv."""
    return Path(config.gateway.python).name.startswith("python2")


def _environment(config: Shifter) -> Step:
    gateway = config.gateway
    inputs = {"path": gateway.path, "python": gateway.python, "index": gateway.index or ""}
    own = {"requirements": gateway.requirements.read_text()} if gateway.requirements else {}
    return Step(_SCRIPTS / "imagegw_environment.sh", {**inputs, "own": "yes" if own else "no"}, own)


def _manager(config: Shifter) -> Step:
    text = json.dumps(manager(config), indent=4)
    uri = config.gateway.mongodb.uri_secret
    inputs = {"file": _file(config), "user": config.gateway.user, "database": "elsewhere" if uri else "here"}
    return Step(_SCRIPTS / "imagegw_config.sh", inputs, {"settings": text}, {"uri": uri} if uri else {})


def _runs(config: Shifter) -> dict[str, str]:
    gateway = config.gateway
    return {
        "path": gateway.path,
        "user": gateway.user,
        "file": _file(config),
        "systems": " ".join((config.system, *gateway.also)),
        "images": config.images.path,
    }


def _service(config: Shifter, host: Host) -> dict[str, str]:
    gateway = config.gateway
    return {
        **_runs(config),
        "listen": "0.0.0.0" if host.address.version == 4 else "::",  # noqa: S104 (every host of the site asks it)
        "port": str(gateway.port),
        "after": "" if gateway.mongodb.uri_secret else f"{gateway.mongodb.service}.service",
    }


def _broker(config: Shifter) -> list[Step]:
    if not has_workers(config):
        return []
    return [packages(["@redis"], label="redis"), Step(_SCRIPTS / "imagegw_redis.sh")]


def _workers(config: Shifter) -> list[Step]:
    if not has_workers(config):
        return []
    return [Step(_SCRIPTS / "imagegw_workers.sh", {**_runs(config), "threads": str(config.gateway.worker_threads)})]


def _expand(config: Shifter) -> Step:
    shared = "yes" if config.images.shared_expand else "no"
    return Step(_SCRIPTS / "imagegw_expand.sh", {"expand": config.images.expand, "shared": shared})


def _folders(config: Shifter) -> dict[str, str]:
    images = config.images
    return {"images": images.path, "cache": images.cache or f"{images.path}/cache", "expand": images.expand}


def _file(config: Shifter) -> str:
    return f"{config.sysconfdir}/imagemanager.json"


def _code(config: Shifter) -> Step:
    source = config.source
    revision = source.archive.sha256 if source.archive else source.git.revision if source.git else ""
    place = {"source": f"{SOURCE}/imagegw", "path": config.gateway.path, "sysconfdir": config.sysconfdir}
    return Step(_SCRIPTS / "imagegw_code.sh", {**place, "id": revision})
