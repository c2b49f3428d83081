"""`sitectl recover`: after a run that was killed. Ends what it left running here, and waits until no host still works.
Then clears its lock and its pending operations.

An interrupted create stays in the state for ever. It is safe to forget here: on a host, the next `pulumi up` continues
from the host's ledger; in the cluster, it applies the objects again.

Rows: X4.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.hostrun.fleet import Fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from components.hostrun.watch import FREE
from ops import orphans
from ops.owner import interrupted
from ops.site import files, project, pulumi
from ops.state import export, hosts_of, pending_of
from ops.stop import Code, Stop

Say = Callable[[str], None]


def recover(stack: str, folder: Path, fleet: Fleet, say: Say, site: Collection[str]) -> list[str]:
    """Makes the stack ready for the next run. Returns a line for each action; none if nothing was interrupted.

    `site` has the names of all its hosts; `fleet` those that can be asked. Hosts that only the state has are asked,
    too: the run that was killed may have been removing them.
    Waits for hosts that still work. Raises Stop if one does not end, or if another run is alive.
    """
    state = export(stack, folder)
    pending = pending_of(state)
    locks = _locks(stack, folder)
    if who := running(stack, folder):
        text = f"stack {stack} is locked by {who}. Nothing was changed."
        raise Stop(Code.NO, [f"{text} Fix: wait for that run; if it is dead: pulumi cancel --stack {stack}"])
    done = orphans.end(orphans.orphans())
    if not pending and not locks and not done:
        return []
    asyncio.run(_quiet(_with_more(fleet, hosts_of(state, site, stack, folder)), say))
    if locks:
        pulumi(["cancel", "--yes"], stack, folder)
        done.append(f"the lock of a run that is dead is taken away: {_owner(locks[0])}")
    # Read again: the earlier read may have hit the middle of a run that has ended well since.
    state = export(stack, folder)
    if pending := pending_of(state):
        state["deployment"]["pending_operations"] = []
        interrupted(state, pending)
        pulumi(["stack", "import"], stack, folder, stdin=json.dumps(state))
        done += [f"an interrupted operation is forgotten: {_named(operation)}" for operation in pending]
    return done


def running(stack: str, folder: Path) -> str:
    """Who changes the stack now, as far as the backend tells; empty for nobody."""
    return next((_owner(lock) for lock in _locks(stack, folder) if _alive(lock)), "")


def _with_more(fleet: Fleet, targets: Mapping[str, Target]) -> Fleet:
    return Fleet({**fleet.targets, **targets}, fleet.parallel, fleet.limit, fleet.ask)


async def _quiet(fleet: Fleet, say: Say) -> None:
    """Waits until no host holds its lock. Reports hosts that cannot be asked; the next run will say more."""
    busy = {}
    for name, answer in (await fleet.each(lambda target: _ask(fleet, target, 0))).items():
        if isinstance(answer, SshError):
            say(f"{answer} Nothing is known of a run there.")
        elif answer.status == 75:
            busy[name] = fleet.targets[name]
            say(f"{name} [lock] waits for a run that goes on there: {answer.stdout.strip()}")
    rest = Fleet(busy, fleet.parallel, fleet.limit, fleet.ask)
    answers = await rest.each(lambda target: _ask(rest, target, int(rest.limit)))
    lines = [_still(name, answer) for name, answer in answers.items() if isinstance(answer, SshError) or answer.status]
    if lines:
        raise Stop(Code.TIME_UP, lines)


async def _ask(fleet: Fleet, target: Target, seconds: int) -> Result:
    return await fleet.ask(target, "bash -s", stdin=(FREE % seconds).encode(), deadline=seconds + 20)


def _still(name: str, answer: Result | SshError) -> str:
    who = "a run" if isinstance(answer, SshError) else answer.stdout.strip()
    return f"{name} [lock] {who}: it did not end in time. Nothing was changed. Fix: wait for it, or see ps there."


def _locks(stack: str, folder: Path) -> list[Mapping[str, Any]]:
    """Locks of a stack in a backend of plain files. Other backends report a lock when the next run begins."""
    root = files(folder)
    if root is None:
        return []
    found = sorted((root / ".pulumi/locks/organization" / project(folder) / stack).glob("*.json"))
    return [lock for file in found if (lock := _lock(file))]


def _lock(file: Path) -> dict[str, Any]:
    """A lock; without host and process if its file was cut, as by a loss of power. Empty if it has gone."""
    try:
        return dict(json.loads(file.read_text()))
    except FileNotFoundError:
        return {}
    except ValueError:
        since = datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"username": "?", "hostname": "", "pid": 0, "timestamp": since}


def _alive(lock: Mapping[str, Any]) -> bool:
    """Whether a lock's run may be alive: here, if its process exists; elsewhere, always. A cut one is dead."""
    if not lock["hostname"]:
        return False
    if lock["hostname"] != socket.gethostname():
        return True
    try:
        return Path(f"/proc/{lock['pid']}/comm").read_text().startswith("pulumi")
    except FileNotFoundError:
        return False


def _owner(lock: Mapping[str, Any]) -> str:
    return f"{lock['username']}@{lock['hostname']} (pid {lock['pid']}) since {lock['timestamp']}"


def _named(operation: Mapping[str, Any]) -> str:
    """`creating gpu-1-base`."""
    return f"{operation['type']} {operation['resource']['urn'].rpartition('::')[2]}"
