"""Our cluster layer beside kubeadm by hand: `python -m bench.kubeadm [CONTROL-PLANE WORKER]`, names of the lab's hosts.

Both begin on hosts that a run of ours without Kubernetes has prepared, and end with two Ready nodes and CoreDNS. By
hand is what a reader of kubernetes.io does: packages, settings, containerd's configuration, `kubeadm init`, the pods'
network, `kubeadm join`. Packages, files and kubeadm's configuration are those that our run brought, so that both do the
same; by hand nothing is checked, recorded or undone.
"""

import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.bash import writing
from bench.report import Line
from bench.timing import cost
from bench.ways import login, run
from bench.work import Work, learned
from lab.hosts import faults, inventory, lab
from lab.hosts.inventory import Host
from tests.lab.stack import ROOT, Stack

NAMES = ("rack-1", "rack-2")
WHAT = "cluster"
BY_HAND = "kubeadm by hand"
OURS = ("knownHosts", "ssh", "os", "minimum", "repositories", "engine")
"""Keys of the lab's site that the hosts are prepared with."""
NETWORK = "gpu-metal-pod-network"
"""The service that both use in place of a vendor's manifest: the lab can have none."""
INIT = "/etc/kubernetes/gpu-metal/init.yaml"
READY = """\
export KUBECONFIG=/etc/kubernetes/admin.conf
kubectl wait --for=condition=Ready node --all --timeout=600s
kubectl -n kube-system rollout status deployment/coredns --timeout=600s"""


@dataclass(frozen=True)
class Brought:
    """What our run brought to a host."""

    packages: Sequence[str]
    """NAME=VERSION."""
    work: Work


def main() -> None:
    """One line for each way."""
    lab.serve(print)
    for each in measured(sys.argv[1:] or NAMES):
        print(each.text(), flush=True)  # noqa: T201 - its purpose


def measured(names: Sequence[str] = NAMES) -> Iterator[Line]:
    """Ours first: the other does what it did."""
    hosts = [inventory.host(name) for name in names]
    try:
        with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
            stack = prepared(hosts, Path(folder))
            before = {host: faults.snapshot(host) for host in hosts}
            yield Line(len(hosts), "gpu-metal", WHAT, cost(lambda: ours(stack, hosts, Path(folder)), hosts))
            brought = {}
            for host in hosts:
                after = faults.snapshot(host)
                packages = [
                    f"{name}={of}" for name, of in after["packages"].items() if name not in before[host]["packages"]
                ]
                brought[host] = Brought(packages, learned(host.name, before[host], after))
        with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
            prepared(hosts, Path(folder))
            yield Line(len(hosts), BY_HAND, WHAT, cost(lambda: by_hand(brought, Path(folder)), hosts))
    finally:
        for host in hosts:
            lab.stop(host, grace=0)


def _site() -> Mapping[str, Any]:
    site: dict[str, Any] = YAML(typ="safe").load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    return site


def prepared(hosts: Sequence[Host], folder: Path) -> Stack:
    """New hosts with our layers, all but Kubernetes'."""
    for host in hosts:
        lab.reset(host)
    roles = ["control-plane", "worker"]
    entries = {host.name: {"address": host.address, "roles": [role]} for host, role in zip(hosts, roles, strict=True)}
    stack = Stack("bench", folder)
    stack.create({key: of for key, of in _site().items() if key in OURS} | {"hosts": entries})
    stack.up().ok()
    return stack


def ours(stack: Stack, hosts: Sequence[Host], folder: Path) -> None:
    """Two keys in the site, `pulumi up`."""
    lab_site = _site()
    stack.edit(lambda site: site.update({key: lab_site[key] for key in ("kubernetes", "network")}))
    stack.up().ok()
    on(hosts[0], folder, "ready", [READY])


def by_hand(brought: Mapping[Host, Brought], folder: Path) -> None:
    """The commands that the documents show, on all hosts at once where they can be."""
    plane, worker = brought
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: on(host, folder, "prepare", preparing(brought[host])), brought))
    init = [f"kubeadm init --config {INIT} --skip-token-print", f"systemctl enable -q --now {NETWORK}"]
    on(plane, folder, "init", init)
    join = on(plane, folder, "token", ["kubeadm token create --print-join-command"]).strip().splitlines()[-1]
    ignored = ",".join(_site()["kubernetes"]["ignorePreflightErrors"])
    on(
        worker,
        folder,
        "join",
        [f"{join} --ignore-preflight-errors={ignored}", f"systemctl enable -q --now {NETWORK}"],
    )
    on(plane, folder, "ready", [READY])


def preparing(brought: Brought) -> list[str]:
    """The commands before kubeadm's."""
    files = [path for path in brought.work.files if not path.startswith("/etc/kubernetes/") or path == INIT]
    return [
        "export DEBIAN_FRONTEND=noninteractive",
        "apt-get update -q",
        shlex.join(["apt-get", "install", "-qy", "--no-install-recommends", *brought.packages]),
        "apt-mark hold kubelet kubeadm kubectl",
        *(line for path in files for line in writing(brought.work, path)),
        "modprobe -a overlay br_netfilter || true",
        "sysctl -q --system",
        "systemctl daemon-reload",
        "systemctl restart containerd",
        "systemctl enable -q kubelet",
    ]


def on(host: Host, folder: Path, name: str, lines: Sequence[str]) -> str:
    """What a script prints there, as root."""
    script = folder / f"{name}-{host.name}"
    script.write_text("set -euo pipefail\n" + "\n".join(lines) + "\n")
    words = shlex.join([*login(host), "sudo -n bash -s"])
    return run(["bash", "-c", f"exec {words} <{shlex.quote(str(script))}"], folder)


if __name__ == "__main__":
    main()
