"""A server that is dark, as `sitectl verify` shows it. Does not prove: that a host answers in time; ../scripts does."""

from pathlib import Path

import pytest

from tests.unit.fake_hosts import SITE, Sitectl, sitectl

DARK = (
    "192.0.2.11 does not answer on port 2049 within 5 s, and 3 of its mounts here hang. Fix: start the NFS server there"
)


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    found = sitectl(tmp_path, monkeypatch)
    site = f"{SITE}    storage: {{nfs: {{host: cp-1, path: /srv/data}}}}\n"
    (found.folder / "Pulumi.dev.yaml").write_text(site)
    return found


@pytest.mark.row("S1")
@pytest.mark.row("M3")
def test_each_host_that_cannot_mount_is_named_by_a_check_of_its_own(ctl: Sitectl) -> None:
    ctl.hosts.more_steps = ("nfs_mounts",)
    ctl.hosts.untrue = {("gpu-1", "nfs_mounts"): DARK}
    found = {each["host"]: each for each in ctl.json("verify")["checks"] if each["id"] == "storage/mounts"}
    assert {host: each["status"] for host, each in found.items()} == {"cp-1": "ok", "gpu-1": "failed", "gpu-2": "ok"}
    assert f"{found['gpu-1']['saw']} Fix: {found['gpu-1']['fix']}" == DARK
