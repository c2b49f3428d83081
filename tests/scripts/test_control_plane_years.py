"""A control plane over the years: backed up by a timer, lost, restored with the data that it had, also that of a
database in the cluster; certificates renewed.

Not proven here: several members of etcd, NFS (the share is a FUSE mount on the same machine), a new machine.
"""

import base64
import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.step import Step
from components.kubernetes.kubeconfig import NOTE
from components.parts.state import State
from components.platforms import runai
from lab import paths
from lab.depot.service import REGISTRY_PORT
from lab.hosts.inventory import GATEWAY
from lab.parts.runai.depot import POSTGRESQL
from lab.tools.catalogue import ETCD_TOOLS
from stacks import plan
from tests.scripts.lab_host import HOST, LabHost, differences
from tests.scripts.one_plane import site
from tests.scripts.two_hosts import KUBECTL, prepared
from tools.get import get

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.row("K11", "K15")]

SHARE = "/mnt/backups"
KEY = "/root/key"
STATE = State(Path(runai.__file__).with_name("state.sh"), ("runai-backend", "runai-backend-postgresql-0"))
TABLE = "CREATE TABLE projects (name text); INSERT INTO projects VALUES ('vision');"
PSQL = f"{KUBECTL} -n runai-backend exec -i runai-backend-postgresql-0 -- psql -U postgres -d backend -tA"
UNTIL_READY = f"until {PSQL} -c 'SELECT 1' >/dev/null 2>&1; do sleep 1; done"
DATABASE = f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: runai-backend-postgresql, namespace: runai-backend}}
spec:
  serviceName: none
  selector: {{matchLabels: {{app: postgresql}}}}
  template:
    metadata: {{labels: {{app: postgresql}}}}
    spec:
      hostNetwork: true
      tolerations: [{{operator: Exists}}]
      securityContext: {{runAsUser: 999, runAsGroup: 999, fsGroup: 999}}
      containers:
        - name: postgresql
          image: {GATEWAY}:{REGISTRY_PORT}/{POSTGRESQL}
          env: [{{name: PGDATA, value: /data/cluster}}, {{name: POSTGRES_PASSWORD, value: hunter2}}]
          volumeMounts: [{{name: data, mountPath: /data}}, {{name: run, mountPath: /var/run/postgresql}}]
      volumes: [{{name: data, emptyDir: {{}}}}, {{name: run, emptyDir: {{}}}}]
"""
NODE: list[Step] = []
BEFORE: dict[str, Any] = {}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A control plane, alone, whose share is there. NODE gets its steps, BEFORE what was there before them."""
    with ExitStack() as stack:
        monkey = stack.enter_context(pytest.MonkeyPatch.context())
        monkey.setenv("GPU_METAL_LAB", str(paths.LAB))
        folder = tmp_path_factory.mktemp("site")
        host = stack.enter_context(prepared(site(folder, {}), HOST.name))
        host.bash("apt-get update && apt-get install -qy age bindfs")
        host.bash(f"mkdir -p {SHARE} /srv/share; bindfs /srv/share {SHARE}; age-keygen -o {KEY} 2>/dev/null")
        archive = _archive()
        host.bash("base64 -d >/root/etcd.tar.gz", base64.b64encode(archive).decode())
        backup = {
            "folder": SHARE,
            "recipients": [host.bash(f"age-keygen -y {KEY}").strip()],
            "tools": {"file": "/root/etcd.tar.gz", "sha256": sha256(archive).hexdigest()},
            "keep": 2,
        }
        BEFORE.update(host.snapshot())
        made = site(folder, {"backup": backup})
        assert made.kubernetes is not None
        monkey.setattr(plan, "states", lambda _: {"runai": STATE.program})
        NODE[:] = plan.node(made, made.hosts[HOST.name])
        done = host.apply("node", NODE)
        assert (done["cluster_member"], done["etcd_backup"]) == ("changed", "changed")
        yield host


