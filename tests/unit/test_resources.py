"""How many resources a host costs (ADR 20). Does not prove: what the engine needs for them; bench/ measures that."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
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
from components.parts.component import OnHosts
from components.parts.part import Wave
from stacks.load import site_from
from tests.unit.recorder import Plan as Recorded
from tests.unit.recorder import record
from tests.unit.test_golden import SAMPLES, planned

ROOT = Path(__file__).parents[2]
MOST = 8


def of_hosts(plan: Recorded) -> Mapping[str, int]:
    """Resources by the host whose name they bear."""
    hosts = {r.name.removesuffix("-runner") for r in plan.resources.values() if r.name.endswith("-runner")}
    names = [r.name for r in plan.resources.values()]
    return Counter(host for host in hosts for name in names if name.startswith(f"{host}-"))


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_a_host_of_a_sample_site_costs_at_most_eight_resources(sample: str, tmp_path: Path, lab_folder: Path) -> None:  # noqa: ARG001
    found = of_hosts(planned(sample, tmp_path))
    assert found
    assert max(found.values()) <= MOST


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
        hosts = Hosts("hosts", site.hosts, Plan(steps, steps, lambda _: []), targets=reached, secret=str)
        refs = Engines("engines", on_all, hosts=Gpus("gpus", on_all, hosts=hosts.refs).refs, registry=None).refs
        part = partial(OnHosts, targets=reached)
        refs = part("disks", "gpu-metal:parts:Storage", [Wave("disks", on_all)], hosts=refs).refs
        refs = part("jobs", "gpu-metal:parts:Jobs", [Wave("jobs", on_all), Wave("jobs-run", on_all)], hosts=refs).refs
        Cluster("lab", site.hosts, planes=site.control_planes, refs=refs, targets=reached, node=steps)

    plan = record(program, {"lab-kubeconfig": {"stdout": "the-kubeconfig"}})
    assert of_hosts(plan) == dict.fromkeys(site.hosts, MOST)
    others = [r.name for r in plan.of("command:remote:Command") if not r.name.startswith(tuple(site.hosts))]
    assert all(re.fullmatch(r"lab-(members-\d\d|kubeconfig)", name) for name in others), others
