"""The cluster as a control plane sees it. kubectl runs there, so no kubeconfig is needed here."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.host.config import Host
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, unreachable
from components.hostrun.ssh import Result
from components.kubernetes.steps import labels
from components.parts.part import Probe
from ops import pods, probes, project_checks, project_pods, questions
from ops.in_cluster import Kubectl, UnansweredError
from ops.record import MEND
from stacks.ground import shares
from stacks.model import Site

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# Only the parts that checks read: whole nodes are 10 KiB each, mostly names of images.
NODES = (
    r'{range .items[?(@.kind=="Node")]}{.metadata.name}{"\t"}{.status.conditions[?(@.type=="Ready")].status}{"\t"}'
    r'{.status.conditions[?(@.status=="True")].type}{"\t"}'
    r'{.status.nodeInfo.kubeletVersion}{"\t"}{.metadata.labels}{"\t"}{.status.allocatable}{"\n"}{end}'
)
QUOTAS = r'{range .items[?(@.metadata.name=="project")]}{.metadata.namespace}{"\t"}{.spec.hard}{"\n"}{end}'
QUOTA_CELLS = 2
"""A row of QUOTAS has these, one of NODES has more."""
DNS = Probe("deployment", "coredns", "kube-system")


@dataclass(frozen=True)
class Node:
    """The parts of a node that the checks read."""

    ready: str
    lacks: str
    """Disk, Memory or PID, when the kubelet is short of it: it evicts pods and takes no others. Empty if of nothing."""
    version: str
    labels: Mapping[str, str]
    allocatable: Mapping[str, str]
    """What it has for pods."""


async def look(site: Site, hosts: Sequence[Host], control_planes: Fleet) -> list[Check]:
    """Checks of each host's node, of DNS and of the projects, as the first control plane that answers sees them."""
    errors: list[Check] = []
    for name, target in control_planes.targets.items():
        try:
            return await _ask(site, hosts, Kubectl(control_planes, target))
        except UnansweredError as error:
            errors.append(unreachable(error.unreached) if error.unreached else _silent(name, error.says))
    return errors


def _silent(where: str, says: str) -> Check:
    if "command not found" in says or "No such file" in says:
        return Check("api-server", where, "failed", "has no kubectl.", fix="pulumi up")
    return Check("api-server", where, "failed", says, fix="there: crictl ps -a; journalctl -u kubelet -n 50")


async def _ask(site: Site, hosts: Sequence[Host], kubectl: Kubectl) -> list[Check]:
    target = kubectl.target
    rows = [line.split("\t") for line in (await kubectl.show("nodes,resourcequotas -A", NODES + QUOTAS)).splitlines()]
    nodes, quotas = _nodes(rows), _quotas(rows)
    probed = list(probes.of(site))
    counts = await probes.counts([DNS, *(probe for _, probe in probed if isinstance(probe, Probe))], kubectl)
    checks = [Check("api-server", target.name, "ok")]
    offered: dict[str, list[probes.Offer]] = {}
    for offer in probes.offers(site):
        offered.setdefault(offer.host, []).append(offer)
    for host in hosts:
        node = nodes.get(host.name)
        checks += _node(site, host, node)
        checks += [offer.compared(node.allocatable) for offer in offered.get(host.name, ()) if node]
    checks.append(_dns(target.name, counts.get(DNS, "")))
    checks += await pods.ask(site, target.name, {name: node.ready for name, node in nodes.items()}, kubectl.show)
    wanted = shares(site)
    checks += [project(target.name, name, wanted[name].gpus, quotas.get(name)) for name in site.projects]
    checks += await project_checks.ask(site, kubectl)
    checks += project_checks.fits(target.name, site, [node.allocatable for node in nodes.values()])
    checks += await project_pods.ask(site, target.name, kubectl.show)
    for name, probe in probed:
        if isinstance(probe, Probe):
            checks.append(probes.workload(target.name, name, probe, counts.get(probe, "")))
        else:
            checks.append(await probes.value(target.name, name, probe, kubectl.show))

    async def bash(words: str, script: bytes) -> Result:
        return await kubectl.script(script, *shlex.split(words))

    return [*checks, *[await questions.ask(target.name, name, each, bash) for name, each in questions.of(site)]]


def _nodes(rows: Sequence[Sequence[str]]) -> dict[str, Node]:
    found = {}
    for name, ready, true, version, carried, allocatable in (row for row in rows if len(row) > QUOTA_CELLS):
        lacks = " and ".join(each.removesuffix("Pressure") for each in true.split() if each.endswith("Pressure"))
        found[name] = Node(ready, lacks, version, json.loads(carried), json.loads(allocatable))
    return found


def _quotas(rows: Sequence[Sequence[str]]) -> dict[str, Mapping[str, Any]]:
    # A node of that name is in no namespace.
    return {row[0]: json.loads(row[1]) for row in rows if len(row) == QUOTA_CELLS and row[0]}


def _node(site: Site, host: Host, node: Node | None) -> list[Check]:
    if node is None:
        return [Check("node", host.name, "failed", "is no node of the cluster.", fix="pulumi up joins it")]
    describe = f"on a control plane: kubectl describe node {host.name}"
    drained = host.state == "drained"
    ready = Check("node-ready", host.name, "ok", "drained, as the site says: it takes no new work" if drained else "")
    if node.ready != "True":
        ready = Check("node-ready", host.name, "failed", f"Ready is {node.ready or 'not said'}", "True", describe)
    elif node.lacks:
        saw = f"is short of {node.lacks}, so its kubelet evicts pods and takes no new ones."
        fix = "there: journalctl -u kubelet | grep -i evict says how short; free some, or add to it"
        ready = Check("node-ready", host.name, "failed", saw, fix=fix)
    wanted = labels(host)
    if "control-plane" in host.roles:
        wanted[CONTROL_PLANE] = ""
    wrong = sorted(f"{key}={value}" for key, value in wanted.items() if node.labels.get(key) != value)
    roles = Check("node-labels", host.name, "ok", f"{len(wanted)} as declared")
    if wrong:
        # Of all hosts: the step that sets them is in the ledger of a control plane.
        roles = Check("node-labels", host.name, "failed", f"the node has not {', '.join(wrong)}.", fix=MEND)
    return [ready, roles, _version(site, host, node)]


def _version(site: Site, host: Host, node: Node) -> Check:
    want = site.kubernetes.version if site.kubernetes else ""
    if node.version.removeprefix("v") == want:
        return Check("node-version", host.name, "ok", node.version)
    return Check("node-version", host.name, "failed", f"kubelet is {node.version}", f"v{want}", "pulumi up")


def _dns(where: str, text: str) -> Check:
    available, _, wanted = text.partition("/")
    if wanted and available == wanted:
        return Check("cluster-dns", where, "ok", f"{text} available")
    saw = f"CoreDNS has {available or 0} of {wanted or 'its'} replicas available."
    return Check("cluster-dns", where, "failed", saw, fix="there: kubectl -n kube-system get pods -o wide")


def project(where: str, name: str, gpus: int, hard: Mapping[str, Any] | None) -> Check:
    """Whether the namespace of a project has the quota that it is to have."""
    id_ = f"project/{name}"
    if hard is None:
        return Check(id_, where, "failed", f"namespace {name} has no quota.", fix=MEND)
    want = str(gpus)
    seen = str(hard.get("requests.nvidia.com/gpu", "none"))
    if seen != want:
        return Check(id_, where, "failed", f"its quota of GPUs is {seen}", want, MEND)
    return Check(id_, where, "ok", f"{want} GPUs")
