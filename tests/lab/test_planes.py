"""Three control planes behind an address that moves between them, by edits of the site and `pulumi up` alone.

From bare hosts to destroy: all are to restart at once, one is cut off, certificates are renewed, one leaves and comes
back after another key of Secrets has come, the first one's disk is lost and it is replaced, etcd loses its majority and
is restored. Clients ask for an object five times a second, each time by a new connection; none of these requests may
fail in what is planned. Does not prove: networks of several segments, SELinux, more than three members of etcd. Their
upgrade: test_planes_upgrade.py.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lab.hosts import faults
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from tests.lab import planes
from tests.lab.planes import ADDRESS, PLANES, PORT, Asker, all_ready, holder, holders, kubectl, members
from tests.lab.stack import Stack, on, until

UNIT = "renew-now"

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts(*PLANES), pytest.mark.row("K2", "K13", "K15")]


@pytest.fixture(scope="module")
def stack(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:  # noqa: ARG001 - the lab runs
    """Three control planes and nothing else, not up yet."""
    for name in PLANES:
        planes.fresh(name)
    yield planes.created(tmp_path_factory.mktemp("planes"))
    for name in PLANES:
        hosts.stop(lab_host(name), grace=0)


def ended(plane: str) -> bool:
    """Whether the renewal there has ended."""
    state = on(plane, ["systemctl", "show", "-p", "ActiveState", "--value", UNIT])
    return state.strip() in ("inactive", "failed")


def authority(plane: str) -> str:
    return on(plane, ["sha256sum", "/etc/kubernetes/pki/ca.crt"])


def test_they_come_up_and_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.sitectl("preflight").ok()
    stack.up().ok()
    stack.up("--expect-no-changes").ok()
    assert members(PLANES[0]) == {*PLANES}
    holder()
    names = on(PLANES[2], ["openssl", "x509", "-in", "/etc/kubernetes/pki/apiserver.crt", "-noout", "-text"])
    assert f"IP Address:{ADDRESS}" in names
    config = YAML(typ="safe").load(
        stack.run("pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", stack.name).ok().out
    )
    assert config["clusters"][0]["cluster"]["server"] == f"https://{ADDRESS}:{PORT}"
    stack.works()


def test_who_takes_another_for_the_holder_reaches_the_cluster_again(stack: Stack) -> None:  # noqa: ARG001 - it is up
    """As after a time in which two had the address: what is sent to the other one gets no further than TLS."""
    has = holder()
    asks, other = (name for name in PLANES if name != has)
    hardware = on(other, ["cat", "/sys/class/net/host0/address"]).strip()
    on(asks, ["ip", "neighbour", "replace", ADDRESS, "lladdr", hardware, "dev", "host0", "nud", "reachable"])
    until(lambda: hardware not in on(asks, ["ip", "neighbour", "show", ADDRESS]), what="it knows the holder", limit=30)
    kubectl(asks, "get", "nodes")


@pytest.mark.row("H13")
def test_all_are_to_restart_at_once_and_no_request_fails(tmp_path: Path) -> None:
    """As the step `reboot` does it on each: one waits for the other, so that etcd keeps its majority."""
    until(all_ready, what="every API server ready", limit=600)
    before = {name: faults.boot_id(lab_host(name)) for name in PLANES}
    restart = "gpu-metal-turn take restarts 1500 && systemctl reboot"
    with Asker(tmp_path, PLANES[0]) as asker:
        time.sleep(3)
        for name in PLANES:
            on(name, ["systemd-run", "--quiet", "--collect", "--unit=restart-now", "bash", "-c", restart])
        for name in PLANES:
            faults.rebooted(lab_host(name), before[name], 1500)
        until(all_ready, what="every API server ready", limit=600)
    assert (asker.asked > 50, asker.failed) == (True, [])
    assert members(PLANES[0]) == {*PLANES}


def test_the_one_with_the_address_loses_power(tmp_path: Path) -> None:
    """What it was answering at that moment is lost, and nothing after that."""
    away = holder()
    with Asker(tmp_path, away) as asker:
        time.sleep(3)
        faults.power_cut(lab_host(away))
        time.sleep(15)
    assert (asker.asked > 20, asker.failed[1:]) == (True, [])
    hosts.start(lab_host(away))
    until(all_ready, what="every API server ready", limit=600)
    assert holder() != away


@pytest.mark.row("K12")
def test_certificates_are_renewed_in_turn(tmp_path: Path) -> None:
    """All three at once, as after a power cut of the room: each waits until the one before it is done."""
    plane = holder()
    begin = f"systemctl start --no-block {UNIT}"
    unit = "[Service]\nType=oneshot\nExecStart=/usr/local/sbin/gpu-metal-renew renew 400\n"
    with Asker(tmp_path, plane) as asker:
        for name in PLANES:
            on(name, ["bash", "-c", f"cat >/run/systemd/system/{UNIT}.service <<<'{unit}'; {begin}"])
        for name in PLANES:
            until(partial(ended, name), what=f"renewed on {name}", limit=2400)
            assert on(name, ["systemctl", "show", "-p", "Result", "--value", UNIT]).strip() == "success"
    assert (asker.asked > 50, asker.failed) == (True, [])
    until(all_ready, what="every API server ready", limit=600)
    assert kubectl(plane, "-n", "kube-system", "get", "lease", "gpu-metal-turn", "--ignore-not-found") == ""


@pytest.mark.row("K14")
def test_one_leaves_and_comes_back_after_another_key_of_secrets_has_come(stack: Stack, tmp_path: Path) -> None:
    """It runs while it is taken out, and takes no address meanwhile. Its member of etcd was removed: it joins anew, by
    one `up`, though its own API server does not answer."""
    leaving, stays = PLANES[2], PLANES[0]
    kubectl(stays, "create", "secret", "generic", "before", "--from-literal=p=hunter2")
    assert planes.stored(leaving, "before").startswith("k8s:enc:secretbox:v1:a:")
    # The renewal has made the stack's copy of the kubeconfig an old one.
    stack.sitectl("drift", "--record")
    stack.edit(lambda site: site["hosts"][leaving].update(state="gone"))
    with Asker(tmp_path, stays) as asker:
        began = time.time()
        stack.up().ok()
        until(lambda: leaving not in holders(), what="it lets go of the address", limit=90)
    assert members(stays) == {*PLANES} - {leaving}
    assert "Entering MASTER" not in on(leaving, ["journalctl", "-q", "-u", "keepalived", f"--since=@{began:.0f}"])
    assert (asker.asked > 50, asker.failed) == (True, [])
    stack.edit(lambda site: site["kubernetes"]["encryption"].update(keys=[planes.key("b")]))
    stack.up().ok()
    stack.up("--expect-no-changes").ok()
    stack.edit(lambda site: site["hosts"][leaving].pop("state"))
    stack.up().ok()
    assert members(stays) == {*PLANES}
    for name in PLANES:
        assert planes.stored(name, "before").startswith("k8s:enc:secretbox:v1:b:")
        assert planes.read(name, "before") == "hunter2"
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("K14")
def test_a_key_comes_and_goes_on_all_of_them_and_no_request_fails(stack: Stack, tmp_path: Path) -> None:
    stack.edit(lambda site: site["kubernetes"]["encryption"].update(keys=[planes.key("a")]))
    with Asker(tmp_path, PLANES[0]) as asker:
        stack.up().ok()
    assert (asker.asked > 50, asker.failed) == (True, [])
    for name in PLANES:
        assert planes.stored(name, "before").startswith("k8s:enc:secretbox:v1:a:")
        assert planes.read(name, "before") == "hunter2"


def test_the_first_one_is_dead_and_replaced(stack: Stack) -> None:
    """Powered off, its disk erased: the cluster is the same one afterwards."""
    first, second = PLANES[0], PLANES[1]
    before = authority(second)
    kubectl(second, "create", "configmap", "before", "--from-literal=a=1")
    faults.power_cut(lab_host(first))
    planes.fresh(first)
    assert stack.sitectl("drift", "--record").status == 1
    stack.up().ok()
    assert members(first) == {*PLANES}
    assert (authority(first), authority(second)) == (before, before)
    assert kubectl(first, "get", "configmap", "before", "-o", "name").strip() == "configmap/before"
    assert planes.read(first, "before") == "hunter2"
    stack.works()
    stack.up("--expect-no-changes").ok()


def test_without_a_majority_nobody_is_taken_out_and_nobody_restarts(stack: Stack) -> None:
    """One member of etcd is down, and another is to leave, or to restart: it stays, and all goes on."""
    down, leaving, home = PLANES[1], PLANES[2], PLANES[0]
    manifest = "/etc/kubernetes/manifests/etcd.yaml"
    on(down, ["mv", manifest, "/root/etcd.yaml"])
    until(lambda: on(down, ["bash", "-c", "pgrep -x etcd || true"]) == "", what="its etcd has ended")
    said = on(leaving, ["bash", "-c", "gpu-metal-turn take restarts 20 2>&1 || true"], limit=300)
    assert "etcd would have no majority without this control plane: of the 2 other members, 1 answer" in said
    stack.edit(lambda site: site["hosts"][leaving].update(state="gone"))
    refused = stack.up()
    assert refused.status != 0
    on(down, ["mv", "/root/etcd.yaml", manifest])
    until(all_ready, what="every API server ready", limit=600)
    assert members(home) == {*PLANES}, refused.text[-3000:]
    stack.edit(lambda site: site["hosts"][leaving].pop("state"))
    stack.up().ok()


@pytest.mark.row("K11")
def test_the_majority_is_lost_and_the_last_one_restored(stack: Stack) -> None:
    """Two disks are lost. What is alone is restored from its backup, and two new ones join it."""
    alive, lost = PLANES[0], PLANES[1:]
    on(alive, ["systemctl", "start", "gpu-metal-backup"], limit=300)
    before = authority(alive)
    for name in lost:
        faults.power_cut(lab_host(name))
    for name in lost:
        planes.fresh(name)
    assert "What etcd had before is in" in planes.restored(alive, stack)
    assert stack.sitectl("drift", "--record").status == 1
    stack.up().ok()
    assert members(alive) == {*PLANES}
    for name in PLANES:
        assert authority(name) == before
        assert planes.read(name, "before") == "hunter2"
    stack.works()
    stack.up("--expect-no-changes").ok()


def test_undone_nothing_of_the_address_is_left(stack: Stack) -> None:
    stack.destroy().ok()
    for name in PLANES:
        assert ADDRESS not in on(name, ["ip", "-o", "-4", "address"])
        left = "/etc/gpu-metal /etc/systemd/system/gpu-metal-* /usr/local/sbin/gpu-metal* /etc/haproxy /etc/keepalived"
        assert on(name, ["bash", "-c", f"ls -d {left} 2>/dev/null || true"]) == ""
