"""What the CIS benchmark asks, as hosts have it now: checks of `sitectl verify` for a site with the profile cis.

Rows: K14.
"""

from collections.abc import Iterator
from pathlib import Path

from components.host.config import Host
from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.kubernetes import cis, given
from components.kubernetes.config import Kubernetes
from ops.record import MEND
from stacks.model import Site

SEEN = f"(\n{Path(cis.__file__).with_suffix('.sh').read_text()})"
"""Prints what the items are about."""

_BY_SITE = "the site itself says so, by its apiServer, apiServerFiles, audit or version: docs/how-to/cis.md"
_BY_HAND = "docs/how-to/cis.md says who sets it"


def of(site: Site) -> bool:
    """Whether the site has the profile."""
    return site.kubernetes is not None and site.kubernetes.profile == "cis"


def checks(host: Host, answer: Result, config: Kubernetes) -> Iterator[Check]:
    """One for each item that the host does not have, by the benchmark's number; one for all others."""
    seen = cis.read(answer.stdout)
    if answer.status or not seen.files:
        yield Check("cis", host.name, "unknown", "could not be read.", fix=f"sitectl facts {host.name}")
        return
    asked = cis.items(control_plane="control-plane" in host.roles)
    wrong = [(item, saw) for item in asked if (saw := item.wrong(seen))]
    yield Check("cis", host.name, "ok", f"{len(asked) - len(wrong)} of {len(asked)} items are as the benchmark asks")
    for item, saw in wrong:
        yours = item.by == "you"
        fix = _BY_HAND if yours or item.by == "kubeadm" else _fix(item, config)
        number = item.number.replace(" ", "")
        yield Check(f"cis/{number}", host.name, "note" if yours else "failed", saw, str(item), fix)


def _fix(item: cis.Item, config: Kubernetes) -> str:
    """Where the site itself wants it otherwise, nothing drifted."""
    by_site = isinstance(item, cis.Argument) and item.program == cis.API and item.wrong(given.wanted(config))
    return _BY_SITE if by_site else MEND
