"""Config of the machine itself: accounts, packages, disks, kernel, services (rows H2, H4 to H7, H9, H11 to H13)."""

import re
from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.folders import not_mountable, not_own
from components.host.reserved import not_free
from components.model import Model, SecretName, Word
from components.rule import Rule
from components.shown import quoted

Sudo = Literal["no", "with-password", "always"]
Reboot = Literal["never", "when-needed", "window"]


_NAME = "a-z, 0-9, '_' and '-', 32 at most, a letter first."
AccountName = Annotated[str, form(r"^[a-z][a-z0-9_-]{0,31}$", f"is not the name of a user or group: {_NAME}")]
OwnAccount = Annotated[AccountName, Rule(not_free)]
"""A user or group that a step creates, changes and deletes."""
GroupName = Annotated[str, form(r"^[a-z_][a-z0-9_-]{0,31}$", f"is not the name of a group: {_NAME}")]
Owner = Annotated[
    str, form(r"^[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?$", "is not an owner: write user or user:group.")
]
AbsolutePath = Annotated[str, form(r"^/[^\s:]+$", "is not a path: write it from / on, without blanks and colons.")]
"""A path that is only read, or whose owner is another step."""
OwnFolder = Annotated[AbsolutePath, Rule(not_own)]
"""A folder that a step owns: it creates it, may give it to another user, and removes it."""
DevicePath = Annotated[
    str,
    form(
        r"^/dev(/[A-Za-z0-9_.:@+=-]+)+$",
        "is not a device: write /dev/…, best /dev/disk/by-id/… (ls -l /dev/disk/by-id).",
    ),
]
MountPath = Annotated[
    str,
    form(
        r"^(/[A-Za-z0-9_][A-Za-z0-9_.@+=-]*)+$",
        "is not a mount point: a path from / on, such as /data, no / at its end.",
    ),
    Rule(not_mountable),
]
UnitGlob = Annotated[str, form(r"^[A-Za-z0-9_@.*:-]+$", "is not a unit's name or glob, for example apport or abrt*.")]
KernelArgument = Annotated[str, form(r"^[^\s\"'`$\\]+$", "is not a kernel argument: one word without quotes, $, \\.")]


def _not_a_version(text: str) -> str | None:
    if re.fullmatch(r"[A-Za-z0-9*][A-Za-z0-9.+:~^_*?-]*", text):
        return None
    return f'{quoted(text)} is not the version of a package: one word, such as "1.7.28-1" or, as a glob, "1.7.*".'


PackageVersion = Annotated[str, Rule(_not_a_version)]
KernelVersion = Annotated[str, form(r"^[0-9]+\.[0-9]+(\.[0-9]+)?$", 'is not a kernel version, for example "5.13".')]


class Account(Model):
    """A local user (H4). When it is removed from the site, it is deleted on the host; its home stays."""

    uid: Annotated[int, Field(ge=1000, le=60000)] | None = None
    """Number of the user; unset lets the host choose."""
    groups: tuple[GroupName, ...] = ()
    """Supplementary groups; those that neither the host nor accountGroups has are refused."""
    home: OwnFolder | None = None
    """Default: the home that the user has already, else /home/NAME."""
    shell: AbsolutePath | None = None
    """Login shell. Default: the one that the user has already, else /bin/bash."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the password; none locks it: login by key only. To lock a user that others made and
    that has a password, write null."""
    keys: tuple[str, ...] = ()
    """Public SSH keys, one line each: all of authorized_keys, except that the site's login user keeps its others."""
    sudo: Sudo = "no"
    """with-password: as a member of sudo or wheel would; always: without a password. To end the rights of a user that
    others made and that may become root, write no."""


class Person(Account):
    """The account of one of the site's users. It is never one that others made: accounts.NAME takes over such a one."""


class Disk(Model):
    """A data device, its filesystem and its mount point (H2). A device that holds anything is never formatted."""

    device: DevicePath
    """Better /dev/disk/by-id/… than /dev/sdb, which may be another disk after a boot."""
    mount: MountPath
    """The mount point, created when it is absent."""
    filesystem: Literal["ext4", "xfs"] = "ext4"
    """Made only on a device without any signature."""
    options: tuple[str, ...] = ("defaults",)
    """As in fstab(5); nofail is always added, so that a host starts without the disk and can report it."""
    owner: Owner | None = None
    """`user` or `user:group` of the mount point; unset leaves it as it is."""


class Kernel(Model):
    """The kernel that runs, and when a host may restart (H13, H19)."""

    at_least: KernelVersion | None = None
    """Preflight refuses an older one, for example "5.13"."""
    package: str | None = None
    """Kernel package to run, `name` or `name=version`; installed and held, in use after a reboot."""
    arguments: tuple[KernelArgument, ...] = ()
    """On the kernel's command line, for example systemd.unified_cgroup_hierarchy=1."""
    reboot: Reboot = "never"
    """never: a step that needs one fails and says so; when-needed: when its layer is done, unless a
    GPU or a pod is in use; window: the same, within it."""
    window: str | None = None
    """`DAY HH:MM-HH:MM` in the host's time, DAY as in Sun or daily. `pulumi up` fails outside of it and says when."""


class MachineSettings(Model):
    """Settings of the machine itself, for every level of the site."""

    accounts: dict[OwnAccount, Account] = {}
    """Local users by name. A user removed from the site is deleted on the host; its home stays."""
    account_groups: dict[OwnAccount, Annotated[int, Field(ge=1000, le=60000)] | None] = {}
    """Local groups by name, with their number; null lets the host choose."""
    locale: str | None = None
    """The system's language, installed and set as default, for example en_US.UTF-8 (H5)."""
    timezone: str | None = None
    """The host's time zone, for example Europe/Berlin (H5)."""
    packages: tuple[str, ...] = ()
    """`name` or `name=version`; `@term` is named per family: @kernel-headers, @build-tools, @nfs-client … (H7)"""
    hold: tuple[str, ...] = ()
    """Packages of `packages` by name that no upgrade may touch (H7)."""
    disks: tuple[Disk, ...] = ()
    """Data disks: filesystem and mount; one that holds anything is never formatted (H2)."""
    tuned: Word | None = None
    """Profile of tuned, for example throughput-performance (H9)."""
    target: Literal["multi-user", "graphical"] | None = None
    """The target that systemd boots into; unset leaves it as it is (H9)."""
    services_off: tuple[UnitGlob, ...] = ()
    """systemd units to stop and mask, if the host has them; also globs: abrt*, apport, unattended-upgrades (H11)."""
    swap: Literal["off", "keep"] | None = None
    """off: now and after a reboot. Default: off if the host runs Kubernetes, else kept (H12)."""
    kernel: Kernel = Kernel()
    selinux: Literal["enforcing", "permissive", "disabled"] | None = None
    """State on hosts that have SELinux (H17); unset leaves it as it is. disabled needs a reboot."""
