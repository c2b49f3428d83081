"""An NFS server and its client on one emulated host: served, mounted, dark, spoilt, mended, undone.

The server is NFS-Ganesha, and mount.nfs is the lab's, since this kernel has no NFS. Does not prove: the kernel's own
server, whose programs are faked here; that a pod of one node reads what one of another wrote (../lab does).
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.hostrun.step import Step
from components.parts.storage import steps
from components.parts.storage.config import Storage
from lab.hosts.inventory import GATEWAY, WEB_PORT
from tests.scripts.lab_host import HOST, LabHost, differences, site_host

pytestmark = [pytest.mark.lab, pytest.mark.row("S1")]

DISK = "/srv/data"
SHARE = f"{DISK}/share"
IN = {"path": "vision/in", "capacity": "1Gi", "owner": "2000:2000", "mode": "2770"}
CLIENT = ["vers=3", "timeo=600"]
SOURCE = f"deb [trusted=yes] http://{GATEWAY}:{WEB_PORT}/apt ./\n"
WANTS = "/etc/systemd/system/nfs-server.service.wants"
LEFT = {
    *("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid"),
    *("/etc/default/nfs-common.ucf-dist", "/var/lib/nfs"),
    *("nfs-ganesha-lock.service", WANTS, f"{WANTS}/nfs-ganesha-lock.service"),
}
"""What Debian's packages leave after a purge: users, and the link of a unit of NFS-Ganesha's."""


def layers(**nfs: Any) -> dict[str, list[Step]]:
    """A share on a disk of its own; the host is server and client."""
    own = {"host": HOST.name, "path": SHARE, "server": "ganesha", "versions": ["3"], **nfs}
    config = Storage.model_validate({"nfs": own, "mountOptions": CLIENT, "volumes": {"in": IN}})
    host = site_host(disks=[{"device": "/dev/sdb", "mount": DISK}])
    return {wave.layer: list(wave.steps[HOST.name]) for wave in steps.waves(config, {HOST.name: host})}


def made(host: LabHost, **nfs: Any) -> dict[str, str]:
    done: dict[str, str] = {}
    for layer, found in layers(**nfs).items():
        done |= host.apply(layer, found)
    return done


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    spare.bash("cat >/etc/apt/sources.list.d/lab.list; apt-get update -q >/dev/null", SOURCE)
    spare.bash(f"mkdir {DISK}; mount -t tmpfs disk {DISK}")
    return spare.snapshot()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001 - it is taken first
    spare.install()
    made(spare)
    yield spare
    spare.gpu_metal("remove")


@pytest.fixture
def mounted(host: LabHost) -> Iterator[str]:
    host.bash(f"mount -t nfs -o {','.join(CLIENT)} {HOST.address}:{SHARE} /mnt")
    yield "/mnt"
    host.bash("systemctl start nfs-ganesha; umount /mnt")


def as_user(user: int, command: str) -> str:
    return f"setpriv --reuid {user} --regid {user} --clear-groups bash -c '{command}' 2>&1 || true"


@pytest.mark.row("S2")
def test_it_is_served_with_owner_and_mode_as_declared_and_nothing_is_done_twice(host: LabHost, mounted: str) -> None:
    assert set(made(host).values()) == {"unchanged"}
    assert host.check() == {}
    folder = f"{mounted}/vision/in"
    assert host.bash(f"stat -c '%u:%g %a' {folder}") == "2000:2000 2770\n"
    assert host.bash(as_user(2000, f"echo mine >{folder}/file && cat {folder}/file")) == "mine\n"
    assert "Permission denied" in host.bash(as_user(2001, f"cat {folder}/file"))
    assert "Permission denied" in host.bash(f"cat {folder}/file 2>&1 || true")  # root is nobody there
    assert host.bash(f"cat {SHARE}/vision/in/file") == "mine\n"


@pytest.mark.row("M3")
def test_a_server_that_hangs_or_is_gone_is_named_in_time(host: LabHost, mounted: str) -> None:
    host.bash("kill -STOP $(systemctl show -p MainPID --value nfs-ganesha)")
    begun = time.monotonic()
    seen = host.check()
    host.bash("kill -CONT $(systemctl show -p MainPID --value nfs-ganesha)")
    assert seen["nfs_mounts"][1].startswith(f"{mounted} of {HOST.address}:{SHARE} does not answer within 5 s. Fix: ")
    assert time.monotonic() - begun < 60, "the check itself hung"
    host.bash("systemctl stop nfs-ganesha")
    seen = host.check()
    assert seen["nfs_ganesha"][1].startswith("nfs-ganesha does not run. Fix: ")
    dark = f"{HOST.address} does not answer on port 2049 within 5 s, and 1 of its mounts here hang. Fix: "
    assert seen["nfs_mounts"][1].startswith(dark)
    made(host)
    assert host.check() == {}


@pytest.mark.row("S2")
def test_what_others_did_is_seen_and_mended(host: LabHost) -> None:
    for harm, step, says in (
        (f"chmod 0700 {SHARE}/vision/in", "nfs_folders", f"has {SHARE}/vision/in with mode 2700, wants 2770"),
        (f"chown 7:7 {SHARE}/vision/in", "nfs_folders", f"has {SHARE}/vision/in of 7:7, wants 2000:2000"),
        ("echo >>/etc/ganesha/ganesha.conf", "nfs_ganesha", "has another /etc/ganesha/ganesha.conf than the site's"),
        ("systemctl disable -q --no-reload nfs-ganesha", "nfs_ganesha", "nfs-ganesha is not enabled"),
    ):
        host.bash(harm)
        assert says in host.check()[step][1]
        made(host)
        assert host.check() == {}, harm


@pytest.mark.row("S2")
def test_a_link_that_a_user_put_there_is_not_followed(host: LabHost) -> None:
    host.bash(f"mv {SHARE}/vision {SHARE}/kept; ln -s /etc {SHARE}/vision; mkdir /etc/in")
    done = host.run("storage", layers()["storage"])
    assert f"has {SHARE}/vision, which is a link or is behind one" in done.stderr
    assert host.bash("stat -c %u /etc/in") == "0\n"
    host.bash(f"rmdir /etc/in; rm {SHARE}/vision; mv {SHARE}/kept {SHARE}/vision")
    made(host)


@pytest.mark.row("S3")
def test_a_share_without_its_disk_or_too_small_is_told(host: LabHost) -> None:
    room = host.run("storage", layers(capacity="900Ti")["storage"])
    assert "MiB at /srv/data/share, the site promises 943718400 MiB. Fix: nfs.capacity in the site" in room.stderr
    made(host)
    host.bash(f"systemctl stop nfs-ganesha; umount {DISK}")
    seen = host.check()
    host.bash(f"mount -t tmpfs disk {DISK}")
    assert seen["nfs_share"][1].startswith(f"has nothing mounted at {DISK}, the disk of the share {SHARE}. Fix: ")
    made(host)
    assert host.check() == {}


def test_data_stays_and_all_else_goes(before: Mapping[str, Any], host: LabHost) -> None:
    host.bash(f"touch {SHARE}/vision/in/data")
    assert host.gpu_metal("remove").returncode == 0
    assert host.bash(f"stat -c '%u:%g' {SHARE}/vision/in {SHARE}/vision/in/data") == "2000:2000\n0:2000\n"
    host.bash(f"rm -r {SHARE}")
    assert sorted(differences(before, host.snapshot()).keys() - LEFT) == []


KERNEL = """
cat >/usr/local/sbin/exportfs <<'PROGRAM'
#!/bin/sh
[ "$1" = -s ] || exit 0
cat /etc/exports.d/*.exports 2>/dev/null | awk '/^[^#]/ { for (i = 2; i <= NF; i++) print $1 "  " $i }'
PROGRAM
chmod 0755 /usr/local/sbin/exportfs
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' \\
    >/etc/systemd/system/nfs-server.service
systemctl daemon-reload
"""


def test_the_kernels_server_exports_what_the_site_says_beside_others(spare: LabHost) -> None:
    spare.install()
    spare.bash(KERNEL)
    start = spare.snapshot()
    [export] = [step for step in layers(server="kernel", versions=["4"])["storage"] if step.id == "nfs_exports"]
    spare.bash(f"mkdir -p /etc/exports.d; echo '{SHARE} other(rw)' >/etc/exports.d/old.exports")
    refused = spare.run("storage", [export])
    others = f"/etc/exports.d/old.exports: {SHARE} other(rw)"
    assert (
        f"has another export of {SHARE}, or of a folder above it or in it ({others}). Fix: take that line out"
        in refused.stderr
    )
    spare.bash("rm -r /etc/exports.d")
    assert spare.apply("storage", [export]) == {"nfs_exports": "changed"}
    assert spare.apply("storage", [export]) == {"nfs_exports": "unchanged"}
    options = f"rw,sync,no_subtree_check,sec=sys,root_squash,mountpoint={DISK}"
    line = f"# gpu-metal\n{SHARE} {HOST.address}/32({options})\n"
    assert spare.bash("cat /etc/exports.d/gpu-metal.exports; systemctl is-active nfs-server") == f"{line}active\n"
    spare.bash("sed -i 's/root_squash/no_root_squash/' /etc/exports.d/gpu-metal.exports; systemctl stop nfs-server")
    assert "nfs_exports" in spare.check()
    assert spare.apply("storage", [export]) == {"nfs_exports": "changed"}
    assert spare.gpu_metal("undo storage").returncode == 0
    assert (
        spare.bash("systemctl is-active nfs-server || true; systemctl is-enabled nfs-server || true")
        == "inactive\ndisabled\n"
    )
    assert not [path for path in differences(start, spare.snapshot()) if not path.startswith("/var/lib/gpu-metal")]


def test_preflight_asks_the_server_of_others(spare: LabHost) -> None:
    config = Storage.model_validate({"server": {"address": GATEWAY, "path": "/export"}})
    host = site_host()
    said = spare.questions(list(steps.preflight(config, host, {HOST.name: host})))
    assert said["nfs_answers"].startswith(f"{GATEWAY} does not answer on port 2049 within 5 s. Fix: start the NFS")
