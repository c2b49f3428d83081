"""The example's steps on an emulated host, with the page that the lab serves. Does not prove: other systems."""

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.parts.example import steps
from components.parts.example.config import Example
from lab.depot.service import SITE
from lab.parts.example import depot
from tests.scripts.lab_host import LabHost, leaves_no_trace

pytestmark = pytest.mark.lab


HOST = Host.model_validate({"name": "web-1", "address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"})
PAGE = {"url": depot.URL, "sha256": depot.SHA256}
CONFIG = Example.model_validate({"host": HOST.name, "page": PAGE})


def layer(config: Example = CONFIG) -> list[Step]:
    [wave] = steps.waves(config, {HOST.name: HOST})
    return list(wave.steps[HOST.name])


@pytest.mark.row("Z1")
def test_the_page_is_served_and_leaves_no_trace(spare: LabHost) -> None:
    depot.publish(SITE)
    leaves_no_trace(spare, {"example": layer()})


@pytest.mark.row("Z1")
def test_another_port_and_another_page(installed: LabHost) -> None:
    moved = Example.model_validate({"host": HOST.name, "page": PAGE, "port": 8094})
    installed.apply("example", layer())
    assert installed.apply("example", layer(moved))["example_page"] == "changed"
    get = (
        "python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8094/page.html\").read().decode())'"
    )
    assert installed.bash(get).strip() == depot.PAGE.read_text().strip()
    other = Example.model_validate({"host": HOST.name, "page": {**PAGE, "sha256": "0" * 64}})
    done = installed.run("example", layer(other))
    assert done.returncode != 0
    assert "The page has SHA-256" in done.stderr
    assert "correct example.page.sha256" in done.stderr


def test_preflight_refuses_a_folder_of_others(installed: LabHost) -> None:
    free = [step for step in steps.preflight(CONFIG, HOST, {}) if step.id == "example_free"]
    installed.bash("mkdir /srv/gpu-metal-example")
    assert "is not ours" in installed.questions(free)["example_free"]
    installed.bash("rmdir /srv/gpu-metal-example")
    assert installed.questions(free) == {}
