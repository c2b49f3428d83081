"""gpu-metal-backup and gpu-metal-restore in real bash, where they refuse, with stand-ins for etcd's programs and age.

A cluster that is lost and restored: tests/scripts/test_control_plane_years.py.
"""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.unit.backup_plane import CA, NAME, Plane

pytestmark = pytest.mark.row("K11", "K15")


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    return Plane(tmp_path)


def test_what_was_written_and_when_is_noted_and_nothing_in_the_clear_stays(plane: Plane) -> None:
    made = plane.backup()
    when, size, count, path = (plane.root / "var/lib/gpu-metal-backup/last").read_text().split()
    assert (int(size), count, path) == (made.stat().st_size, "1", str(made))
    assert int(when) > 0
    assert {file.name for file in (plane.root / "var/lib/gpu-metal-backup").iterdir()} == {"last", "lock"}


@pytest.mark.parametrize(
    ("program", "text", "says"),
    [
        (
            "etcdctl",
            "echo 'Error: rpc error: context deadline exceeded' >&2; exit 1",
            "etcd gave no snapshot: Error: rpc",
        ),
        (
            "etcdutl",
            "echo 'Error: snapshot file integrity check failed' >&2; exit 1",
            "etcd's snapshot is not whole: Error",
        ),
        ("etcdutl", """echo '{"hash":1,"revision":1,"totalKey":0,"totalSize":1}'""", "etcd's snapshot has no keys"),
    ],
)
def test_a_snapshot_that_is_not_whole_is_no_backup(plane: Plane, program: str, text: str, says: str) -> None:
    plane.etcd(program, text)
    status, said = plane.run("backup")
    assert (status, list(plane.share.iterdir())) == (1, [])
    assert says in said


@pytest.mark.parametrize("type_", ["ext4 /dev/sda1", "tmpfs tmpfs", "overlay overlay"])
def test_a_folder_of_the_host_itself_gets_no_backup(plane: Plane, type_: str) -> None:
    plane.program("findmnt", f"echo {type_}")
    status, said = plane.run("backup")
    assert (status, list(plane.share.iterdir())) == (1, [])
    assert f"/share is on this host itself ({type_.replace(' ', ', ')})" in said


def test_a_copy_that_was_cut_off_is_no_backup_and_goes_with_the_next(plane: Plane) -> None:
    plane.program("sync", "if [[ $* == *.part ]]; then exit 1; fi")
    status, said = plane.run("backup")
    assert status == 1
    assert "/share does not take the backup" in said
    assert [file.suffix for file in plane.share.iterdir()] == [".part"]
    plane.program("sync", "exit 0")
    plane.backup()
    assert [file.suffix for file in plane.share.iterdir()] == [".age"]


def test_without_the_keys_of_secrets_there_is_no_backup(plane: Plane) -> None:
    plane.manifest("kube-apiserver", "--encryption-provider-config=/elsewhere/keys.yaml")
    status, said = plane.run("backup")
    assert (status, list(plane.share.iterdir())) == (1, [])
    assert "the API server encrypts with /elsewhere/keys.yaml, which is no file of this host" in said


def test_the_newest_stay_and_one_just_made_always(plane: Plane) -> None:
    made = plane.backup()
    node, of, _ = made.name.rsplit("-", 2)
    # A clock that was wrong once: its backups have later names.
    future = [plane.share / f"{node}-{of}-2099010{day}T000000Z.tar.gz.age" for day in (1, 2)]
    for file in future:
        file.touch()
    made.unlink()
    assert plane.run("backup")[0] == 0
    assert len(list(plane.share.iterdir())) == 3
    assert {*future} < {*plane.share.iterdir()}