def _archive() -> bytes:
    """As etcd releases it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for name in ETCD_TOOLS.binaries:
            tar.add(get(ETCD_TOOLS) / name, f"etcd-v{ETCD_TOOLS.version}-linux-amd64/{name}")
    return out.getvalue()


def _backups(host: LabHost) -> list[str]:
    return host.bash(f"ls {SHARE}").split()


def _map(host: LabHost, name: str) -> dict[str, str]:
    text = host.bash(f"{KUBECTL} get configmap {name} --ignore-not-found -o json")
    return dict(json.loads(text)["metadata"]) if text else {}


def test_what_is_on_the_share_opens_only_with_the_key(plane: LabHost) -> None:
    [name] = _backups(plane)
    assert re.fullmatch(rf"{HOST.name}-[0-9a-f]{{8}}-\d{{8}}T\d{{6}}Z\.tar\.gz\.age", name)
    assert plane.bash(f"head -c 21 {SHARE}/{name}") == "age-encryption.org/v1"
    listed = plane.bash(f"age -d -i {KEY} {SHARE}/{name} | tar -tz").split()
    wanted = ("snapshot.db", "etc/kubernetes/pki/ca.key", "etc/kubernetes/pki/etcd/ca.key", "etc/kubernetes/pki/sa.key")
    assert {*wanted, "var/lib/kubelet/config.yaml", "usr/local/sbin/gpu-metal-restore"} <= {*listed}
    assert plane.bash("ls -A /var/lib/gpu-metal-backup").split() == ["last", "lock"]
    assert plane.check() == {}


def test_what_was_there_is_there_again_and_what_came_later_is_not(plane: LabHost) -> None:
    """gK6: the same objects, not new ones of the same name; nobody sees a revision a second time."""
    plane.bash(f"{KUBECTL} create configmap before --from-literal=a=1")
    before = _map(plane, "before")
    plane.bash("systemctl start gpu-metal-backup")
    plane.bash(f"{KUBECTL} create configmap later --from-literal=a=1")
    later = int(_map(plane, "later")["resourceVersion"])
    said = plane.bash(f"gpu-metal-restore {SHARE}/{_backups(plane)[-1]} <{KEY}")
    assert "What etcd had before is in /var/lib/etcd/member.before-" in said
    assert (_map(plane, "before")["uid"], _map(plane, "later")) == (before["uid"], {})
    plane.bash(f"{KUBECTL} create configmap after --from-literal=a=1")
    assert int(_map(plane, "after")["resourceVersion"]) > later
    plane.bash(f"{KUBECTL} -n kube-system wait --for=condition=Available deployment/coredns --timeout=300s")
    assert plane.check() == {}


@pytest.mark.row("R12")
def test_a_database_of_the_cluster_is_in_it_and_goes_back_alone(plane: LabHost) -> None:
    """Real PostgreSQL in a pod, as Run:ai's control plane has it: what etcd does not know."""
    plane.bash(f"{KUBECTL} create namespace runai-backend; {KUBECTL} create -f -", DATABASE)
    plane.bash(f"{UNTIL_READY}; {PSQL} -f -; systemctl start gpu-metal-backup", TABLE)
    file = f"{SHARE}/{_backups(plane)[-1]}"
    plane.bash(f"{PSQL} -f -", "DELETE FROM projects;")
    said = plane.bash(f"gpu-metal-restore {file} runai <{KEY}")
    assert "The database that was there is backend_20" in said
    assert plane.bash(f"{PSQL} -f -", "SELECT name FROM projects;") == "vision\n"
    plane.bash(f"{KUBECTL} -n runai-backend scale statefulset runai-backend-postgresql --replicas=0; sleep 5")
    plane.bash("systemctl start gpu-metal-backup")
    assert plane.bash("cat /var/lib/gpu-metal-backup/without").startswith("runai: the database in the pod")
    plane.bash(f"{KUBECTL} delete namespace runai-backend; systemctl start gpu-metal-backup")
    assert plane.bash("ls -A /var/lib/gpu-metal-backup").split() == ["last", "lock"]
    assert plane.check() == {}


def test_a_disk_that_was_lost_is_restored_from_the_share_alone(plane: LabHost) -> None:
    uid = _map(plane, "before")["uid"]
    plane.bash(
        "systemctl stop kubelet; pkill -KILL -x 'etcd|kube-apiserver|kube-controller|kube-scheduler' || true;"
        "rm -rf /var/lib/etcd/* /etc/kubernetes /var/lib/kubelet/pki /usr/local/lib/gpu-metal-backup"
    )
    last = f"{SHARE}/{_backups(plane)[-1]}"
    plane.bash(f"age -d -i {KEY} {last} | tar -xzf - -C / usr/local; gpu-metal-restore {last} <{KEY}")
    assert _map(plane, "before")["uid"] == uid
    assert plane.bash("sha256sum </etc/kubernetes/pki/ca.key") == plane.bash(
        f"age -d -i {KEY} {last} | tar -xzOf - etc/kubernetes/pki/ca.key | sha256sum"
    )
    assert plane.apply("node", NODE)["etcd_backup"] == "changed"
    assert plane.check() == {}


