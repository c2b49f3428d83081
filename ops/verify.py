"""`sitectl verify`: does it work? Hosts, what was applied, services, the cluster, projects. Changes nothing.

Rows: M3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.engine.needed import units
from components.host.config import Host
from components.hostrun import said
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, Report, unreachable
from components.hostrun.ssh import Result
from components.hostrun.step import RUNNER
from components.hostrun.target import SshError, Target
from ops import backup, cis, cluster, etcd, expiry, name_servers, render, service_names
from ops.drift import ANEW, BARE, as_check
from ops.owner import stranger
from ops.record import MEND
from stacks.model import Site

HOST_LIMIT = 120.0
"""Seconds for one host."""
HEADS = ("HOST", "OS", "CPUS", "MEMORY", "GPU", "ROLES", "RESULT")


def row(site: Site, host: Host, answer: Report) -> list[str]:
    """The cells of one host under HEADS; roles are those in a cluster."""
    roles = ",".join(host.roles) if site.kubernetes else "-"
    return [host.name, *render.machine(answer.facts.get(host.name, {})), roles, render.by_host(answer, host.name)]


def next_step(site: Site) -> str:
    """What an operator does with a site that works."""
    begin = "sitectl kubeconfig --to FILE, then KUBECONFIG=FILE kubectl get nodes; " if site.kubernetes else ""
    return f"Next: {begin}from time to time: sitectl drift"


async def verify(site: Site, hosts: Mapping[str, Host], fleet: Fleet, control_planes: Fleet) -> Report:
    """Checks `hosts`, and the cluster as a control plane sees it. A host's error is a row, never an exception."""
    services = {name: _services(site, host) for name, host in hosts.items()}

    async def ask(target: Target) -> dict[str, Result]:
        script = _script(site, hosts[target.name], services[target.name])
        answer = await fleet.ask(target, "bash -s", stdin=script.encode(), deadline=HOST_LIMIT)
        return _sections(answer.stdout)

    checks: list[Check] = []
    facts: dict[str, Mapping[str, Any]] = {}
    for name, answer in (await fleet.each(ask)).items():
        if isinstance(answer, SshError):
            checks.append(unreachable(answer))
            continue
        try:
            checks += _host(site, hosts[name], answer, services[name])
            if not said.no_runner(answer["facts"]):
                facts[name] = said.facts(name, answer["facts"])
                checks += _gpus(hosts[name], facts[name])
        except SshError as error:
            checks.append(unreachable(error))
    if site.kubernetes:
        checks += await cluster.look(site, [hosts[name] for name in fleet.targets], control_planes)
    return Report([*checks, *expiry.checks(site)], facts)


def _services(site: Site, host: Host) -> list[str]:
    """The units that must run on the host."""
    engine = site.engine_on(host)
    return [*(sorted(units(engine)) if engine else ()), *(["kubelet"] if site.kubernetes else [])]


def _script(site: Site, host: Host, services: Sequence[str]) -> str:
    """The script that a host runs, so that one connection is enough; each section prints its name, text and status."""
    commands = {
        "check": f"{RUNNER} check --json",
        "facts": f"{RUNNER} facts --json",
        name_servers.SECTION: name_servers.ASK,
        **({service_names.SECTION: service_names.ask(site)} if service_names.of(site) else {}),
        **{name: f"systemctl is-active {name}" for name in services},
        **({"certificates": expiry.LIST, "etcd": etcd.ROOM.strip()} if expiry.of(site, host) else {}),
        **({"sign_in": expiry.KUBELET.strip()} if site.kubernetes else {}),
        **({"backup": backup.LAST} if backup.of(site, host) else {}),
        **({"cis": cis.SEEN} if cis.of(site) else {}),
    }
    return "".join(
        f"printf '\\036%s\\037' {name}; {command}; printf '\\037%s' $?\n" for name, command in commands.items()
    )


def _sections(text: str) -> dict[str, Result]:
    found = {}
    for section in text.split("\x1e")[1:]:
        name, out, status = section.split("\x1f")
        found[name] = Result(int(status), out, "")
    return found


