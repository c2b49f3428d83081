"""How many resources a host costs (ADR 20). Does not prove: what the engine needs for them; bench/ measures that."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from components.engine.component import Engines
from components.gpu.component import Gpus
from components.host.component import Hosts, Plan
from components.host.config import Host
from components.host.targets import targets
from components.hostrun.step import Step
from components.kubernetes.component import Cluster
from components.kubernetes.rolling import Rolling
from components.kubernetes.turn import Turns
from components.parts.component import OnHosts
from components.parts.part import Wave
from stacks.load import site_from
from stacks.site import build
from tests.unit.conftest import a_key
from tests.unit.recorder import Plan as Recorded
from tests.unit.recorder import record
from tests.unit.test_plan import NoSecrets, void

ROOT = Path(__file__).parents[2]
MOST = 8


def of_hosts(plan: Recorded) -> Mapping[str, int]:
    """Resources by the host whose name they bear."""
    hosts = {r.name.removesuffix("-runner") for r in plan.resources.values() if r.name.endswith("-runner")}
    names = [r.name for r in plan.resources.values()]
    return Counter(host for host in hosts for name in names if name.startswith(f"{host}-"))


def test_a_host_with_kubernetes_a_storage_role_and_a_platform_of_two_waves_costs_eight(
    tmp_path: Path,
    lab_folder: Path,  # noqa: ARG001
) -> None:
    config = YAML(typ="safe").load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    site = site_from(config, stack="lab", folder=tmp_path)
    script = tmp_path / "holds.sh"
    script.write_text("# It holds.\ncheck() { :; }\n")
    step = Step(script)
    on_all = {name: [step] for name in site.hosts}

    def steps(_: Host) -> list[Step]:
        return [step]

    def program() -> None:
        reached = targets(site.hosts, str)
        hosts = Hosts(
            "hosts", site.hosts, Plan(steps, steps, lambda _: []), targets=reached, secret=str, owner=site.owner
        )
        refs = Engines("engines", on_all, hosts=Gpus("gpus", on_all, hosts=hosts.refs).refs, registry=None).refs
        part = partial(OnHosts, targets=reached)
        refs = part("disks", "gpu-metal:parts:Storage", [Wave("disks", on_all)], hosts=refs).refs
        refs = part("jobs", "gpu-metal:parts:Jobs", [Wave("jobs", on_all), Wave("jobs-run", on_all)], hosts=refs).refs
        turns = Turns("1.34.2", Rolling())
        planes = site.control_planes
        layers = lambda _: {"node": [step]}  # noqa: E731 - as a plan gives them
        Cluster("lab", site.hosts, planes=planes, refs=refs, targets=reached, layers=layers, drained={}, turns=turns)

    plan = record(program, {"lab-kubeconfig": {"stdout": "the-kubeconfig"}})
    assert of_hosts(plan) == dict.fromkeys(site.hosts, MOST)
    assert plan.one("lab-kubeconfig").options["after"] == ("kubeconfig",)
    others = [r.name for r in plan.of("command:remote:Command") if not r.name.startswith(tuple(site.hosts))]
    assert all(re.fullmatch(r"lab-(members-\d\d|kubeconfig)", name) for name in others), others


def site_of(count: int, folder: Path) -> Recorded:
    """The lab's site with so many workers."""
    config = YAML(typ="safe").load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    workers = {f"gpu-{n}": {"group": "gpu", "address": f"10.60.{n // 250}.{n % 250 + 1}"} for n in range(count)}
    config["hosts"] = {"cp-1": {"address": "10.213.77.11", "roles": ["control-plane"]}, **workers}
    config["knownHosts"] = str(folder / "known_hosts")
    addresses = [host["address"] for host in config["hosts"].values()]
    (folder / "known_hosts").write_text("".join(f"{a} ssh-ed25519 {a_key(a)}\n" for a in addresses))
    site = site_from(config, stack="lab", folder=folder)
    return record(lambda: void(build(site, NoSecrets())), {"lab-kubeconfig": {"stdout": "the-kubeconfig"}})


def walked(plan: Recorded) -> int:
    """Steps of the SDK's search for a circle: at each dependency, all that the other side hangs on."""
    after = {r.name: r.depends_on for r in plan.resources.values()}
    hung: dict[str, frozenset[str]] = {}
    for name in TopologicalSorter(after).static_order():
        hung[name] = frozenset({name}).union(*(hung[other] for other in after.get(name, ())))
    return sum(len(hung[other]) for others in after.values() for other in others)


@pytest.mark.row("X18")
def test_what_a_host_costs_does_not_grow_with_the_site(tmp_path: Path, lab_folder: Path) -> None:  # noqa: ARG001
    """Counted, not timed: resources, edges, and the walks that made a preview of 1,000 hosts end in RecursionError."""
    small, large = site_of(64, tmp_path), site_of(192, tmp_path)
    edges = [sum(len(r.depends_on) for r in plan.resources.values()) for plan in (small, large)]
    assert len(large.resources) / len(small.resources) < 3
    assert edges[1] / edges[0] < 3.2
    # Of the objects in the cluster each walks through all hosts: there are six, whatever the site.
    assert (walked(large) - 6 * len(large.resources)) / (walked(small) - 6 * len(small.resources)) < 3.6
    assert max(len(r.depends_on) for r in large.resources.values()) <= 50
