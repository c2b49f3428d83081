"""Folders of the system and of other programs: what a step owns may not be one of them.

A step creates its folder, may give all of it away (`chown -R`), and removes it in the end (`rm -rf`): in /var/lib that
would be the data of every other service.

Rows: H16.
"""

import re
from posixpath import normpath

from components.shown import quoted

_TREES = re.compile(r"/(bin|boot|dev|lib|lib32|lib64|libx32|lost\+found|proc|root|run|sbin|sys|var/run|var/lock)(/.*)?")
"""Nothing in them belongs to a site."""
_USR = re.compile(r"/usr(/(?!local/)[^/]+(/.*)?|/local(/(bin|etc|games|include|lib|libexec|man|sbin|share|src))?)?")
"""/usr is the distribution's, but for folders in /usr/local that are not of the Filesystem Hierarchy Standard."""
_WHOLE = re.compile(
    r"/|/(etc|home|media|mnt|opt|srv|tmp|var)|/usr/local|/etc/opt|/var/(backups|cache|lib|local|log|mail|opt|spool|tmp)"
)
"""A site may have a folder in them."""
_ETC = frozenset(
    {
        *("alternatives", "apt", "audit", "chrony", "cni", "containerd", "containers", "cron.d", "cron.daily"),
        *("cron.hourly", "cron.monthly", "cron.weekly", "dbus-1", "default", "dnf", "docker", "dpkg", "fonts"),
        *("gpu-metal", "grub.d", "init.d", "kernel", "kubernetes", "ld.so.conf.d", "logrotate.d", "modprobe.d"),
        *("modules-load.d", "munge", "netplan", "network", "NetworkManager", "nvidia-container-runtime"),
        *("opt/cni", "pam.d", "pki", "polkit-1", "profile.d", "rc.d", "rpm", "rsyslog.d", "samba"),
        *("security", "selinux", "skel", "slurm", "ssh", "ssl", "sudoers.d", "sysconfig", "sysctl.d", "systemd"),
        *("tmpfiles.d", "udev", "X11", "xdg", "yum", "yum.repos.d"),
    }
)
_LIB = frozenset(
    {
        *("apt", "chrony", "cloud", "cni", "containerd", "containers", "dbus", "dhcp", "dnf", "docker", "dpkg"),
        *("etcd", "gpu-metal", "kubelet", "libvirt", "lxc", "machines", "mongodb", "munge", "mysql"),
        *("NetworkManager", "nfs", "pam", "polkit-1", "portables", "postgresql", "private", "rancher", "rpm"),
        *("samba", "selinux", "slurm", "snapd", "sudo", "systemd", "ucf"),
    }
)
_OTHERS = (
    *(f"/etc/{name}" for name in sorted(_ETC)),
    *(f"/var/lib/{name}" for name in sorted(_LIB)),
    *("/var/log/journal", "/var/log/pods", "/var/log/containers", "/var/spool/cron", "/opt/cni", "/opt/containerd"),
)
"""Folders of programs that a host may have: they and what is in them are theirs."""


def not_own(path: str, *mine: str) -> str | None:
    """Why a step may not own this path; None if it may. `mine` are folders of the program that the step is about."""
    plain = _plain(path)
    written = quoted(path) if plain == path.rstrip("/") else f"{quoted(path)}, which is {plain},"
    if any(_is_in(plain, own) for own in mine):
        return _written_out(path, plain)
    if _TREES.fullmatch(plain) or _USR.fullmatch(plain) or _WHOLE.fullmatch(plain):
        return f"{written} is a folder of the system, and all in it would be given away or removed. {_FIX}"
    if other := next((other for other in _OTHERS if _is_in(plain, other)), None):
        return f"{written} belongs to another program ({other}), which would lose what it has there. {_FIX}"
    return _written_out(path, plain)


_FIX = "Write a folder of its own, for example /srv/NAME."


def not_mountable(path: str) -> str | None:
    """Why no disk may be mounted on this path; None if one may. The step itself refuses to hide what is there."""
    plain = _plain(path)
    if _TREES.fullmatch(plain) or _USR.fullmatch(plain) or plain in ("/", "/var", "/var/lib") or _is_in(plain, "/etc"):
        text = f"{quoted(path)} is a folder that the system needs while it starts, and a disk there would hide it."
        return f"{text} Write another one, for example /data."
    return _written_out(path, plain)


def not_shareable(path: str) -> str | None:
    """Why the files in this path go to no client; None if they may."""
    if not_mountable(path):
        return f"{quoted(path)} is a folder of the system, whose files no client may get. Write another one: /srv/data."
    return None


def _written_out(path: str, plain: str) -> str | None:
    if ".." in path.split("/"):
        return f"{quoted(path)} leads up and down again. Write {plain}."
    return None


def _plain(path: str) -> str:
    """Without //, /./ and /../, as the kernel would find it; links are not followed."""
    return normpath("/" + path.lstrip("/"))


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
