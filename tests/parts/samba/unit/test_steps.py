"""Samba shares as steps: what a host gets from the site's keys. No host is needed.

Does not prove: that Samba takes the settings; ../scripts does.
"""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.samba import steps
from components.parts.samba.config import Samba
from stacks.load import site_from
from stacks.model import Site
from stacks.secret_names import secret_names
from tests.samples import ROOT

pytestmark = pytest.mark.row("N3")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    text = (ROOT / "components/parts/samba/sample.yaml").read_text()
    said: dict[str, Any] = YAML(typ="safe").load(text)["config"]["gpu-metal:site"]
    return site_from(said, stack="lab", folder=tmp_path, keys=False)


def config(site: Site) -> Samba:
    return next(entry.config for entry in site.entries if isinstance(entry.config, Samba))


def sections(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = own = {}
        elif "=" in line:
            key, value = line.split("=", 1)
            own[key.strip()] = value.strip()
    return found


def test_each_share_lets_in_whom_the_site_says(site: Site) -> None:
    made = sections(steps.conf(config(site)))
    assert made.keys() == {"global", "input", "output"}
    assert made["input"]["path"] == "/srv/data/input/%u"
    assert "read list" not in made["input"]
    assert (made["output"]["valid users"], made["output"]["read list"]) == ("ana ben", "ben")
    assert made["output"]["force group"] == "gm-samba"


def test_nobody_enters_without_a_password_or_in_clear(site: Site) -> None:
    whole = sections(steps.conf(config(site)))["global"]
    assert (whole["map to guest"], whole["restrict anonymous"], whole["usershare max shares"]) == ("never", "2", "0")
    assert (whole["server smb encrypt"], whole["server min protocol"]) == ("required", "SMB3")
    open_to_all = config(site).model_copy(update={"encrypt": False})
    old = sections(steps.conf(open_to_all))["global"]
    assert (old["server smb encrypt"], old["server min protocol"]) == ("desired", "SMB2_10")


def test_the_host_has_folders_settings_and_passwords_in_this_order(site: Site) -> None:
    [wave] = steps.waves(config(site), site.hosts)
    [(host, made)] = wave.steps.items()
    assert (wave.layer, host) == ("samba", "files-1")
    assert [step.id for step in made] == ["packages#samba", "samba_folders", "samba_shares", "samba_users"]
    folders, users = made[1], made[3]
    assert (folders.inputs["homes"], folders.inputs["shared"]) == (
        "/srv/data/input:/srv/data",
        "/srv/data/output:/srv/data",
    )
    assert folders.bulk["access"].splitlines() == [
        "ana w /srv/data/input/ana",
        "ana w /srv/data/output",
        "ben r /srv/data/output",
        "ben w /srv/data/input/ben",
    ]
    assert users.secrets == {"password-ana": "anaShares", "password-ben": "benShares"}
    assert secret_names(site)["anaShares"] == ["samba.users.ana.passwordSecret"]


def test_only_the_named_networks_reach_it(site: Site) -> None:
    [service] = steps.listening(config(site), site.hosts["files-1"], site.hosts)
    assert service.port == "445"
    assert [str(each) for each in service.sources or ()] == ["10.2.0.0/16"]
    everyone = config(site).model_copy(update={"clients": ()})
    assert steps.listening(everyone, site.hosts["files-1"], site.hosts)[0].sources == "any"
