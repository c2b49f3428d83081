"""Three control planes behind an address that moves between them, by edits of the site and `pulumi up` alone.

One is cut off, one leaves and comes back, the first one's disk is lost and it is replaced, certificates are renewed in
turn. Does not prove: networks of several segments, SELinux, more than three members of etcd.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lab.hosts import faults
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from tests.lab.stack import ROOT, Stack, on, until

PLANES = ("rack-1", "rack-2", "rack-4")
ADDRESS = "10.213.77.201"
PORT = 8443
UNIT = "renew-now"
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--request-timeout=20s"]
KEPT = {"domain", "knownHosts", "ssh", "os", "minimum", "repositories", "engine", "kubernetes", "network"}

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts(*PLANES), pytest.mark.row("K2", "K13", "K15")]


@pytest.fixture(scope="module")
def stack(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:  # noqa: ARG001 - the lab runs
    """The dev site's settings, on three control planes, not up yet."""
    for name in PLANES:
        hosts.reset(lab_host(name))
    whole = YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    site = {key: value for key, value in whole.items() if key in KEPT}
    site["hosts"] = {name: {"address": lab_host(name).address, "roles": ["control-plane"]} for name in PLANES}
    site["kubernetes"]["virtualAddress"] = {"address": ADDRESS}
    made = Stack("planes", tmp_path_factory.mktemp("planes"))
    made.create(site)
    yield made
    for name in PLANES:
        hosts.stop(lab_host(name), grace=0)


def kubectl(plane: str, *words: str) -> str:
    return on(plane, [*KUBECTL, *words])


def holders() -> list[str]:
    """Who has the address."""
    return [name for name in PLANES if ADDRESS in on(name, ["ip", "-o", "-4", "address"])]


def holder() -> str:
    """The one that has the address. Somebody takes it some seconds after the first API server is well."""
    until(lambda: len(holders()) == 1, what="one has the address", limit=60)
    return holders()[0]


def members(plane: str) -> set[str]:
    """Names of etcd's members, all of which vote."""
    pki = "/etc/kubernetes/pki/etcd"
    words = ["curl", "-s", "--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/server.crt", "--key", f"{pki}/server.key"]
    found = json.loads(on(plane, [*words, "https://127.0.0.1:2379/v3/cluster/member/list", "--data", "{}"]))["members"]
    assert not [each for each in found if each.get("isLearner")]
    return {each["name"] for each in found}


def ended(plane: str) -> bool:
    """Whether the renewal there has ended."""
    state = on(plane, ["systemctl", "show", "-p", "ActiveState", "--value", UNIT])
    return state.strip() in ("inactive", "failed")


def authority(plane: str) -> str:
    return on(plane, ["sha256sum", "/etc/kubernetes/pki/ca.crt"])


def all_ready() -> bool:
    """Whether every haproxy has all API servers: then one may go."""
    ask = "curl -sk -o /dev/null -w '%{{http_code}} ' --max-time 3 https://{}:{}/readyz"
    places = [(lab_host(name).address, port) for name in PLANES for port in (6443, PORT)]
    said = on(PLANES[0], ["bash", "-c", "; ".join(ask.format(*place) for place in places) + "; true"])
    return said.split() == ["200"] * len(places)


