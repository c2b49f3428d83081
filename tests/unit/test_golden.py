"""Each sample site's plan, held against a file: names, types, parents, order, and what each layer runs.

A changed plan is reviewed as the diff of a golden file: `UPDATE_GOLDEN=1 make unit` writes them anew.
"""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
from ruamel.yaml import YAML

from components.hostrun.step import RUNNER
from components.kubernetes.force import FORCE
from policy.rules import RULES, STACK_RULES, Planned
from stacks.load import site_from
from stacks.site import build
from tests import samples
from tests.unit.conftest import a_key
from tests.unit.recorder import Plan, Registered, record
from tests.unit.test_plan import NoSecrets, void
from tests.unit.test_resources import MOST, of_hosts

SAMPLES = {sample.name: sample for sample in (*samples.shown(), *samples.good())}
DIGEST = re.compile(r"@[0-9a-f]{12}\b|(?<=install )[0-9a-f]{64}")


class FakeSecrets(NoSecrets):
    """A value of no value for every name."""

    def reveal(self, name: str) -> str:
        return f"the value of {name}"

    def output(self, name: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(self.reveal(name))


def planned(sample: str, folder: Path) -> Plan:
    """What the program registers for a sample site, with keys of nobody."""
    of = SAMPLES[sample]
    site = YAML(typ="safe").load(of.file)["config"]["gpu-metal:site"]
    for name in site.get("include", []):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text((of.file.parent / name).read_text())
    if of.files.exists():
        shutil.copytree(of.files, folder / "files")
    (folder / "keys").mkdir()
    (folder / "keys/docker.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    addresses = [f"10.{a}.{b}.{c}" for a in range(3) for b in range(8) for c in range(64)] + ["192.0.2.10"]
    (folder / f"known_hosts.{sample}").write_text("".join(f"{a} ssh-ed25519 {a_key(a)}\n" for a in addresses))

    def plan(of: dict[str, Any], recorded: Collection[str] = ()) -> Plan:
        made = site_from(of, stack=sample, folder=folder)
        outputs = {f"{sample}-kubeconfig": {"stdout": "the-kubeconfig"}}
        return record(lambda: void(build(made, FakeSecrets())), outputs, recorded)

    # The hosts that are gone were whole: the state has what they had while they were there.
    alive = {name: {k: v for k, v in host.items() if k != "state"} for name, host in site["hosts"].items()}
    if alive == site["hosts"]:
        return plan(site)
    return plan(site, [resource.name for resource in plan({**site, "hosts": alive}).resources.values()])


Plans = Callable[[str], Plan]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory, lab_folder: Path) -> Plans:  # noqa: ARG001
    """The plan of a sample site, by its name; each is made once."""
    return cache(lambda sample: planned(sample, tmp_path_factory.mktemp("site")))


def page(resource: Registered) -> str:
    """A resource for a reviewer: secrets are •, digests of step files are left out."""
    lines = [f"{resource.type} {resource.name}", f"  parent  {resource.parent}"]
    lines += [f"  after   {name}" for name in resource.depends_on]
    for key, value in sorted(resource.inputs.items()):
        if key in {"addPreviousOutputInEnv", "stdin", "source"}:
            continue
        text = "•" if key in resource.secret else DIGEST.sub("", str(value))
        if resource.type == "pulumi:index:Stash":
            text = ", ".join(sorted(value))  # its values are digests of what preflight asks
        lines += [f"  {key}  {line}" for line in text.split("\n")]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_plan_of_a_sample_site_is_the_golden_one(sample: str, plans: Plans) -> None:
    plan = plans(sample)
    text = "".join(page(plan.resources[urn]) for urn in sorted(plan.resources))
    golden = SAMPLES[sample].golden
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)  # a new part has none
        golden.write_text(text)
    assert text == golden.read_text(), "review the diff, then: UPDATE_GOLDEN=1 make unit"


@pytest.mark.row("X3")
@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_plan_of_a_sample_site_obeys_the_policy(sample: str, plans: Plans) -> None:
    found = [Planned(each.type, each.name, each.inputs) for each in plans(sample).resources.values()]
    assert [line for rule in RULES for each in found for line in rule.check(each)] == []
    assert [line for rule in STACK_RULES for line in rule.check(found)] == []


@pytest.mark.row("X22")
@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_each_object_of_a_sample_site_may_be_taken_back(sample: str, plans: Plans) -> None:
    """From who changed it by kubectl: else the API server refuses the next up."""
    objects = [each for each in plans(sample).resources.values() if each.type.startswith("kubernetes:")]
    own = [each for each in objects if each.type != "kubernetes:helm.sh/v3:Release"]
    forced = [each.name for each in own if FORCE.items() <= (each.inputs["metadata"].get("annotations") or {}).items()]
    assert [each.name for each in own] == forced


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_each_host_is_told_of_all_its_layers(sample: str, plans: Plans) -> None:
    """One that is missing would leave for ever; one too many would never be missed."""
    told: dict[str, set[str]] = {}
    has: dict[str, set[str]] = {}
    for command in plans(sample).of("command:remote:Command"):
        words = shlex.split(command.inputs["create"].removeprefix("sudo -n "))
        if words[:4] == ["bash", "-s", "--", "install"]:
            told[command.name] = set(words[7:])
        elif words[0] == RUNNER:
            has.setdefault(command.options["deleted_with"], set()).add(words[2])
    has = {anchor: {"base", *(n for n in layers if not n.startswith("members-"))} for anchor, layers in has.items()}
    assert told == has


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_a_host_of_a_sample_site_costs_at_most_eight_resources(sample: str, plans: Plans) -> None:
    found = of_hosts(plans(sample))
    assert found
    assert max(found.values()) <= MOST
