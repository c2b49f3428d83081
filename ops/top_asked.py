"""Which hosts `sitectl top` asks: those of the site, by name, and those of no site, by address."""

from collections.abc import Sequence

from components.hostrun.fleet import Fleet
from components.hostrun.report import unreachable
from components.hostrun.target import SshError, Target
from ops import addresses
from ops import site as sites
from ops.flags import Flags
from ops.top import Asked, Seen


def asked(flags: Flags, words: Sequence[str], login: addresses.Login, wait: float) -> Asked:
    """The hosts of `words`; those of the site if there are none. Raises Stop for a wrong call or site."""
    names = [word for word in words if "@" not in word]
    found: dict[str, Target] = {}
    known: dict[str, Seen] = {}
    order: list[str] = []
    bare: set[str] = set()
    if names or not words:
        chosen = sites.pick(sites.load(flags), names)
        fleet, unasked = sites.reach(flags, chosen)
        found |= fleet.targets
        known |= {check.host: Seen(check) for check in unasked}
        order += chosen
        bare |= {name for name, host in chosen.items() if host.gpu is None}
    for name, target in addresses.targets([word for word in words if "@" in word], login):
        order.append(name)
        if isinstance(target, SshError):
            known[name] = Seen(unreachable(target))
        else:
            found[name] = target
    return Asked(Fleet(found, flags.parallel, flags.timeout), known, order, frozenset(bare), wait)