class Asker:
    """Reads an object through the address all the time, each time by a new connection."""

    def __init__(self, folder: Path, plane: str) -> None:
        config = YAML(typ="safe").load(on(plane, ["cat", "/etc/kubernetes/admin.conf"]))
        (folder / "asker.json").write_text(json.dumps(config))
        self.words = [sys.executable, "-m", "tests.lab.asker", str(folder / "asker.json")]

    def __enter__(self) -> "Asker":
        self.process = subprocess.Popen(self.words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        said = self.process.communicate("stop\n", timeout=60)[0]
        lines = said.splitlines()
        self.asked, self.failed = int(lines[0]), lines[1:]


def test_they_come_up_and_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.sitectl("preflight").ok()
    stack.up().ok()
    stack.up("--expect-no-changes").ok()
    assert members(PLANES[0]) == {*PLANES}
    assert holder() == PLANES[0]
    names = on(PLANES[2], ["openssl", "x509", "-in", "/etc/kubernetes/pki/apiserver.crt", "-noout", "-text"])
    assert f"IP Address:{ADDRESS}" in names
    config = YAML(typ="safe").load(
        stack.run("pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", stack.name).ok().out
    )
    assert config["clusters"][0]["cluster"]["server"] == f"https://{ADDRESS}:{PORT}"
    stack.works()


@pytest.mark.parametrize("how", ["reboot", "power cut"])
def test_the_api_server_is_reached_while_the_one_with_the_address_is_away(tmp_path: Path, how: str) -> None:
    until(all_ready, what="every API server ready")
    away = holder()
    machine, before = lab_host(away), faults.boot_id(lab_host(away))
    with Asker(tmp_path, away) as asker:
        time.sleep(3)
        if how == "reboot":
            on(away, ["systemctl", "reboot"])
            faults.rebooted(machine, before)
        else:
            faults.power_cut(machine)
            time.sleep(15)
    assert asker.asked > 20
    # In a reboot, those on their way through what is stopped are cut: less than a second's worth of five a second.
    assert len(asker.failed) <= (4 if how == "reboot" else 0), asker.failed
    if how != "reboot":
        hosts.start(machine)
    until(all_ready, what="every API server ready")
    assert holder() != away


def test_certificates_are_renewed_in_turn(tmp_path: Path) -> None:
    """All three at once, as after a power cut of the room: each waits until the one before it is done."""
    plane = holder()
    begin = f"systemctl start --no-block {UNIT}"
    unit = "[Service]\nType=oneshot\nExecStart=/usr/local/sbin/gpu-metal-renew renew 400\n"
    with Asker(tmp_path, plane) as asker:
        for name in PLANES:
            on(name, ["bash", "-c", f"cat >/run/systemd/system/{UNIT}.service <<<'{unit}'; {begin}"])
        for name in PLANES:
            until(partial(ended, name), what=f"renewed on {name}", limit=1500)
            assert on(name, ["systemctl", "show", "-p", "Result", "--value", UNIT]).strip() == "success"
    # Requests that are at an API server as it is ended are cut.
    assert len(asker.failed) <= 2 * len(PLANES), asker.failed
    until(all_ready, what="every API server ready")
    assert kubectl(plane, "-n", "kube-system", "get", "lease", "gpu-metal-renew", "--ignore-not-found") == ""


def test_one_leaves_and_comes_back_with_all_that_was_on_it(stack: Stack) -> None:
    """Its member of etcd was removed: it joins anew, by one `up`, though its own API server does not answer."""
    leaving, stays = PLANES[2], PLANES[0]
    # The renewal has made the stack's copy of the kubeconfig an old one.
    stack.sitectl("drift", "--record")
    stack.edit(lambda site: site["hosts"][leaving].update(state="gone"))
    stack.up().ok()
    assert members(stays) == {*PLANES} - {leaving}
    # What is left of it lets go of the address, should it have had it.
    until(lambda: ADDRESS not in on(leaving, ["ip", "-o", "-4", "address"]), what="it lets go of the address", limit=90)
    stack.up("--expect-no-changes").ok()
    stack.edit(lambda site: site["hosts"][leaving].pop("state"))
    stack.up().ok()
    assert members(stays) == {*PLANES}
    stack.up("--expect-no-changes").ok()


def test_the_first_one_is_dead_and_replaced(stack: Stack) -> None:
    """Powered off, its disk erased: the cluster is the same one afterwards."""
    first, second = PLANES[0], PLANES[1]
    before = authority(second)
    kubectl(second, "create", "configmap", "before", "--from-literal=a=1")
    faults.power_cut(lab_host(first))
    hosts.reset(lab_host(first))
    assert stack.sitectl("drift", "--record").status == 1
    stack.up().ok()
    assert members(first) == {*PLANES}
    assert (authority(first), authority(second)) == (before, before)
    assert kubectl(first, "get", "configmap", "before", "-o", "name").strip() == "configmap/before"
    stack.works()
    stack.up("--expect-no-changes").ok()


def test_without_a_majority_nobody_is_taken_out(stack: Stack) -> None:
    """One member of etcd is down, and another is to leave: it stays, and all goes on."""
    down, leaving, home = PLANES[1], PLANES[2], PLANES[0]
    manifest = "/etc/kubernetes/manifests/etcd.yaml"
    on(down, ["mv", manifest, "/root/etcd.yaml"])
    until(lambda: on(down, ["bash", "-c", "pgrep -x etcd || true"]) == "", what="its etcd has ended")
    stack.edit(lambda site: site["hosts"][leaving].update(state="gone"))
    said = stack.up()
    assert said.status != 0
    on(down, ["mv", "/root/etcd.yaml", manifest])
    until(all_ready, what="every API server ready")
    assert members(home) == {*PLANES}, said.text[-3000:]
    stack.edit(lambda site: site["hosts"][leaving].pop("state"))
    stack.up().ok()


def test_undone_nothing_of_the_address_is_left(stack: Stack) -> None:
    stack.destroy().ok()
    for name in PLANES:
        assert ADDRESS not in on(name, ["ip", "-o", "-4", "address"])
        left = "ls -d /etc/gpu-metal /etc/systemd/system/gpu-metal-* /etc/haproxy /etc/keepalived 2>/dev/null || true"
        assert on(name, ["bash", "-c", left]) == ""
