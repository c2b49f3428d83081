"""`sitectl top`: what the GPUs of all hosts do now, over SSH, as nvidia-smi tells it there. Changes nothing.

A host that cannot be asked, or whose driver hangs, is a row with the reason.

Rows: R13.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, Report, unreachable
from components.hostrun.target import SshError, Target
from ops import addresses
from ops.nvidia_smi import Answer, Gpu, UnreadableError, read

SCRIPT = Path(__file__).with_name("top.sh").read_text()
LOGIN = 15.0
"""Seconds for the login and the script itself, beyond those that nvidia-smi gets."""
DRIVER = "there: dmesg | grep -i -e nvrm -e xid"


NOTHING = Answer(None, ())


@dataclass(frozen=True)
class User:
    """Whose process it is: the login name, and the pod that it runs in."""

    name: str
    pod_uid: str | None = None
    namespace: str | None = None
    pod: str | None = None


@dataclass(frozen=True)
class Seen:
    """One host's answer, or the check that says why it has none."""

    check: Check
    answer: Answer = NOTHING
    users: Mapping[int, User] | None = None


@dataclass(frozen=True)
class Asked:
    """The hosts to ask; `known` are the results of those that are not asked, `bare` may have no GPU."""

    fleet: Fleet
    known: Mapping[str, Seen]
    order: Sequence[str]
    bare: frozenset[str]
    wait: float

    async def one(self, target: Target) -> Seen:
        """Asks one host. Raises SshError."""
        text = f"limit={self.wait:.0f}\n{SCRIPT}".encode()
        done = await self.fleet.ask(target, "bash -s", stdin=text, deadline=self.wait * 2 + LOGIN)
        return seen(target.name, done.stdout, done.stderr, self.wait, bare=target.name in self.bare)


async def once(asked: Asked, heard: Callable[[str, Seen], None] = lambda _name, _seen: None) -> dict[str, Seen]:
    """Asks every host once, in the given order; `heard` gets each answer as it comes."""

    async def one(target: Target) -> Seen:
        try:
            found = await asked.one(target)
        except SshError as error:
            found = lost(target.name, error)
        heard(target.name, found)
        return found

    answers = await asked.fleet.each(one)
    found = {name: lost(name, one) if isinstance(one, SshError) else one for name, one in answers.items()}
    return {name: {**asked.known, **found}[name] for name in asked.order}


def lost(name: str, error: SshError) -> Seen:
    """A host that could not be asked."""
    return Seen(unreachable(addresses.without_site(error) if "@" in name else error))


def seen(host: str, stdout: str, stderr: str, wait: float, *, bare: bool) -> Seen:
    """What the script of a host printed."""
    parts = {name: (text, status) for name, text, status in map(_section, stdout.split("\x1e")[1:])}
    if "smi" not in parts:
        saw = f"its shell printed no answer: {(stderr or stdout).strip()[:200] or 'nothing'}"
        return Seen(Check("gpus", host, "failed", saw, fix="give the user an ordinary shell there"))
    xml, status = parts["smi"]
    if status != "0":
        return Seen(_failed(host, xml.strip(), status, wait, bare=bare))
    try:
        answer = read(xml, parts.get("list", ("", ""))[0])
    except UnreadableError as error:
        return Seen(Check("gpus", host, "failed", f"the answer of nvidia-smi cannot be read: {error}", fix=DRIVER))
    ill = [f"GPU {gpu.index}: {gpu.says}" for gpu in answer.gpus if gpu.says]
    check = Check("gpus", host, "failed", "; ".join(ill), fix=DRIVER) if ill else Check("gpus", host, "ok")
    return Seen(check, answer, _users(parts.get("processes", ("", ""))[0]))


def _section(text: str) -> tuple[str, str, str]:
    name, _, rest = text.partition("\x1f")
    body, _, status = rest.rpartition("\x1f")
    return name, body, status.strip()


def _failed(host: str, text: str, status: str, wait: float, *, bare: bool) -> Check:
    if status == "127" and bare:
        return Check("gpus", host, "skipped", "no GPU in the site, and no nvidia-smi")
    if status == "127":
        return Check(
            "gpus", host, "failed", "has no nvidia-smi: no NVIDIA driver is installed", fix="install its driver"
        )
    if status == "124":
        why = f" ({text.splitlines()[0]})" if text else ""
        saw = f"nvidia-smi gave no answer in {wait:g} s{why}: it hangs, the driver is stuck"
        return Check("gpus", host, "failed", saw, fix=f"{DRIVER}; if it stays so, reboot the host")
    said = text.splitlines()[0] if text else "nothing"
    return Check("gpus", host, "failed", f"nvidia-smi ended with status {status}: {said}", fix=DRIVER)


def _users(text: str) -> dict[int, User]:
    found = {}
    for line in text.splitlines():
        pid, *cells = line.split("\t")
        name, uid, namespace, pod = [*cells, "", "", "", ""][:4]
        found[int(pid)] = User(name, uid or None, namespace or None, pod or None)
    return found


def report(found: Mapping[str, Seen]) -> Report:
    """The checks of all hosts."""
    return Report([one.check for one in found.values()])


@dataclass(frozen=True)
class Total:
    """Sums over GPUs; a figure that no GPU reports is None. `utilisation_percent` is the mean of those that report."""

    gpus: int
    utilisation_percent: float | None
    memory_used_mib: float | None
    memory_total_mib: float | None
    power_w: float | None
    power_limit_w: float | None


def total(gpus: Sequence[Gpu]) -> Total:
    """Of one host, or of all."""

    def numbers(field: str) -> list[float]:
        return [value for gpu in gpus if (value := getattr(gpu, field)) is not None]

    busy = numbers("utilisation_percent")
    sums = {name: sum(numbers(name)) if numbers(name) else None for name in list(Total.__annotations__)[2:]}
    return Total(len(gpus), sum(busy) / len(busy) if busy else None, **sums)


def everything(found: Mapping[str, Seen]) -> list[Gpu]:
    """All GPUs of all hosts."""
    return [gpu for one in found.values() for gpu in one.answer.gpus]


def as_json(found: Mapping[str, Seen]) -> dict[str, Any]:
    """`cluster` and `hosts` of the JSON; units are in the names of the keys."""
    return {
        "cluster": asdict(total(everything(found))),
        "hosts": [
            {
                "host": name,
                "driver": one.answer.driver,
                "total": asdict(total(one.answer.gpus)),
                "gpus": [_gpu(gpu, one.users or {}) for gpu in one.answer.gpus],
            }
            for name, one in found.items()
        ],
    }


def _gpu(gpu: Gpu, users: Mapping[int, User]) -> dict[str, Any]:
    own = asdict(gpu)
    own["processes"] = [
        {**asdict(one), "user": asdict(users[one.pid]) if one.pid in users else None} for one in gpu.processes
    ]
    return own


async def for_ever(asked: Asked, interval: float, shown: Callable[[Mapping[str, Seen]], None]) -> None:
    """Asks each host anew `interval` seconds after its last answer, so that a slow one holds up no other."""
    now: dict[str, Seen] = dict(asked.known)

    async def follow(name: str) -> None:
        while True:
            only = replace(asked.fleet, targets={name: asked.fleet.targets[name]})
            now.update(await once(replace(asked, fleet=only, known={}, order=[name])))
            shown({host: now[host] for host in asked.order if host in now})
            await asyncio.sleep(interval)

    shown({host: now[host] for host in asked.order if host in now})
    await asyncio.gather(*(follow(name) for name in asked.fleet.targets))
