"""Pods that a node has evicted, that cannot end on a dead node, or that do not end with their work: findings of
`sitectl verify`.

Rows: M3, N8.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from components.hostrun.report import Check
from ops.probes import Show
from stacks.model import Site

NAME = '{.metadata.namespace}{"/"}{.metadata.name}{"\\t"}{.spec.nodeName}{"\\t"}'
EVICTED = f'{{range .items[?(@.status.reason=="Evicted")]}}{NAME}{{.status.message}}{{"\\n"}}{{end}}'
"""A kubelet that is short of something sets this reason, and says in the message of what:
https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/"""
ENDING = f'{{range .items[?(@.metadata.deletionTimestamp)]}}{NAME}{{.metadata.deletionTimestamp}}{{"\\n"}}{{end}}'
JOBS = "status.phase=Running,spec.restartPolicy!=Always"
"""Pods that are to end some day: those of jobs, of experiments and the like."""
LASTING = f'{{range .items[*]}}{NAME}{{.status.startTime}}{{"\\t"}}{{.status.containerStatuses}}{{"\\n"}}{{end}}'
LONG = 7
"""Days after which a pod that is to end is worth a line."""
LATE = 60.0
"""Seconds after the end of its grace period in which a pod may still be ending."""
MANY = 20
"""Nodes that are not Ready: above that, one question gets the pods of all nodes."""
NAMED = 3
"""So many pods of a node are named."""


async def ask(site: Site, where: str, ready: Mapping[str, str], show: Show) -> list[Check]:
    """What was found; nothing where all is well. `ready` has the Ready condition of each node."""
    failed = await show("pods -A --field-selector=status.phase=Failed", EVICTED)
    found = list(_evicted(site, where, failed))
    dark = [node for node, condition in ready.items() if condition != "True"]
    # A question for each node costs less where the cluster is large; one for all, where much of it is dark.
    chosen = [f" --field-selector=spec.nodeName={node}" for node in dark] if len(dark) <= MANY else [""]
    ending = [row for each in chosen for row in _rows(await show(f"pods -A{each}", ENDING))]
    for node in dark:
        found += _stuck(site, where, node, [(pod, when) for pod, on, when in ending if on == node])
    found += _lasting(site, where, await show(f"pods -A --field-selector={JOBS}", LASTING))
    return found


def _rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Pod, node and the third cell; a message of several lines gives its first."""
    for line in text.splitlines():
        cells = line.split("\t")
        if len(cells) == 3:
            yield cells[0], cells[1], cells[2]


def _evicted(site: Site, where: str, text: str) -> Iterator[Check]:
    of_nodes: dict[str, list[tuple[str, str]]] = {}
    for pod, node, message in _rows(text):
        of_nodes.setdefault(node, []).append((pod, message))
    for node, pods in of_nodes.items():
        (pod, message), *_ = pods
        namespace, name = pod.split("/")
        why = message[:300].strip().rstrip(".")
        saw = f"{_counted(pods)} evicted, {_named([pod for pod, _ in pods])}: {why}"
        fix = (
            f"on a control plane: kubectl -n {namespace} describe pod {name}; let its containers request what they "
            "use, or give the node more; delete the pod, and this ends"
        )
        yield Check("pods-evicted", node if node in site.hosts else where, "note", saw, fix=fix)


def _stuck(site: Site, where: str, node: str, ending: Collection[tuple[str, str]]) -> Iterator[Check]:
    ages = {pod: age for pod, when in ending if (age := _seconds_since(when)) > LATE}
    if not ages:
        return
    minutes = max(ages.values()) / 60
    saw = f"{_counted(ages)} Terminating for {minutes:.0f} min, {_named(list(ages))}: the node does not answer"
    if node in site.hosts:
        fix = f"start the host again; if it does not come back, hosts.{node}.state: gone in the site, then pulumi up"
    else:
        fix = f"start it again; it is no host of the site: on a control plane, kubectl delete node {node}"
    host = node if node in site.hosts else where
    yield Check("pods-terminating", host, "failed", f"{saw}, so nobody knows whether they still run.", fix=fix)


def _lasting(site: Site, where: str, text: str) -> Iterator[Check]:
    """Jobs in projects whose work is done while something beside it runs on, and jobs that have run for long."""
    done: dict[str, str] = {}
    long: dict[str, float] = {}
    for cells in (line.split("\t") for line in text.splitlines()):
        if len(cells) != 4 or cells[0].partition("/")[0] not in site.projects:
            continue
        pod, _, started, containers = cells
        if says := _work_is_done(json.loads(containers or "[]")):
            done[pod] = says
        elif started and _seconds_since(started) > LONG * 86400:
            long[pod] = _seconds_since(started) / 86400
    if done:
        pod, says = next(iter(done.items()))
        saw = f"{_counted(done)} Running after the work was done, {_named(list(done))}: {says}"
        fix = f"{_delete(pod)}; volumes stay. An init container with restartPolicy Always would end with the work"
        yield Check("jobs-done", where, "note", saw, fix=fix)
    if long:
        saw = f"{_counted(long)} Running for {max(long.values()):.0f} days, and meant to end, {_named(list(long))}"
        fix = f"if nobody waits for it: {_delete(next(iter(long)))}; volumes stay. activeDeadlineSeconds would end it"
        yield Check("jobs-long", where, "note", saw, fix=fix)


def _work_is_done(containers: list[dict[str, Any]]) -> str:
    """Which containers have ended well, and which run on beside them; empty unless there are both."""
    ended = [each["name"] for each in containers if each["state"].get("terminated", {}).get("exitCode") == 0]
    runs = [each["name"] for each in containers if "running" in each["state"]]
    return f"{', '.join(ended)} ended, {', '.join(runs)} runs on" if ended and runs else ""


def _delete(pod: str) -> str:
    namespace, name = pod.split("/")
    return f"on a control plane: kubectl -n {namespace} delete pod {name}, or the job that owns it"


def _seconds_since(when: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(when.replace("Z", "+00:00"))).total_seconds()


def _counted(pods: Collection[object]) -> str:
    return "1 pod is" if len(pods) == 1 else f"{len(pods)} pods are"


def _named(pods: list[str]) -> str:
    return ", ".join(pods[:NAMED]) + (" …" if len(pods) > NAMED else "")
