"""An emulated host with a Docker that an operator set up: its settings behind a link, no live-restore, an image."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from lab.tools.debian import unpacked
from tests.scripts.frozen import Recipe, frozen
from tests.scripts.lab_host import HOST, LabHost

DAEMON, THEIRS = "/etc/docker/daemon.json", "/srv/conf/docker.json"
FORMER = '{"debug": false, "log-driver": "gelf",\n "log-opts": {"gelf-address": "udp://127.0.0.1:12201"}}\n'
IMAGE = "their/web:1"
"""busybox, which runs the applet that it is given."""

_ADOPTED = Recipe(
    "Docker of an operator",
    {},
    script=f"""
        mkdir -p /etc/docker /srv/conf
        printf '{FORMER}' >{THEIRS}; chmod 640 {THEIRS}; ln -s {THEIRS} {DAEMON}
        apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends docker.io
        """,
)

_FIREWALLS = Recipe(
    "Docker of an operator, and firewalls",
    {},
    script="""
        DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nftables firewalld ufw
        systemctl disable -q --now firewalld
        """,
    on=_ADOPTED,
)


@contextmanager
def adopted(*, firewalls: bool = False) -> Iterator[LabHost]:
    """The host, just booted, with Docker and its image, and with the packages of firewalls; off again afterwards."""
    busybox = base64.b64encode((unpacked("busybox-static") / "bin" / "busybox").read_bytes()).decode()
    with frozen(HOST, _FIREWALLS if firewalls else _ADOPTED) as host:
        host.bash("mkdir /run/image; base64 -d >/run/image/busybox; chmod 755 /run/image/busybox", busybox)
        host.bash(f"tar -C /run/image -c busybox | docker import -c 'ENTRYPOINT [\"/busybox\"]' - {IMAGE}")
        yield host
