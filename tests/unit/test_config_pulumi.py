"""The site as Pulumi hands it over, the schema, what importing costs. Pulumi itself is not asked: the lab test does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from stacks.faults import SiteError
from stacks.load import load_site, site_from
from stacks.schema import stack_file
from stacks.source import same
from tests import samples
from tests.samples import Sample

ROOT = Path(__file__).parents[2]
SITES = ROOT / "tests" / "sites"
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInX87PUuhqH2X/L3NY0ybltkKHOZvuyHwR8MwJ0xeEO"


def site(**more: Any) -> dict[str, Any]:
    plane = {"address": "10.0.0.11", "roles": ["control-plane"], "hostKey": ED25519}
    return {"hosts": {"cp-1": plane}, "kubernetes": {"version": "1.34.2"}, **more}


def write(folder: Path, data: dict[str, Any]) -> None:
    with (folder / "Pulumi.lab.yaml").open("w") as file:
        YAML().dump({"config": {"gpu-metal:site": data}}, file)


def test_both_callers_see_one_site(tmp_path: Path) -> None:
    write(tmp_path, site())
    assert site_from(site(), stack="lab", folder=tmp_path) == load_site("lab", tmp_path)


def test_no_file_is_needed_beside_pulumis_object(tmp_path: Path) -> None:
    assert site_from(site(), stack="lab", folder=tmp_path).name == "lab"


def test_lines_come_from_the_file_when_it_says_the_same(tmp_path: Path) -> None:
    write(tmp_path, site(domian="example.org", limits={"nofile": 1.0}))
    with pytest.raises(SiteError) as error:
        site_from(site(domian="example.org", limits={"nofile": 1}), stack="lab", folder=tmp_path)
    assert error.value.lines == ["Pulumi.lab.yaml:12 domian: no such key. Did you mean domain?"]


def test_another_file_lends_no_lines(tmp_path: Path) -> None:
    write(tmp_path, site())
    with pytest.raises(SiteError) as error:
        site_from(site(domian="example.org"), stack="lab", folder=tmp_path)
    assert error.value.lines == ["gpu-metal:site domian: no such key. Did you mean domain?"]


@pytest.mark.parametrize("read_as", [1.3, "1.3"])
def test_a_version_that_lost_its_zero_is_refused(read_as: float | str, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"quote|Quote"):
        site_from(site(kubernetes={"version": read_as}), stack="lab", folder=tmp_path)


@pytest.mark.row("X2")
def test_a_secret_that_pulumi_opened_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    variables: {token: {secure: 'v1:x'}}\n"
        f"    hosts: {{cp-1: {{address: 10.0.0.11, hostKey: {ED25519}}}}}\n"
    )
    opened = {"variables": {"token": "hunter2"}, "hosts": {"cp-1": {"address": "10.0.0.11", "hostKey": ED25519}}}
    with pytest.raises(SiteError) as error:
        site_from(opened, stack="lab", folder=tmp_path)
    assert error.value.lines == [
        "Pulumi.lab.yaml:3 variables.token: is a secret inside the site, which holds names of secrets only. "
        "Fix: pulumi config set --secret NAME"
    ]


def test_an_include_tag_that_pulumi_read_as_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text("config:\n  gpu-metal:site:\n    hosts: !include hosts.yaml\n")
    with pytest.raises(SiteError) as error:
        site_from({"hosts": "hosts.yaml"}, stack="lab", folder=tmp_path)
    text = "Pulumi does not read !include. Write include: [hosts.yaml] under gpu-metal:site."
    assert error.value.lines == [f"Pulumi.lab.yaml:3 hosts: {text}"]


@pytest.mark.parametrize(
    ("written", "got", "equal"),
    [
        ({"a": [1.3, None]}, {"a": ["1.3", None]}, True),
        ({"a": None}, {"a": ""}, True),
        ({"a": {"secure": "v1:x"}}, {"a": "hunter2"}, True),
        ({"a": 1.0}, {"a": 1}, True),
        ({"a": 1}, {"a": "one"}, False),
        ({"a": 1}, {"a": None}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1], [1, 2], False),
        ({"a": True}, {"a": "yes"}, False),
        ("1", 2, False),
    ],
)
def test_what_pulumi_makes_of_yaml(written: object, got: object, equal: bool) -> None:
    assert same(written, got) is equal


@pytest.mark.row("X17")
def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "site.schema.json").read_text())
    assert committed == json.loads(json.dumps(stack_file())), "run make schema"


@pytest.mark.parametrize("sample", [*samples.shown(), *samples.good()], ids=lambda sample: sample.name)
def test_good_files_fit_the_schema(sample: Sample) -> None:
    schema = stack_file()
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema).iter_errors(YAML(typ="safe").load(sample.file))
    assert [error.message for error in found] == []


@pytest.mark.row("X17")
@pytest.mark.parametrize("sample", ["keys", "file-bare-site", "file-plain-secret", "projects"])
def test_an_editor_sees_what_is_wrong(sample: str) -> None:
    data = YAML(typ="safe").load(SITES / "bad" / f"{sample}.yaml")
    assert (sample == "projects") is Draft202012Validator(stack_file()).is_valid(data), (
        "cross checks are not the schema's"
    )


def test_importing_is_light() -> None:
    heavy = "{'pulumi', 'asyncssh', 'kubernetes', 'jsonschema'}"
    code = f"import stacks.load, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
