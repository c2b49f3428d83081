"""Where the lab keeps things: all outside the checkout."""

import os
from pathlib import Path

from tools import paths

CACHE = paths.CACHE
TOOLS_BIN = paths.TOOLS_BIN

LAB = Path(os.environ.get("GPU_METAL_LAB") or CACHE / "lab")
"""What belongs to this lab: keys, known_hosts, passphrase, Pulumi's state, the hosts' disks, logs."""

SIGNING_KEY = LAB / "apt" / "key.asc"
"""The public key of the depot's package sources, made by depot/signing.py."""

LOG = LAB / "log"
DISKS = LAB / "disks"
FROZEN = LAB / "frozen"
"""Layers that disks start from: hosts with Docker and so on already on them. On the file system of DISKS."""

RUN = Path("/run/gpu-metal-lab")
"""Locks of what runs now. One per machine, as the bridge and the cgroups are."""
