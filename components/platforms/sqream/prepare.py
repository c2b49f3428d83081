"""A host's defaults from SQream's document, which the site's own settings override. Pure.

Rows: Q1.
"""

from typing import Any

from components.gpu.config import Toolkit
from components.host.config import Host
from components.host.machine import Account
from components.platforms.sqream.config import Sqream

LIMITS = {"nofile": 500000, "nproc": 500000, "core": -1}
"""The document's values; SQream's newer guides have 1000000 for the first two."""

SYSCTL = {
    "vm.dirty_background_ratio": "5",
    "vm.dirty_ratio": "10",
    "vm.swappiness": "10",
    "vm.vfs_cache_pressure": "200",
    "vm.zone_reclaim_mode": "0",
}

SERVICES_OFF = (
    "abrt-ccpp.service",
    "abrtd.service",
    "abrt-oops.service",
    "abrt-pstoreoops.service",
    "abrt-vmcore.service",
    "abrt-xorg.service",
)
"""They catch core dumps and reports of crashes; a host that lacks one has nothing to stop."""


def prepare(config: Sqream, host: Host) -> Host:
    """Sets account, language, tuning, limits, kernel settings, services, and the toolkit that gives containers GPUs.

    The site's own keys override these: in maps key by key, anything else as a whole. No time zone: the document's is
    an example. No time servers: they are the site's own.
    """
    said = host.model_fields_set
    chosen: dict[str, Any] = {
        "locale": "en_US.UTF-8",
        "tuned": "throughput-performance",
        "target": "multi-user",
        "services_off": SERVICES_OFF,
    }
    wanted = {key: value for key, value in chosen.items() if key not in said}
    if config.user != "root":  # checks.py refuses root with its own message
        wanted["accounts"] = {config.user: Account(), **host.accounts}
    wanted["limits"] = {**LIMITS, **host.limits}
    wanted["sysctl"] = {**SYSCTL, **host.sysctl}
    if host.gpu and "toolkit" not in host.gpu.model_fields_set:
        wanted["gpu"] = host.gpu.model_copy(update={"toolkit": Toolkit()})
    return host.model_copy(update=wanted)
