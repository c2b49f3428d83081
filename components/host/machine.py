"""Config of the machine itself: accounts, packages, disks, kernel, services (rows H2, H4 to H7, H9, H11 to H13)."""

from typing import Annotated, Literal

from pydantic import Field

from components.model import Model, SecretName

Sudo = Literal["no", "with-password", "always"]
Reboot = Literal["never", "when-needed", "window"]
AccountName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^\s:]*$")]


class Account(Model):
    """A local user (H4). Taken off the site it is taken off the host; its home stays."""

    uid: Annotated[int, Field(ge=1000, le=60000)] | None = None
    """None lets the host choose."""
    groups: tuple[AccountName, ...] = ()
    """Supplementary groups; those that neither the host nor accountGroups has are refused."""
    home: AbsolutePath | None = None
    """None is /home/NAME."""
    shell: AbsolutePath = "/bin/bash"
    """Login shell."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the password; none locks it: login by key only."""
    keys: tuple[str, ...] = ()
    """Public SSH keys, one line each: the whole of authorized_keys."""
    sudo: Sudo = "no"
    """with-password: as a member of sudo or wheel would; always: without asking."""


class Disk(Model):
    """A data device, its filesystem and where it is mounted (H2). One that holds anything is never formatted."""

    device: AbsolutePath
    """Better /dev/disk/by-id/… than /dev/sdb, which may be another disk after a boot."""
    mount: AbsolutePath
    """The mount point, made when absent."""
    filesystem: Literal["ext4", "xfs"] = "ext4"
    """Made only on a device without any signature."""
    options: tuple[str, ...] = ("defaults",)
    """As in fstab(5)."""
    owner: str | None = None
    """`user` or `user:group` of the mount point; none leaves it."""


class Kernel(Model):
    """The kernel that runs, and when a host may restart (H13, H19)."""

    at_least: Annotated[str, Field(pattern=r"^\d+\.\d+(\.\d+)?$")] | None = None
    """Preflight refuses an older one, for example "5.13"."""
    package: str | None = None
    """Kernel package to run, `name` or `name=version`; installed and held, in use after a reboot."""
    arguments: tuple[str, ...] = ()
    """On the kernel's command line, for example systemd.unified_cgroup_hierarchy=1."""
    reboot: Reboot = "never"
    """never: a step that needs one fails and says so; when-needed: at once, if no GPU is in use; window: within it."""
    window: str | None = None
    """`DAY HH:MM-HH:MM` in the host's time, DAY as in Sun or daily."""


class MachineSettings(Model):
    """What may stand at every level of the site about the machine itself."""

    accounts: dict[AccountName, Account] = {}
    """Local users by name."""
    account_groups: dict[AccountName, Annotated[int, Field(ge=1000, le=60000)] | None] = {}
    """Local groups by name, with their number or null."""
    locale: str | None = None
    """For example en_US.UTF-8: generated and the system's default."""
    timezone: str | None = None
    """For example Europe/Berlin."""
    packages: tuple[str, ...] = ()
    """`name` or `name=version`; `@term` is a term of the host's family: @kernel-headers, @build-tools, @nfs-client …"""
    hold: tuple[str, ...] = ()
    """Packages of `packages` by name that no upgrade may touch."""
    disks: tuple[Disk, ...] = ()
    """Data disks."""
    tuned: str | None = None
    """Profile of tuned, for example throughput-performance."""
    target: Literal["multi-user", "graphical"] | None = None
    """What systemd boots into; none leaves it."""
    services_off: tuple[Annotated[str, Field(pattern=r"^[\w@.*-]+$")], ...] = ()
    """systemd units to stop and mask, where the host has them; globs too: abrt*, apport, unattended-upgrades."""
    swap: Literal["off", "keep"] | None = None
    """off: now and after a reboot. None: off where Kubernetes runs, else kept."""
    kernel: Kernel = Kernel()
    selinux: Literal["enforcing", "permissive", "disabled"] | None = None
    """State on hosts that have SELinux (H17); none leaves it. disabled takes a reboot."""
