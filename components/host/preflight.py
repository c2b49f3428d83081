"""Preflight: everything that must be true of all hosts before the first change, in one report. Changes nothing.

Rows: H16, H18.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from components.hostrun import library, said
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, Report, unreachable
from components.hostrun.report import said as check_said
from components.hostrun.step import Step, payload
from components.hostrun.target import SshError, Target

CLOCK_LIMIT = 2.0
"""Seconds by which a site's clocks may differ: tokens and certificates tolerate minutes, but etcd warns earlier."""
OWN_LIMIT = 60.0
"""Seconds by which they may differ from the clock of the machine that asks."""
ACROSS = ("machine-id", "product-uuid", "host-key", "clock-skew", "mtu-equal")
"""Checks that no host can answer alone."""
HOST_LIMIT = 60.0
"""Seconds for one host."""


@dataclass(frozen=True)
class Seen:
    """The facts of one host, and its clock minus ours: `offset` seconds, plus or minus `doubt`."""

    facts: Mapping[str, Any]
    offset: float
    doubt: float


Steps = Sequence[said.StepSaid]


async def preflight(
    fleet: Fleet, steps: Mapping[str, Sequence[Step]], wanted: Callable[[str], bool] = lambda _: True
) -> Report:
    """Ask every host of the fleet all its `steps`, then compare the hosts.

    `wanted` says by id which checks count; the others are `skipped`. A host that fails is a row, never an exception.
    """

    async def both(target: Target) -> tuple[Steps, Seen]:
        chosen = [step for step in steps[target.name] if wanted(step.id)]
        return await _try(fleet, target, chosen), await _look(fleet, target)

    answers = await fleet.each(both)
    checks: list[Check] = []
    for name, answer in answers.items():
        if isinstance(answer, SshError):
            checks.append(unreachable(answer))
            continue
        checks += [Check("reachable", name, "ok"), *(_step(name, step) for step in answer[0])]
        checks += [Check(step.id, name, "skipped") for step in steps[name] if not wanted(step.id)]
    seen = {name: answer[1] for name, answer in answers.items() if not isinstance(answer, SshError)}
    return _joined(checks, seen, fleet.targets, wanted)


async def compare(fleet: Fleet) -> Report:
    """Only the checks that compare hosts: identities that must differ, clocks that must agree."""
    answers = await fleet.each(lambda target: _look(fleet, target))
    checks = [unreachable(answer) for answer in answers.values() if isinstance(answer, SshError)]
    seen = {name: answer for name, answer in answers.items() if isinstance(answer, Seen)}
    return _joined(checks, seen, fleet.targets, lambda _: True)


async def look(fleet: Fleet) -> Report:
    """The facts of every host, and a check `reachable` for each."""
    answers = await fleet.each(lambda target: _look(fleet, target))
    checks = [
        unreachable(answer) if isinstance(answer, SshError) else Check("reachable", name, "ok")
        for name, answer in answers.items()
    ]
    seen = {name: answer for name, answer in answers.items() if isinstance(answer, Seen)}
    return Report(checks, _facts(seen))


def _facts(seen: Mapping[str, Seen]) -> dict[str, Mapping[str, Any]]:
    return {name: {**one.facts, "clock_offset": round(one.offset, 1)} for name, one in seen.items()}


def _joined(
    checks: list[Check], seen: Mapping[str, Seen], targets: Mapping[str, Target], wanted: Callable[[str], bool]
) -> Report:
    for id_, found in _across(seen, targets).items():
        checks += found if wanted(id_) else [Check(id_, check.host, "skipped") for check in found]
    order = {name: place for place, name in enumerate(targets)}
    checks.sort(key=lambda check: order[check.host])
    return Report(checks, _facts(seen))


async def _try(fleet: Fleet, target: Target, steps: Sequence[Step]) -> Steps:
    if not steps:
        return []
    words = " ".join(["try", "--json", "preflight", *(f":: {step.words()}" for step in steps)])
    text = library.streamed(words, payload(steps, {}))
    return said.steps(target.name, await fleet.ask(target, "bash -s", stdin=text, deadline=HOST_LIMIT))


async def _look(fleet: Fleet, target: Target) -> Seen:
    text = library.streamed("facts --json", "")
    answer = await fleet.ask(target, "bash -s", stdin=text, deadline=HOST_LIMIT)
    before = time.time()
    clock = await fleet.ask(target, "date +%s.%N", deadline=HOST_LIMIT, root=False)
    after = time.time()
    facts = said.facts(target.name, answer)
    return Seen(facts, said.clock(target.name, clock) - (before + after) / 2, (after - before) / 2)