def test_what_others_have_in_the_folder_stays(plane: Plane) -> None:
    """A copy of another control plane in the making, whose name begins as this one's; one that somebody keeps."""
    node, of, time = plane.backup().name.rsplit("-", 2)
    others = [f".{node}-2-{of}-{time}.part", f"{node}-2-{of}-20200101T000000Z.tar.gz.age"]
    kept = [f"{node}-{of}-{word}.tar.gz.age" for word in ("20200101-before-the-upgrade", "first", "last")]
    old = [f"{node}-{of}-2020010{day}T000000Z.tar.gz.age" for day in (1, 2)]
    for name in (*others, *kept, *old, f".{old[0]}.part"):
        (plane.share / name).touch()
    assert plane.run("backup")[0] == 0
    stay = {file.name for file in plane.share.iterdir()}
    assert {*others, *kept} < stay
    assert len(stay - {*others, *kept}) == 2, "the site keeps two"
    assert (plane.root / "var/lib/gpu-metal-backup/last").read_text().split()[2] == "2"


def test_the_backup_of_another_host_is_not_restored_here(plane: Plane) -> None:
    plane.manifest(
        "etcd", "--name=cp-9", "--initial-advertise-peer-urls=https://10.0.0.19:2380", f"--data-dir={plane.root}/etcd"
    )
    status, said = plane.run("restore", str(plane.backup()))
    assert status == 1
    assert f"the backup is of cp-9 at 10.0.0.19, and this host is {NAME} at 10.0.0.11" in said
    assert "Nothing was changed" in said


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_restore_waits_until_the_other_members_are_off(plane: Plane, family: int, address: str) -> None:
    """Else there were two clusters."""
    with socket.create_server((address, 0), family=family) as other:
        peer = f"https://{f'[{address}]' if ':' in address else address}:{other.getsockname()[1]}"
        own = f"1, started, {NAME}, https://10.0.0.11:2380, https://10.0.0.11:2379, false\n"
        plane.etcd("etcdctl.members", f"{own}2, started, cp-2, {peer}, https://127.0.0.1:2379, false\n")
        status, said = plane.run("restore", str(plane.backup()))
    assert status == 1
    assert f"etcd of another control plane still runs at {peer}. Nothing was changed" in said
    assert not (plane.root / "etcd").exists()


@pytest.mark.parametrize("file", ["/etc/kubernetes/pki/keys.yaml", "/etc/kubernetes/gpu-metal/api-server/keys.yaml"])
def test_secrets_that_the_api_server_could_not_read_are_not_restored(plane: Plane, file: str) -> None:
    keys = plane.file(file[1:], "kind: EncryptionConfiguration\n")
    plane.manifest("kube-apiserver", f"--encryption-provider-config={keys}")
    made = plane.backup()
    plane.manifest("kube-apiserver", "--secure-port=6443")
    status, said = plane.run("restore", str(made))
    key = f"apiServer.encryption-provider-config: {file}" if "pki" in file else "encryption"
    assert (status, f"Secrets are encrypted with keys of {file}, and the API server here reads no" in said) == (1, True)
    assert f"Fix: kubernetes.{key} in the site, as it was then, pulumi up" in said


DATA = "etcd/member/snap/db"


def manifests(plane: Plane) -> set[str]:
    return {file.name for file in (plane.root / "etc/kubernetes/manifests").iterdir()}


def restorable(plane: Plane) -> Path:
    """A backup, and stand-ins with which its restore comes to its end; what etcd has then is another."""
    for name in ("ss", "systemctl"):
        plane.program(name, f'echo "$*" >>{plane.root}/{name}.asked')
    plane.program("kubectl", "echo ok")
    plane.etcd(
        "etcdutl",
        """if [[ $2 == status ]]; then echo '{"hash":1,"revision":7,"totalKey":3,"totalSize":20480}'; exit; fi
while [[ $1 != --data-dir ]]; do shift; done; mkdir -p "$2/member/snap"; echo restored >"$2/member/snap/db"
echo "$*" >"$2/member/words"; exit 0""",
    )
    plane.file("var/lib/kubelet/config.yaml", "of the backup\n")
    made = plane.backup()
    plane.file(DATA, "lost\n")
    plane.file("var/lib/kubelet/config.yaml", "of now\n")
    return made


