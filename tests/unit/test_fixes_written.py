"""What a refused site's message says to write is accepted, for messages that say it word by word."""

import shutil
from pathlib import Path

import pytest

from stacks.faults import SiteError
from stacks.load import load_site
from tests.samples import SITES

ONE = "    hosts: {cp-1: {address: 10.0.0.11, roles: [control-plane]}}\n"
TWO = "    hosts: {gate: {address: 10.0.0.1, roles: []}, db-1: {address: 10.0.0.2, roles: []}}\n"


def load(site: str, folder: Path) -> None:
    (folder / "Pulumi.lab.yaml").write_text(f"config:\n  gpu-metal:site:\n{site}")
    shutil.copy(SITES / "known_hosts", folder / "known_hosts.lab")
    load_site("lab", folder)


@pytest.mark.parametrize(
    ("site", "said", "old", "new"),
    [
        (f"{ONE}  kubernetes: {{}}\n", "with 4 spaces before it", "  kubernetes", "    kubernetes"),
        (f"{ONE}kubernetes: {{}}\n", "with 4 spaces before it", "kubernetes", "    kubernetes"),
        (
            f"    timeServers: [172.17.0.3]\n    engine: {{kind: docker}}\n{TWO}",
            'Write engine: {kind: docker, subnet: "172.30.0.1/16"}.',
            "engine: {kind: docker}",
            'engine: {kind: docker, subnet: "172.30.0.1/16"}',
        ),
        (
            f"    ssh: {{bastion: {{address: 10.0.0.1}}}}\n{TWO}",
            "Write ssh: {bastion: null} at hosts.gate",
            "10.0.0.1, roles: []}",
            "10.0.0.1, roles: [], ssh: {bastion: null}}",
        ),
        (
            f"    kubernetes: {{endpoint: '10.0.0.11:8443'}}\n{ONE}",
            "Take the key away: then it is 10.0.0.11:6443.",
            "{endpoint: '10.0.0.11:8443'}",
            "{}",
        ),
        (
            f"    kubernetes: {{kubelet: {{readOnlyPort: 10255}}}}\n{ONE}",
            "write kubernetes.allowInsecure: [kubelet.readOnlyPort]",
            "10255}",
            "10255}, allowInsecure: [kubelet.readOnlyPort]",
        ),
        (f"    accounts: {{ana: {{home: /srv/x/../ana}}}}\n{TWO}", "Write /srv/ana.", "/srv/x/../ana", "/srv/ana"),
        (
            f"    kubernetes: {{}}\n{ONE}    projects: {{a: {{cpu: '1', memory: '64'}}}}\n",
            'Write a unit, for example "64Gi".',
            "'64'",
            "64Gi",
        ),
    ],
)
def test_a_fix_that_is_followed_works(site: str, said: str, old: str, new: str, tmp_path: Path) -> None:
    with pytest.raises(SiteError) as error:
        load(site, tmp_path)
    assert said in str(error.value)
    load(site.replace(old, new), tmp_path)
