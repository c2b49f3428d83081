"""The whole lab: switch, hosts, depot; in this order up, and in the opposite one down."""

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TextIO

from lab import paths
from lab.depot import signing
from lab.hosts import base, disk, faults, frozen, keys, machine, network, power, settings
from lab.hosts.inventory import HOSTS, Host

Say = Callable[[str], None]


def up(say: Say) -> None:
    """Starts all that does not run yet. Raises LabError, before any change, when this machine cannot run the lab."""
    with _alone():
        began = time.monotonic()
        ours = [host for host in HOSTS.values() if host.starts_with_lab]
        off = [host for host in ours if not (network.is_up() and power.is_on(host))]
        if off:
            _ready()
            for host in off:
                power.switch_on(host, base.system(host.release, say))
        _depot().start(say)
        for host in ours:  # they boot at the same time
            power.wait(host)
        done = f"started {', '.join(host.name for host in off)}" if off else "runs already"
        say(f"lab: {done} ({time.monotonic() - began:.1f} s)")


def check() -> None:
    """Raises LabError when this machine cannot run the lab, for example because another one runs."""
    with _alone():
        machine.prepare()


def base_system(say: Say) -> None:
    """Builds the base system of the hosts that start with the lab, if it is missing."""
    for release in sorted({host.release for host in HOSTS.values() if host.starts_with_lab}):
        if not base.folder_of(release).exists():
            with _alone():
                machine.prepare()
                base.system(release, say)


def serve(say: Say) -> None:
    """Starts only switch and depot, for tests on other hosts that want those of the lab to stay off."""
    with _alone():
        _ready()
        _depot().start(say)


def down(say: Say, *, erase: bool = False) -> None:
    """Stops everything; nothing is left running or mounted, no bridge, rule or group. With erase the disks go too."""
    with _alone(interrupt=True):
        began = time.monotonic()
        try:
            _depot().stop()
        finally:
            with ThreadPoolExecutor(len(HOSTS)) as pool:
                list(pool.map(power.switch_off, HOSTS.values()))
            network.down()
            settings.give_back()
        if erase:
            for host in HOSTS.values():
                disk.erase(host)
            frozen.clear([], of_a_run=True)
        shutil.rmtree(paths.RUN)
        say(f"lab: stopped ({time.monotonic() - began:.1f} s)")


def status() -> tuple[list[str], bool]:
    """One line per host and the depot's own, and whether all hosts that start with the lab answer."""
    machine.need_root()
    lines, whole = [], True
    for host in HOSTS.values():
        state = "off" if not power.is_on(host) else "on" if power.answers(host) else "on, no answer from sshd"
        whole = whole and (state == "on" or not host.starts_with_lab)
        lines.append(f"{host.name:<8} {host.address:<13} {state}{f', {host.gpus} emulated GPUs' if host.gpus else ''}")
    return [*lines, *str(_depot().status()).splitlines()], whole


def start(host: Host) -> None:
    """Switches one host on and waits for its sshd."""
    with _alone():
        _switch_on(host)
    power.wait(host)


def stop(host: Host, grace: float = 15) -> None:
    """Shuts one host down in order; with grace 0, switches it off at once."""
    with _alone():
        power.switch_off(host, grace)


def kill(host: Host) -> None:
    """Cuts one host's power: its peers get no sign of it."""
    with _alone():
        faults.power_cut(host)


def reset(host: Host, layer: str = "") -> None:
    """A new disk for one host, as after an installation or on a frozen layer; it keeps name, address and host key."""
    with _alone():
        _ready()
        power.switch_off(host, grace=0)
        disk.renew(host, _base(host), layer)
        power.switch_on(host, _base(host))
    power.wait(host)


def freeze(host: Host, key: str, *, own: bool = False, grace: float = 60) -> None:
    """Shuts one host down and keeps its disk as a frozen layer, for any host or with `own` for itself alone.

    The host is off afterwards and has no disk: the next `reset` gives it one, on this layer or another.
    """
    with _alone():
        power.switch_off(host, grace)
        disk.freeze(host, _base(host), key, own=own)
        frozen.clear([disk.layer_of(each) for each in HOSTS.values()])


def _depot() -> ModuleType:
    """Imported only here, so that the verbs for keys and single hosts work before its libraries are installed."""
    from lab.depot import service  # noqa: PLC0415

    return service


def _switch_on(host: Host) -> None:
    _ready()
    power.switch_on(host, _base(host))


def _base(host: Host) -> Path:
    return base.system(host.release, _silent)


def _silent(_: str) -> None:
    """Drops lines about progress: one host takes only seconds."""


def _ready() -> None:
    """Prepares the machine, the keys and the switch."""
    machine.prepare()
    keys.make()
    signing.make_key()
    (paths.RUN / "folder").write_text(str(paths.LAB))
    settings.take()
    if not network.is_up():
        for host in HOSTS.values():
            power.clear(host)  # what a killed lab left
        network.up()


@contextmanager
def _alone(*, interrupt: bool = False) -> Iterator[None]:
    """One change of the lab at a time; with interrupt the one under way is ended first."""
    machine.need_root()
    while True:
        paths.RUN.mkdir(mode=0o700, exist_ok=True)
        path = paths.RUN / "lock"
        with path.open("a+") as lock:
            _take(lock, interrupt=interrupt)
            if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:  # else: `down` deleted it
                path.write_text(str(os.getpid()))
                try:
                    yield
                finally:
                    lock.truncate(0)
                return


def _take(lock: TextIO, *, interrupt: bool) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read()
        if interrupt and holder:
            with suppress(ProcessLookupError):  # the holder was killed, and left its pid in the file
                os.kill(int(holder), signal.SIGTERM)
        fcntl.flock(lock, fcntl.LOCK_EX)