def _host(site: Site, host: Host, answer: Mapping[str, Result], services: Sequence[str]) -> list[Check]:
    reached = Check("reachable", host.name, "ok")
    if said.no_runner(answer["check"]):
        nothing = Check("ledger", host.name, "failed", BARE, fix=ANEW)
        return [reached, nothing, *(Check(name, host.name, "skipped", "not checked") for name in services)]
    steps = said.steps(host.name, answer["check"])
    notes = [as_check(host.name, step) for step in steps if step.status == "ok" and step.says]
    ledger = _ledger(host.name, steps)
    if other := stranger(host.name, said.owner(host.name, answer["check"]), site.owner, str):
        ledger = replace(other, id="ledger")
    years = [expiry.first(host.name, answer["certificates"])] if expiry.of(site, host) else []
    years += [etcd.check(host.name, answer["etcd"])] if expiry.of(site, host) else []
    years += [expiry.kubelet(host.name, answer["sign_in"])] if site.kubernetes else []
    years += [backup.check(host.name, wanted, answer["backup"])] if (wanted := backup.of(site, host)) else []
    years += cis.checks(host, answer["cis"], site.kubernetes) if site.kubernetes and cis.of(site) else []
    return [
        reached,
        ledger,
        name_servers.check(host, answer[name_servers.SECTION]),
        *([service_names.check(site, host, answer[service_names.SECTION])] if service_names.of(site) else []),
        *years,
        *_verdicts(site, host.name, steps),
        *notes,
        *(_service(host.name, name, answer[name].stdout.strip()) for name in services),
    ]


def _verdicts(site: Site, host: str, steps: Sequence[said.StepSaid]) -> list[Check]:
    """Steps that a room or a part shows as checks of their own; one that was never applied here is not among them."""
    shown = {
        step: f"{entry.name}/{name}"
        for entry, hosts in zip(site.entries, site.entry_hosts, strict=True)
        if entry.part.host and host in hosts
        for step, name in entry.part.host.verdicts.items()
    }
    shown |= {"secrets_written": "secrets-at-rest", "kubelet_serving": "kubelet-certificate"}
    named = [(shown[step.step.partition("#")[0]], step) for step in steps if step.step.partition("#")[0] in shown]
    return [replace(as_check(host, step), id=id_) for id_, step in named]


def _service(host: str, name: str, state: str) -> Check:
    if state == "active":
        return Check(name, host, "ok")
    return Check(name, host, "failed", f"the service is {state}", "active", f"there: journalctl -u {name} -n 50")


def _ledger(host: str, steps: Sequence[said.StepSaid]) -> Check:
    """All layers in one check; `sitectl drift` lists them."""
    untrue = [step for step in steps if step.status != "ok"]
    if not steps:
        return Check("ledger", host, "failed", "nothing is applied here.", fix=ANEW)
    if not untrue:
        return Check("ledger", host, "ok", f"{len(steps)} steps hold")
    first = untrue[0]
    more = f" (and {len(untrue) - 1} more: sitectl drift {host})" if len(untrue) > 1 else ""
    saw, _, fix = first.says.partition("Fix: ")
    saw = f"{first.layer}/{first.step}: {saw.strip()}{more}"
    return Check("ledger", host, "failed", saw, fix=fix.strip() or MEND)


def _gpus(host: Host, facts: Mapping[str, Any]) -> list[Check]:
    if host.gpu is None:
        return []
    gpus = facts["gpus"]
    check = Check("gpus", host.name, "ok", f"{gpus['count']} seen", f"{host.gpu.count} × {host.gpu.model}")
    if gpus["driver_says"]:
        fix = "there: dmesg | grep -i -e nvrm -e xid"
        return [replace(check, status="failed", saw=str(gpus["driver_says"]), fix=fix)]
    if gpus["count"] != host.gpu.count:
        fix = "look for it with lspci -d 10de:; while a card is away: gpu.count of this host"
        return [replace(check, status="failed", saw=f"{gpus['count']} seen.", fix=fix)]
    return [check]
