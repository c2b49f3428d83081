"""`sitectl adopt`: takes hosts over from another stack, or from another state of this one, once told so.

Shows first what this stack would change there: each host's ledger against what the site wants of it.

Rows: X4.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import typer

from components.hostrun.fleet import Fleet
from components.hostrun.report import Report, unreachable
from components.hostrun.step import RUNNER, Step
from components.hostrun.target import SshError, Target
from ops import owner, render
from ops import site as sites
from ops.asking import agreed
from ops.flags import Flags, Output
from ops.record import again
from ops.stop import Code, Stop, code_of
from stacks.layers import layers
from stacks.model import Site

LIMIT = 60.0
"""Seconds for one host."""
_LOOK = """\
cd /var/lib/gpu-metal 2>/dev/null || exit 0
for file in owner ledger/*; do [ ! -f "$file" ] || { printf '\\036%s\\037' "$file"; cat "$file"; }; done
"""
Applied = Mapping[str, tuple[str, frozenset[str]]]
"""By the step's id: its ref, and its inputs with the digests of bulk ones."""


@dataclass(frozen=True)
class Layer:
    """What becomes of the steps of a layer, by id; `stays` if the site has no such layer: pulumi undoes none of it."""

    name: str
    undo: Sequence[str]
    apply: Sequence[str]
    keep: Sequence[str]
    stays: bool


@dataclass(frozen=True)
class Taken:
    """One host of another owner."""

    host: str
    by: str
    """Who has it, and since when."""
    layers: Sequence[Layer]


def adopt(flags: Flags, site: Site, names: Sequence[str]) -> Code:
    """Shows what would change, asks, and writes the owner. Raises Stop."""
    chosen = sites.pick(site, names)
    fleet, before = sites.reach(flags, chosen)
    state = owner.of_stack(flags.stack, flags.folder)
    found = asyncio.run(fleet.each(lambda target: _look(fleet, target)))
    unasked = Report([*before, *(unreachable(a) for a in found.values() if isinstance(a, SshError))])
    for check in unasked.untrue:
        flags.say(f"? {check}")
    answers = {name: answer for name, answer in found.items() if not isinstance(answer, SshError)}
    taken = [one for name, files in answers.items() if (one := _taken(site, name, files, state))]
    _show(flags, taken, [name for name in answers if name not in {one.host for one in taken}])
    if taken and not _agreed(flags, site, taken):
        return Code.NO
    _write(flags, site, fleet, [one.host for one in taken], state)
    return code_of(unasked)


async def _look(fleet: Fleet, target: Target) -> dict[str, str]:
    """The texts of its files `owner` and `ledger/LAYER`."""
    answer = await fleet.ask(target, "bash -s", stdin=_LOOK.encode(), deadline=LIMIT)
    return {name: text for part in answer.stdout.split("\x1e")[1:] for name, _, text in [part.partition("\x1f")]}


_WORDS = ("project", "stack", "site", "state", "since")
"""Of the file `owner` (owner.sh)."""


def _taken(site: Site, host: str, files: Mapping[str, str], state: owner.State) -> Taken | None:
    """None for a host that nobody has, or this stack."""
    words = files.get("owner", "").split()[:5]
    if not words:
        return None
    if len(words) < len(_WORDS):
        who = "somebody whose name cannot be read: the file owner there is cut"
    else:
        own = dict(zip(_WORDS, words, strict=True))
        other = owner.is_other(own, site.owner)
        if not other and own["state"] in ("-", state.id):
            return None
        who = f"{'' if other else 'another state of '}{owner.named(own)} since {own['since']}"
    # Memberships of nodes are in the ledger of the control plane that keeps them: they are the cluster's, no host's.
    names = [name.removeprefix("ledger/") for name in files if not re.match(r"owner$|ledger/members?-", name)]
    ledgers = {name: files[f"ledger/{name}"] for name in names}
    return Taken(host, who, list(_compared(ledgers, layers(site, site.hosts[host]))))


def _compared(ledgers: Mapping[str, str], wanted: Mapping[str, Sequence[Step]]) -> list[Layer]:
    found = []
    for name in [*wanted, *(name for name in ledgers if name not in wanted)]:
        there = applied(ledgers.get(name, ""))
        steps = {step.id: _as_applied(step) for step in wanted.get(name, ())}
        keep = [id_ for id_ in steps if there.get(id_) == steps[id_]]
        undo = [id_ for id_ in there if id_ not in steps]
        found.append(Layer(name, undo, [i for i in steps if i not in keep], keep, stays=name not in wanted))
    return found


def applied(ledger: str) -> Applied:
    """The steps of a ledger (hostrun/ledger.sh), those whose apply has not ended too."""
    rows = [line.split("\t") for line in ledger.splitlines()[1:-1]]
    return {row[0]: (row[1], frozenset(_unescaped(word) for word in row[3:])) for row in rows}


def _unescaped(word: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"t": "\t", "n": "\n"}.get(match[1], match[1]), word)


def _as_applied(step: Step) -> tuple[str, frozenset[str]]:
    bulk = {key: sha256(f"{text.rstrip()}\n".encode()).hexdigest() for key, text in step.bulk.items()}
    words = [*(f"in:{k}={v}" for k, v in step.inputs.items()), *(f"bulk:{k}={v}" for k, v in bulk.items())]
    return step.ref, frozenset(words)


def _show(flags: Flags, taken: Sequence[Taken], others: Sequence[str]) -> None:
    if flags.form is Output.NAME:
        typer.echo("\n".join(one.host for one in taken))
    elif flags.form is not Output.TABLE:
        render.data(flags, [_data(one) for one in taken])
    elif taken:
        rows = [
            [one.host, layer.name, " ".join(layer.undo) or "-", " ".join(layer.apply) or "-", str(len(layer.keep))]
            for one in taken
            for layer in one.layers
        ]
        render.table(flags, ["HOST", "LAYER", "UNDO", "APPLY", "KEEP"], rows)
    for one in taken:
        flags.say(f"{one.host} belongs to {one.by}.")
        for name in (layer.name for layer in one.layers if layer.stays):
            fix = f"To undo it, there: sudo {RUNNER} undo {name}"
            flags.say(f"! {one.host}: this site has no layer {name}, so pulumi up leaves it as it is. {fix}")
    for host in others:
        flags.say(f"{host}: no other stack has it. Nothing to take over.")


def _data(one: Taken) -> dict[str, Any]:
    keys = ("undo", "apply", "keep", "stays")
    of_layers = {layer.name: {key: getattr(layer, key) for key in keys} for layer in one.layers}
    return {"host": one.host, "owner": one.by, "layers": of_layers}


def _agreed(flags: Flags, site: Site, taken: Sequence[Taken]) -> bool:
    hosts = render.fold([one.host for one in taken])
    question = f"Take {hosts} over for {site.owner}? Its present owner is refused there from then on"
    return agreed(flags, question, f"{hosts} was not taken over.")


def _write(flags: Flags, site: Site, fleet: Fleet, hosts: Sequence[str], state: owner.State) -> None:
    line = f"owner {site.owner.words(state.id)}\n".encode()

    async def tell(target: Target) -> str:
        run = state.runs.get(target.name, "")
        answer = await fleet.ask(target, f"{RUNNER} adopt {run}".rstrip(), stdin=line, deadline=LIMIT)
        return "" if answer.status == 0 else (answer.stderr.strip() or f"status {answer.status}")

    told = Fleet({name: fleet.targets[name] for name in hosts}, fleet.parallel, fleet.limit, fleet.ask)
    answers = asyncio.run(told.each(tell))
    if failed := [str(answer) for answer in answers.values() if answer]:
        raise Stop(Code.NO, [*failed, "Fix: repeat; hosts that were taken over already are left out."])
    # What this stack applied there once may be gone: all of it is applied again, and holds already where it does.
    marked = again(hosts, "the host was taken over", flags.stack, flags.folder) if hosts else []
    for host in hosts:
        flags.say(f"{host} is of {site.owner} from now on. Nothing else was changed.")
    if hosts:
        flags.say(
            f"Next: pulumi preview --diff, then pulumi up{f' ({len(marked)} resources run again)' if marked else ''}."
        )
