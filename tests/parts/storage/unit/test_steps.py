"""What storage makes of its keys on hosts. Does not prove: that the steps do what they say; ../scripts does."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.storage import steps
from components.parts.storage.config import Storage
from stacks.checks import notes
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from stacks.needed import listening
from tests.samples import PARTS

WHOLE = PARTS / "storage/good/whole.yaml"
NFS = {"host": "cp-1", "path": "/srv/data"}


def site(folder: Path, *, hosts: dict[str, Any] | None = None, **more: Any) -> Site:
    """Two hosts without a cluster and what they have of storage."""
    own = hosts or {"cp-1": {"address": "10.0.0.11"}, "gpu-1": {"address": "10.0.0.12"}}
    said = {"hosts": {name: {"roles": [], **host} for name, host in own.items()}, "storage": more}
    return site_from(said, stack="lab", folder=folder, keys=False)


def whole(folder: Path) -> Site:
    said = YAML(typ="safe").load(WHOLE)["config"]["gpu-metal:site"]
    return site_from(said, stack="lab", folder=folder, keys=False)


def config_of(site: Site) -> Storage:
    config: Storage = site.entries[0].config
    return config


def ids(site: Site) -> list[dict[str, list[str]]]:
    return [
        {host: [step.id for step in found] for host, found in wave.steps.items()}
        for wave in steps.waves(config_of(site), site.hosts)
    ]


def inputs(site: Site, name: str, wave: int = 0, host: str = "cp-1") -> dict[str, str]:
    found = steps.waves(config_of(site), site.hosts)[wave].steps[host]
    [step] = [step for step in found if step.script.stem == name]
    return {**step.inputs, **step.bulk}


@pytest.mark.row("S1")
def test_the_server_comes_before_its_clients_and_every_host_is_one(tmp_path: Path) -> None:
    client = ["packages#nfs-client", "nfs_mounts"]
    found = site(tmp_path, nfs=NFS)
    assert ids(found) == [
        {"cp-1": ["packages#nfs-server", "nfs_share", "nfs_exports"]},
        {"cp-1": client, "gpu-1": client},
    ]
    assert inputs(found, "nfs_exports") == {
        "path": "/srv/data",
        "clients": "10.0.0.11/32 10.0.0.12/32",
        "options": "rw,sync,no_subtree_check,sec=sys,root_squash",
    }
    assert inputs(found, "nfs_mounts", 1) == {"server": "10.0.0.11", "path": "/srv/data", "options": "nfsvers=4,hard"}


@pytest.mark.row("S1")
def test_a_share_on_a_disk_is_not_exported_without_it(tmp_path: Path) -> None:
    disks = [{"device": "/dev/sdb", "mount": "/srv"}, {"device": "/dev/sdc", "mount": "/srv/data"}]
    hosts = {"cp-1": {"address": "10.0.0.11", "disks": disks}}
    found = site(tmp_path, hosts=hosts, nfs={**NFS, "path": "/srv/data/a", "capacity": "2Ti", "rootSquash": False})
    assert inputs(found, "nfs_exports")["options"].endswith(",no_root_squash,mountpoint=/srv/data")
    assert inputs(found, "nfs_share") == {"path": "/srv/data/a", "mount": "/srv/data", "bytes": str(2 * 1024**4)}


@pytest.mark.row("S1")
def test_an_existing_server_is_asked_by_every_host_before_any_change(tmp_path: Path) -> None:
    found = site(tmp_path, server={"address": "nas.example.org", "path": "/export"}, mountOptions=["soft"])
    assert ids(found) == [{host: ["packages#nfs-client", "nfs_mounts"] for host in ("cp-1", "gpu-1")}]
    assert inputs(found, "nfs_mounts") == {"server": "nas.example.org", "path": "/export", "options": "soft"}
    for host in found.active:
        [step] = steps.preflight(config_of(found), host, found.hosts)
        assert (step.id, step.inputs) == ("nfs_answers", {"server": "nas.example.org"})


@pytest.mark.row("S1")
def test_only_the_clients_come_in(tmp_path: Path) -> None:
    found = whole(tmp_path)
    opened = {each.name: (each.port, each.sources) for each in listening(found, found.hosts["cp-1"])}
    wanted = "10.0.0.11/32 10.0.0.12/32 10.9.0.0/24"
    for name, port in {"nfs": "2049", "nfs-rpcbind": "111", "nfs-mountd": "20048", "nfs-locks": "32803"}.items():
        assert opened[name][0] == port
        assert " ".join(str(each) for each in opened[name][1] or ()) == wanted
    assert not [each for each in listening(found, found.hosts["gpu-1"]) if each.name.startswith("nfs")]
    assert inputs(found, "nfs_ganesha") == {
        "path": "/srv/data",
        "clients": wanted,
        "squash": "no_root_squash",
        "versions": "3 4",
    }
    every = site(tmp_path, nfs=NFS)
    [sources] = [each.sources for each in listening(every, every.hosts["cp-1"]) if each.port == "2049"]
    assert " ".join(str(each) for each in sources or ()) == "10.0.0.11/32 10.0.0.12/32", "the hosts, and no pods"


@pytest.mark.row("S2")
def test_folders_of_volumes_are_made_on_our_server_only(tmp_path: Path) -> None:
    found = inputs(whole(tmp_path), "nfs_folders")
    assert found["folders"] == "- - vision/output\n2000:2000 2750 vision/input\n"
    assert found["mount"] == "/srv"


def test_without_a_server_hosts_get_nothing(tmp_path: Path) -> None:
    assert ids(site(tmp_path)) == []


@pytest.mark.row("S3")
def test_only_a_default_class_is_a_default(tmp_path: Path) -> None:
    assert "storage:default" in ground(whole(tmp_path)).provides
    assert "storage:default" not in ground(site(tmp_path, nfs=NFS)).provides


@pytest.mark.row("S3")
def test_what_is_allowed_and_yet_worth_a_line(tmp_path: Path) -> None:
    said = YAML(typ="safe").load(WHOLE)["config"]["gpu-metal:site"]
    del said["storage"]["classes"]["nfs"]["default"], said["hosts"]["cp-1"]["disks"]
    found = [note for note in notes(site_from(said, stack="lab", folder=tmp_path, keys=False)) if "storage" in note]
    assert found == [
        "storage.classes: none is the default: a claim that names no class stays Pending.",
        "storage.classes.legacy.kind: nfs-subdir-external-provisioner has had no release since 2023; csi-nfs does the "
        "same.",
        "storage.nfs.path: cp-1 has no disks in this site: the share fills its system's own disk.",
        "storage.nfs.rootSquash: root of each client, and each privileged pod, is root on the share.",
    ]