SHORT = """apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
certificateValidityPeriod: 120h
"""
SOON = "kubeadm init phase certs front-proxy-client --config /dev/stdin"
SERVED = "openssl s_client -connect 127.0.0.1:{} </dev/null 2>/dev/null | openssl x509 -noout -serial"


@pytest.mark.row("K12")
def test_certificates_that_end_soon_are_renewed_and_in_use(plane: LabHost) -> None:
    """gK9: as served on the ports, not as on the disk."""
    before = [plane.bash(SERVED.format(port)) for port in (6443, 2379)]
    plane.bash(f"rm /etc/kubernetes/pki/front-proxy-client.*; {SOON}", SHORT)
    assert "pki/front-proxy-client.crt of /etc/kubernetes ends on " in plane.check()["certificates"][1]
    plane.bash("systemctl restart kubelet")  # it would let containers wait that the tests above have ended
    ran = plane.bash("pgrep -x 'kube-apiserver|etcd|kube-controller|kube-scheduler'").split()
    done = plane.apply("node", NODE)
    assert (done["certificates"], done["kubeconfig_read"]) == ("changed", "unchanged")
    assert {*plane.check()} == {"kubeconfig_read"}
    plane.bash(NOTE)  # the hook of the stack's copy
    assert plane.check() == {}
    assert not {*ran} & {*plane.bash("pgrep -x 'kube-apiserver|etcd|kube-controller|kube-scheduler'").split()}
    assert all(old != plane.bash(SERVED.format(port)) for old, port in zip(before, (6443, 2379), strict=True))
    assert plane.bash(f"{KUBECTL} get nodes -o name") == f"node/{HOST.name}\n"


@pytest.mark.row("K12")
def test_after_a_renewal_by_the_timer_the_stack_is_to_read_its_kubeconfig_anew(plane: LabHost) -> None:
    plane.bash("gpu-metal-renew renew 30")
    assert plane.check() == {}
    plane.bash("systemctl restart kubelet; gpu-metal-renew renew 400")
    assert {*plane.check()} == {"kubeconfig_read"}
    assert plane.apply("node", NODE)["kubeconfig_read"] == "unchanged"
    assert {*plane.check()} == {"kubeconfig_read"}
    plane.bash(NOTE)
    assert plane.check() == {}


def test_only_so_many_stay_and_none_of_another_cluster_goes(plane: LabHost) -> None:
    plane.bash(f"touch {SHARE}/{HOST.name}-00000000-20200101T000000Z.tar.gz.age")
    for _ in range(3):
        plane.bash("systemctl start gpu-metal-backup; sleep 1")
    cluster = plane.bash(
        "openssl x509 -in /etc/kubernetes/pki/ca.crt -noout -fingerprint -sha256 | sed 's/.*=//; s/://g'"
    )
    ours = [name for name in _backups(plane) if f"-{cluster[:8].lower()}-" in name]
    assert (len(ours), len(_backups(plane))) == (2, 3)


def test_without_its_share_nothing_is_written_and_it_is_said(plane: LabHost) -> None:
    plane.bash(f"umount {SHARE}")
    plane.bash("systemctl start gpu-metal-backup && exit 1 || true")
    says = plane.check()["etcd_backup"][1]
    assert f"{SHARE} is on this host itself" in says
    assert _backups(plane) == []
    plane.bash(f"bindfs /srv/share {SHARE}; systemctl start gpu-metal-backup")
    assert plane.check() == {}


@pytest.mark.parametrize(
    ("file", "key", "says"),
    [("/mnt/backups/none", KEY, "there is no file /mnt/backups/none"), ("last", "/root/other", "was not opened")],
)
def test_a_wrong_file_or_key_changes_nothing(plane: LabHost, file: str, key: str, says: str) -> None:
    plane.bash("age-keygen -o /root/other 2>/dev/null || true")
    path = f"{SHARE}/{_backups(plane)[-1]}" if file == "last" else file
    plane.bash("systemctl restart kubelet")  # it would let containers wait that the tests above have ended
    ran = plane.bash("pgrep -x etcd")
    done = plane.bash(f"gpu-metal-restore {path} <{key} 2>&1 || true")
    assert says in done
    assert "Nothing was changed" in done
    assert plane.bash("pgrep -x etcd") == ran


def test_undone_the_backups_stay_and_nothing_else(plane: LabHost) -> None:
    there = _backups(plane)
    assert plane.gpu_metal("undo node").returncode == 0
    assert _backups(plane) == there
    own = (SHARE, "/srv/share", "/root", "/var/lib/gpu-metal/")
    left = {path: what for path, what in differences(BEFORE, plane.snapshot()).items() if not path.startswith(own)}
    assert not left, left
