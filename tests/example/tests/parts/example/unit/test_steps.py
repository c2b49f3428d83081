"""What the example makes of its keys. That its steps do what they say, the story on the lab's hosts proves."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from components.parts.example import steps
from lab.depot import parts
from lab.parts.example import depot
from stacks.checks import notes
from stacks.load import site_from
from stacks.model import Site
from tests.samples import ROOT

SAMPLE = ROOT / "components/parts/example/sample.yaml"


def sample(folder: Path, **more: object) -> Site:
    said = YAML(typ="safe").load(SAMPLE)["config"]["gpu-metal:site"]
    return site_from({**said, **more}, stack="lab", folder=folder, keys=False)


@pytest.mark.row("Z1")
def test_one_host_serves_the_page(tmp_path: Path) -> None:
    site = sample(tmp_path)
    [entry] = site.entries
    [wave] = steps.waves(entry.config, site.hosts)
    assert {host: [step.id for step in found] for host, found in wave.steps.items()} == {
        "web-1": ["packages#example", "example_page"]
    }


@pytest.mark.row("Z2")
def test_projects_are_told_where(tmp_path: Path) -> None:
    site = sample(tmp_path)
    assert steps.url(site.entries[0].config, site.hosts) == "http://10.2.1.21:8093/page.html"
    assert "example: the site has no projects, so that nobody is told of the page." in notes(
        sample(tmp_path, projects={})
    )


def test_the_lab_serves_the_page(tmp_path: Path) -> None:
    assert depot.SUPPLY.published in [supply.published for supply in parts.supplies()]
    assert depot.publish(tmp_path)
    assert not depot.publish(tmp_path)
    assert (tmp_path / "example/page.html").read_bytes() == depot.PAGE.read_bytes()
