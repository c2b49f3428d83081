"""A site with Shifter and Slurm, of which one host is emulated."""

import base64
from collections.abc import Mapping
from typing import Any

from components.host.config import Host
from components.platforms.shifter.config import Shifter
from lab.hosts import inventory

KEY = base64.b64encode(b"a key of munge, 32 bytes or more, for tests").decode()
OTHER_KEY = base64.b64encode(b"another key of munge, 32 bytes or more").decode()
SECRETS = {"munge": KEY}
LEFT = {"/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid"}
"""Debian deletes no user of a package."""


def shifter(host: str, **more: Any) -> Shifter:
    """That host is all that there is of Shifter, and no Slurm."""
    base = {
        "kind": "shifter",
        "system": "lab",
        "source": {"version": "22.02.1"},
        "gateway": {"host": host},
        "runtimes": [host],
        "images": {"path": "/srv/images"},
        "mungeSecret": "munge",
    }
    return Shifter.model_validate({**base, **more})


def site(*machines: inventory.Host, **each: Any) -> Mapping[str, Host]:
    """Those hosts, as a site has them."""
    made = {}
    for machine in machines:
        values = {"name": machine.name, "address": machine.address, "hostKey": "ssh-ed25519 AAAA", **each}
        made[machine.name] = Host.model_validate(values)
    return made
