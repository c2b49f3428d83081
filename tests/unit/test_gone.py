"""Each host of each sample site goes, one at a time: what is refused then is what the site cannot do without.

Does not prove: that the hosts that stay are changed rightly (tests/lab).
"""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.problem import dotted
from stacks.faults import SiteError
from stacks.load import load_site
from tests import samples
from tests.samples import Sample
from tests.unit import test_config

NEEDED = {
    ("racks", "zeus"): ["registry.host"],
    ("shifter-old", "gate"): ["platforms[0].gateway.host"],
    ("sqream-hosts", "db-1"): ["platforms[0].host"],
    ("storage-whole", "cp-1"): ["storage.nfs.host"],
    ("device_plugin", "gpu-1"): ["devicePlugin"],
    ("samba", "files-1"): ["storage.nfs.host"],
    ("storage", "cp-1"): ["storage.nfs.host"],
    ("shifter", "greina9"): ["platforms[0].gateway.host", "platforms[0].slurm.controller"],
    ("orchestra", "zeus"): ["platforms[0].host"],
    ("rancher", "cessy"): ["devicePlugin"],
    ("rancher", "nfs"): ["storage.nfs.host"],
    ("runai", "gpu-1"): ["platforms[0].departments", "platforms[0].projects.vision.pools.a100.gpus"],
    ("runai", "gpu-2"): ["platforms[0].departments", "platforms[0].projects.vision.pools.default.gpus"],
    ("runai", "nfs"): ["platforms[0].package.host", "storage.nfs.host"],
    ("sqream", "db-1"): ["platforms[0].host"],
}
"""Sample, host, and the keys that are wrong without it: of a server, of the only GPUs."""


def parts() -> list[Sample]:
    """The sample of each part, and the sites of tests."""
    return [sample for sample in [*samples.good(), *samples.shown()] if sample.name != "dev"]


@pytest.mark.row("H1")
def test_a_host_that_is_gone_drops_out_of_what_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(stack: str, folder: Path) -> Any:
        return load_site(stack, folder, keys=False)

    monkeypatch.setattr(test_config, "load_site", load)
    refused: dict[tuple[str, str], list[str]] = {}
    for sample in parts():
        folder = tmp_path / sample.name
        folder.mkdir()
        site = test_config.load(sample, folder)
        file = folder / "Pulumi.lab.yaml"
        for host in site.hosts:
            data = YAML(typ="safe", pure=True).load(sample.file.read_text())
            hosts = data["config"]["gpu-metal:site"]["hosts"]
            hosts[host] = {**(hosts.get(host) or {}), "state": "gone"}
            with file.open("w") as text:
                YAML(typ="safe", pure=True).dump(data, text)
            try:
                load("lab", folder)
            except SiteError as error:
                keys = [dotted(fault.key) for fault in error.faults]
                last = [each.name for each in site.control_planes or site.active] == [host]
                assert ("hosts" in keys) == last
                if others := [key for key in keys if key != "hosts"]:
                    refused[sample.name, host] = others
                assert all(" gone" in fault.text or "no active host" in fault.text for fault in error.faults)
    assert refused == NEEDED