def test_of_the_same_cluster_only_the_data_goes_back(plane: Plane) -> None:
    made = restorable(plane)
    plane.file("etc/kubernetes/admin.conf", "newer than the backup\n")
    status, said = plane.run("restore", str(made))
    assert status == 0, said
    assert (plane.root / DATA).read_text() == "restored\n"
    words = (plane.root / "etcd/member/words").read_text()
    assert f"--initial-cluster {NAME}=https://10.0.0.11:2380" in words
    assert "--bump-revision 1000000000 --mark-compacted" in words
    [before] = (plane.root / "etcd").glob("member.before-*")
    assert (before / "snap/db").read_text() == "lost\n"
    assert f"What etcd had before is in /etcd/{before.name}" in said
    assert (plane.root / "etc/kubernetes/admin.conf").read_text() == "newer than the backup\n"
    assert (plane.root / "var/lib/kubelet/config.yaml").read_text() == "of now\n"
    assert manifests(plane) == {"etcd.yaml", "kube-apiserver.yaml"}
    assert not (plane.root / "var/lib/gpu-metal-backup/work").exists()


def test_where_another_cluster_is_everything_is_that_of_the_backup(plane: Plane) -> None:
    made = restorable(plane)
    key, authority = plane.root / "etc/kubernetes/pki/ca.key", plane.root / "etc/kubernetes/pki/ca.crt"
    wanted = authority.read_text()
    subprocess.run(("openssl", *CA, "-keyout", key, "-out", authority), check=True, capture_output=True)
    plane.manifest("kube-apiserver", "--secure-port=6444")
    plane.file("etc/kubernetes/manifests/kube-vip.yaml", "of the other\n")
    status, said = plane.run("restore", str(made))
    assert status == 0, said
    assert authority.read_text() == wanted
    assert (plane.root / "var/lib/kubelet/config.yaml").read_text() == "of the backup\n"
    assert manifests(plane) == {"etcd.yaml", "kube-apiserver.yaml"}
    [before] = (plane.root / "etc").glob("kubernetes.before-*")
    assert (before / "manifests/kube-vip.yaml").exists()
    assert "--secure-port=6444" in (before / "manifests/kube-apiserver.yaml").read_text()


def test_a_restore_that_was_cut_off_is_done_again(plane: Plane) -> None:
    """The control plane does not end: its manifests are away, and nothing is exchanged yet."""
    made = restorable(plane)
    plane.program("sleep", "kill -KILL $PPID")
    plane.program("ss", "echo LISTEN 0 4096 127.0.0.1:2379 x")
    assert plane.run("restore", str(made))[0] == -9
    assert manifests(plane) == set()
    plane.program("ss", "exit 0")
    status, said = plane.run("restore", str(made))
    assert status == 0, said
    assert (plane.root / DATA).read_text() == "restored\n"
    assert manifests(plane) == {"etcd.yaml", "kube-apiserver.yaml"}


def test_on_a_lost_host_one_that_was_cut_off_among_the_files_is_done_again(plane: Plane) -> None:
    made = restorable(plane)
    rest = plane.root / "etc/kubernetes"
    wanted = sorted(file.name for file in rest.rglob("*") if file.name not in manifests(plane))
    shutil.rmtree(rest)
    plane.program("cp", f'/usr/bin/cp "$@"; if [[ ${{@: -1}} == {plane.root}/etc/* ]]; then kill -KILL $PPID; fi')
    assert plane.run("restore", str(made))[0] == -9
    plane.program("cp", 'exec /usr/bin/cp "$@"')
    (plane.root / "var/lib/kubelet/config.yaml").write_text("of now\n")
    status, said = plane.run("restore", str(made))
    assert status == 0, said
    assert (plane.root / "var/lib/kubelet/config.yaml").read_text() == "of the backup\n"
    assert sorted(file.name for file in rest.rglob("*") if file.name not in manifests(plane)) == wanted
    assert manifests(plane) == {"etcd.yaml", "kube-apiserver.yaml"}
    assert {file.name for file in rest.parent.iterdir()} == {"kubernetes"}
