"""Rules for the machines of a site, checked before anything touches one (rows H2, H4, H5, H10 to H13)."""

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from fnmatch import fnmatchcase

from components.forms import LOCALE, PUBLIC_KEY, TIMEZONE, WINDOW, WINDOW_FORM
from components.host import timezones
from components.host.config import Host
from components.host.machine import Account, Person
from components.problem import Key, Problem
from stacks.model import Site

Found = Iterator[tuple[Key, str]]

ROOT_GROUPS = frozenset({"sudo", "wheel"})
"""Groups that let their members become root, on one family or the other."""

ESSENTIAL = (
    *("ssh", "sshd", "dbus", "dbus-broker", "networking", "NetworkManager", "systemd-networkd", "systemd-resolved"),
    *("systemd-journald", "systemd-logind", "systemd-udevd", "kubelet", "containerd", "docker"),
)
"""Services that a host needs to stay reachable, or to do its work."""


def machine(site: Site) -> Iterator[Problem]:
    """Checks each host, including what it inherits."""
    for host in site.active:
        for rule in (_accounts, _numbers, _disks, _texts, _limits, _services, _reboot):
            yield from (Problem(_place(host, key), text) for key, text in rule(host))


def _place(host: Host, key: Key) -> Key:
    """Where the site says it: the account of a user follows from `users`."""
    of_user = key[0] == "accounts" and isinstance(host.accounts.get(str(key[1])), Person)
    return ("users", *key[1:]) if of_user else ("hosts", host.name, *key)


def swap(site: Site) -> Iterator[Problem]:
    """The kubelet accepts a host with swap only if failSwapOn is false."""
    if site.kubernetes is None or site.kubernetes.kubelet.get("failSwapOn") is False:
        return
    for host in site.active:
        if host.swap == "keep":
            text = "keep: the kubelet refuses to run with swap. Write off, or kubernetes.kubelet.failSwapOn: false."
            yield Problem(("hosts", host.name, "swap"), text)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (machine, swap)


def _accounts(host: Host) -> Found:
    for name, account in host.accounts.items():
        key: Key = ("accounts", name)
        if account.sudo == "with-password" and not account.password_secret:
            yield (*key, "sudo"), "needs a password, and the account has none. Write passwordSecret, or sudo: always."
        for index, group in enumerate(account.groups):
            if group in ROOT_GROUPS:
                text = f"{group} lets {name} become root. Write sudo: with-password in its place."
                yield (*key, "groups", index), text
        for index, line in enumerate(account.keys):
            if not PUBLIC_KEY.fullmatch(line):
                yield (*key, "keys", index), 'is not a public key: one line such as "ssh-ed25519 AAAA… ana@desk".'
        if name in host.account_groups:
            text = f"is a group that the account {name} brings by itself. Take it away."
            yield ("accountGroups", name), text
        if name == host.ssh.user:
            yield from _login(host, key, account)


def _login(host: Host, key: Key, account: Account) -> Found:
    """The account that the site logs in as can still log in, and still become root by `sudo -n`."""
    if account.sudo != "always":
        yield (*key, "sudo"), f"must be always, not {account.sudo}: the site logs in as this account (ssh.user)."
    if host.ssh.password_secret and account.password_secret != host.ssh.password_secret:
        text = f"is not the password that the site logs in with. Write passwordSecret: {host.ssh.password_secret}."
        yield (*key, "passwordSecret"), text


def _numbers(host: Host) -> Found:
    """No two users share a number, and no two groups do."""
    users = {name: account.uid for name, account in host.accounts.items()}
    yield from ((("accounts", name, "uid"), text) for name, text in _doubles(users))
    yield from ((("accountGroups", name), text) for name, text in _doubles(host.account_groups))


def _doubles(values: Mapping[str, Hashable | None]) -> Iterator[tuple[str, str]]:
    first: dict[Hashable, str] = {}
    for name, value in sorted(values.items()):
        if value is not None and first.setdefault(value, name) != name:
            yield name, f"{value} is also that of {first[value]}. Give each its own, or null."


def _disks(host: Host) -> Found:
    for what in ("device", "mount"):
        first: dict[str, int] = {}
        for index, disk in enumerate(host.disks):
            value = getattr(disk, what)
            if first.setdefault(value, index) != index:
                yield ("disks", index, what), f"{value} is also that of disks[{first[value]}]. Give each its own."
    for index, disk in enumerate(host.disks):
        for option in disk.options:
            if not re.fullmatch(r"[\w.=:/@%+-]+", option):
                yield ("disks", index, "options"), "has an entry that is not one word. Write options such as noatime."


def _texts(host: Host) -> Found:
    if host.locale is not None and not LOCALE.fullmatch(host.locale):
        yield ("locale",), "is not the name of a locale, for example en_US.UTF-8 or C.UTF-8."
    if host.timezone is not None and not TIMEZONE.fullmatch(host.timezone):
        yield ("timezone",), "is not the name of a time zone, for example Europe/Berlin or UTC."
    elif host.timezone is not None and not timezones.is_known(host.timezone):
        near = timezones.nearest(host.timezone)
        fix = f"Did you mean {near}?" if near else "Write one of those that timedatectl list-timezones shows."
        yield ("timezone",), f"there is no time zone {host.timezone}. {fix}"


def _limits(host: Host) -> Found:
    if host.limits.get("nofile") == -1:
        yield ("limits", "nofile"), "cannot be without limit: nobody could log in. Write a number, for example 1048576."


def _services(host: Host) -> Found:
    for index, word in enumerate(host.services_off):
        name = word.removesuffix(".service").removesuffix(".socket")
        if hit := next((essential for essential in ESSENTIAL if fnmatchcase(essential, name)), None):
            yield (
                ("servicesOff", index),
                f"would stop {hit}, which the host needs. Name the service more exactly.",
            )


def _reboot(host: Host) -> Found:
    kernel = host.kernel
    if kernel.reboot == "window" and kernel.window is None:
        yield ("kernel", "window"), 'is missing: reboot: window needs one. Write window: "Sun 02:00-05:00".'
    if kernel.window is not None and kernel.reboot != "window":
        yield ("kernel", "window"), f"has no use with reboot: {kernel.reboot}. Write reboot: window, or take it away."
    if kernel.window is not None and not WINDOW.fullmatch(kernel.window):
        yield ("kernel", "window"), WINDOW_FORM
