"""A host as SQream's document wants it, where the site says nothing else. Pure.

Rows: Q1.
"""

from typing import Any

from components.gpu.config import Toolkit
from components.host.config import Host
from components.host.machine import Account
from components.platforms.sqream.config import Sqream

LIMITS = {"nofile": 500000, "nproc": 500000, "core": -1}
"""The document's; SQream's newer guides have 1000000 for the first two."""

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
    """Account, language, tuning, limits, kernel settings, services, and the toolkit that gives containers GPUs.

    Maps are laid under the site's; anything else is set where the site has no such key. No time zone: the document's is
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
    if config.user != "root":  # which checks.py refuses in words of its own
        wanted["accounts"] = {config.user: Account(), **host.accounts}
    wanted["limits"] = {**LIMITS, **host.limits}
    wanted["sysctl"] = {**SYSCTL, **host.sysctl}
    if host.gpu and "toolkit" not in host.gpu.model_fields_set:
        wanted["gpu"] = host.gpu.model_copy(update={"toolkit": Toolkit()})
    return host.model_copy(update=wanted)
