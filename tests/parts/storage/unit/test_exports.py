"""Exports of others on the share's host. Does not prove: what an NFS server makes of them."""

from pathlib import Path

import pytest

from components.parts.storage import steps
from tests.unit.step_host import StepHost

FREE = Path(steps.__file__).parent / "steps/nfs_free.sh"
OPEN = (
    "/srv/data *(rw)",
    "/srv 10.0.0.0/8(rw)",
    '"/srv/data" *(ro)',
    "/ *(ro)",
    "/srv/data/vision/ host(rw)",
    "/srv/ *(ro)",
)
APART = ("/srv/database *(rw)", "/srv/dat *(rw)", "#/srv/data *(rw)", "10.0.0.9(rw)", "/export *(rw)", "")


@pytest.mark.row("S1")
@pytest.mark.parametrize("line", OPEN)
def test_an_export_through_which_others_reach_the_share_is_refused(tmp_path: Path, line: str) -> None:
    host = StepHost(tmp_path)
    host.file("/etc/exports", f"/export *(rw)\n{line}\n")
    status, said = host.call(FREE, "check", {"path": "/srv/data"})
    assert status == 10
    assert said == (
        f"exports /srv/data, or a folder above it or in it, already (/etc/exports: {line}). Fix: take that line out, "
        "write another nfs.path, or name this host as storage.server in place of nfs"
    )


@pytest.mark.row("S1")
@pytest.mark.parametrize("line", APART)
def test_other_folders_are_others_matter(tmp_path: Path, line: str) -> None:
    host = StepHost(tmp_path)
    host.file("/etc/exports", f"{line}\n")
    assert host.call(FREE, "check", {"path": "/srv/data"}) == (0, "")
