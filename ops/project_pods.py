"""What runs in projects, for `sitectl verify`: the policy pack's rules about pods, asked of those that are there.

Quota, Pod Security and admission are asked when a pod is made: one that was there before may have more.

Rows: X3, S4, M3.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.hostrun.report import Check
from components.tenancy.config import Project
from ops.probes import Show
from policy.rules import foreign, unbounded
from stacks.model import Site

PODS = r'{range .items[*]}{.metadata.name}{"\t"}{.spec}{"\n"}{end}'
NAMED = 3
"""So many findings of a project are named."""


async def ask(site: Site, where: str, show: Show) -> list[Check]:
    """A check `project/NAME/pods` of each project."""
    found = []
    for name, project in site.projects.items():
        text = await show(f"pods -n {name} --field-selector=status.phase=Running --ignore-not-found", PODS)
        pods = dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)
        specs = {pod: json.loads(spec) for pod, spec in pods.items()}
        found.append(_check(where, name, specs, list(_wrong(project, specs, site.allowed_registries))))
    return found


def _wrong(project: Project, specs: Mapping[str, Any], allowed: Sequence[str]) -> Iterator[str]:
    for pod, spec in specs.items():
        # The site itself allows more in a project of this level; the policy pack refuses that.
        rights = () if project.pod_security == "privileged" else unbounded(spec)
        for text in (*rights, *foreign(spec, allowed)):
            yield f"{pod}: {text.partition('. Fix: ')[0]}"


def _check(where: str, name: str, specs: Mapping[str, Any], wrong: Sequence[str]) -> Check:
    id_ = f"project/{name}/pods"
    if not wrong:
        return Check(id_, where, "ok", f"{len(specs)} run within its bounds")
    more = f" … and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    fix = f"on a control plane: kubectl -n {name} get pod NAME -o yaml; mend what made it, and delete it"
    return Check(id_, where, "failed", f"{'; '.join(wrong[:NAMED])}{more}.", fix=fix)