def _step(host: str, step: said.StepSaid) -> Check:
    if step.status == "ok":
        return check_said(step.step, host, "note" if step.says else "ok", step.says)
    return check_said(step.step, host, "failed" if step.status == "drift" else "unknown", step.says)


def _across(answers: Mapping[str, Seen], targets: Mapping[str, Target]) -> dict[str, list[Check]]:
    machine = {name: answer.facts.get("machine_id") for name, answer in answers.items()}
    product = {name: answer.facts.get("product_uuid") for name, answer in answers.items()}
    keys = {name: targets[name].host_key for name in answers}
    new_id = "on one of them: rm /etc/machine-id; systemd-machine-id-setup; reboot"
    new_uuid = "a cloned virtual machine: give it its own UUID in its definition"
    new_keys = "a cloned disk: rm /etc/ssh/ssh_host_*; ssh-keygen -A; restart ssh; then sitectl scan HOST --replace"
    return {
        "machine-id": _unique("machine-id", machine, new_id),
        "product-uuid": _unique("product-uuid", product, new_uuid),
        "host-key": _unique("host-key", keys, new_keys),
        "clock-skew": list(_clocks(answers)),
        "mtu-equal": list(_mtus(answers, targets)),
    }


def _unique(id_: str, values: Mapping[str, str | None], fix: str) -> list[Check]:
    """A host without such a value passes: unknown values are not equal."""
    owners: dict[str, list[str]] = defaultdict(list)
    for name, value in values.items():
        if value:
            owners[value].append(name)
    checks = []
    for name, value in values.items():
        others = [other for other in owners.get(value or "", []) if other != name]
        if others:
            saw = f"{(value or '')[:60]} is also that of {', '.join(others)}."
            checks.append(Check(id_, name, "failed", saw, "one of its own", fix))
        else:
            checks.append(Check(id_, name, "ok", "" if value else "has none"))
    return checks


def _clocks(answers: Mapping[str, Seen]) -> Iterator[Check]:
    """Compares each clock with the median of all; half the round trip is allowed as error of measurement.

    A clock that agrees with the others and not with this machine's is a note: nobody knows here which of them is wrong.
    """
    if not answers:
        return
    middle = statistics.median_low(answer.offset for answer in answers.values())
    for name, answer in answers.items():
        skew = answer.offset - middle
        if abs(skew) - answer.doubt <= CLOCK_LIMIT:
            if abs(answer.offset) - answer.doubt > OWN_LIMIT:
                yield Check("clock-skew", name, "note", _off(answer.offset), fix="timedatectl, there and here")
                continue
            yield Check("clock-skew", name, "ok", f"{skew:+.1f} s")
            continue
        saw = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the others, limit {CLOCK_LIMIT:g} s."
        yield Check("clock-skew", name, "failed", saw, fix="set timeServers in the site, or start chrony there.")


def _off(seconds: float) -> str:
    by = timedelta(seconds=round(abs(seconds)))
    which = "ahead of" if seconds > 0 else "behind"
    return f"{by} {which} this machine's clock: certificates and package lists that are valid here may not be there"


def _mtus(answers: Mapping[str, Seen], targets: Mapping[str, Target]) -> Iterator[Check]:
    """Compares each host's MTU, on the interface with its address, with the most frequent one.

    A host behind NAT has no such interface, and passes.
    """
    found = {name: _interface(answer.facts, targets[name].address) for name, answer in answers.items()}
    mtus = [mtu for _, mtu in found.values() if mtu]
    most = statistics.mode(mtus) if mtus else None
    for name, (interface, mtu) in found.items():
        if mtu is None or mtu == most:
            yield Check("mtu-equal", name, "ok", str(mtu or "unknown"))
            continue
        fix = f"ip link set {interface} mtu {most}, and the same in its network settings; or change the others"
        yield Check("mtu-equal", name, "failed", f"MTU {mtu} on {interface}, where others have {most}.", fix=fix)


def _interface(facts: Mapping[str, Any], address: str) -> tuple[str, int | None]:
    for one in facts.get("addresses") or ():
        if one["address"].partition("/")[0] == address:
            return one["interface"], one["mtu"]
    return "", None


def unknown_ids(ids: Collection[str], steps: Mapping[str, Sequence[Step]]) -> set[str]:
    """Those of `ids` that name no check of any host."""
    return set(ids) - {step.id for of_host in steps.values() for step in of_host} - set(ACROSS)
