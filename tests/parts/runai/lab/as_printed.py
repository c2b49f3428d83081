"""The sample as it is printed, on the lab's hosts: the document's appliance, a host for each of its roles.

`site` changes addresses, names of hosts and what the lab alone needs, which `changes` names key by key; a test
asserts that all else is the sample's. The domain stays: a name server of these tests knows it. The registry of the
sample, which is there before, is one of the site's own hosts here.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.parts.storage import versions as storage
from components.parts.storage.values import CSI
from lab.hosts import cgroups, gpus, keys, lab
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, GATEWAY
from lab.hosts.inventory import host as lab_host
from lab.parts.load_balancer import depot as metallb
from tests.lab.names import name_server
from tests.lab.stack import ROOT, Stack, on
from tests.parts.ingress.lab import front
from tests.parts.runai.authority import Authority
from tests.parts.runai.lab import vendor
from tests.parts.runai.scripts.test_jump_box import COMPLETION, program

SAMPLE = ROOT / "components/platforms/runai/sample.yaml"
DOMAIN = "ai.example.org"
PLACES = {
    "master": "cp-1",
    "nfs": "rack-2",
    "login": "new-1",
    "sys-1": "cpu-1",
    "sys-2": "rack-1",
    "gpu-1": "rack-4",
    "gpu-2": "spare-1",
    "cpu-1": "rack-5",
}
"""The sample's hosts, and where they are in the lab."""
REGISTRY = f"{PLACES['nfs']}:5000"
NAMES = "10.213.77.3"
"""The name server."""
ADDRESS, POOL = front.ADDRESS, f"{front.ADDRESS}-{front.ADDRESS.rpartition('.')[0]}.209"
PASSWORDS = {
    "runaiAdmin": "Lab-of-Run-ai-1",
    "registryPassword": "correct-horse",
    "mlflowAdmin": "Lab-of-mlflow-1",
    "mlflowVision": "Vision-of-lab-1",
}
RUNAI = "platforms.0"
"""Its entry."""
_DEPOT = front.REGISTRY
_SMALL = {"cpus": 1, "memoryGb": 1, "diskGb": 2}


def printed() -> dict[str, Any]:
    """The sample's site."""
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(SAMPLE)["config"]["gpu-metal:site"]
    return found


def moved(site: dict[str, Any]) -> dict[str, Any]:
    """Each host at its place in the lab, and each word that names one."""
    hosts = {PLACES[name]: host for name, host in _each(site["hosts"])}
    return {**_renamed(site), "hosts": hosts}


def _each(hosts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Hosts that are written as a range one by one, as far as the sample has them."""
    for name, host in hosts.items():
        begin, _, numbers = name.partition("-[")
        for number in numbers.removesuffix("]").split("-") if numbers else [""]:
            one = f"{begin}-{number}" if numbers else name
            yield one, {**host, "address": lab_host(PLACES[one]).address}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    return PLACES.get(value, value) if isinstance(value, str) else value


def changes(folder: Path, sha256: str) -> dict[str, Any]:
    """What the lab has otherwise, by key: where things are, and what its hosts cannot do."""
    beside = {name: str(folder / f"files/{name}.pem") for name in (DOMAIN, "authority", "registry")}
    entry = {f"{RUNAI}.{key}": value for key, value in _of_runai(beside, sha256).items()}
    return {"knownHosts": str(folder / "known_hosts"), **_placed(beside), **entry, **_emulated()}


def _placed(beside: Mapping[str, str]) -> dict[str, Any]:
    """Where hosts, packages, images and charts are."""
    soon = {"readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 2}}
    balancer = {"pool": POOL, "repository": front.CHARTS, "version": metallb.VERSION}
    own = {"host": PLACES["nfs"], "user": "pull", "passwordSecret": "registryPassword"}
    names = ("registry.k8s.io", "quay.io", "docker.io", "ghcr.io")
    return {
        "ssh": {"user": "deploy", "keyFile": "${GPU_METAL_LAB}/id_ed25519"},
        "dns": {"servers": [NAMES], "search": [DOMAIN]},
        "repositories": {"kubernetes": _apt(), "nvidia-driver": None},
        "engine.mirrors": {**{name: [_DEPOT] for name in names}, "nvcr.io": [f"https://{REGISTRY}", _DEPOT]},
        "engine.registryCertificates": {REGISTRY: beside["authority"]},
        "engine.logins": {REGISTRY: {"user": "pull", "passwordSecret": "registryPassword"}},
        "registry": {**own, "certificate": beside["registry"], "keySecret": "registryKey"},
        "kubernetes.oidc.caFile": beside["authority"],
        "network.loadBalancer": {**balancer, "values": {"controller": soon, "speaker": soon}},
        "network.ingress.certificate": beside[DOMAIN],
        **{f"{part}.repository": front.CHARTS for part in ("network.ingress", "gpuOperator", "monitoring")},
        "storage.charts": {"csiNfs": {"chart": CSI, "repository": front.CHARTS, "version": storage.CSI_NFS}},
    }


def _of_runai(beside: Mapping[str, str], sha256: str) -> dict[str, Any]:
    """The same of the platform's entry, and how small hosts may be."""
    charts = vendor.charts()
    return {
        "certificate": beside[DOMAIN],
        "authority": beside["authority"],
        "registry.images": f"{REGISTRY}/runai",
        "package.sha256": sha256,
        "package.freeGb": 1,
        "controlPlane.chart": str(charts["control-plane"]),
        "cluster.chart": str(charts["runai-cluster"]),
        "nodes.least": _SMALL,
        "mlflow.repository": f"{REGISTRY}/mlflow",
        "mlflow.server.chart": str(ROOT / "lab/parts/runai/charts/mlflow"),
        "jumpBox.cli.sha256": hashlib.sha256(program(1, COMPLETION).encode()).hexdigest(),
    }


def _emulated() -> dict[str, Any]:
    """What emulated hosts are, and what this machine's kernel lacks."""
    small = {"controller": {"resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}}}
    often = {"prometheus": {"prometheusSpec": {"scrapeInterval": "5s", "evaluationInterval": "5s"}}}
    return {
        "os": "debian-12",
        "allowUntested": True,
        "minimum": _SMALL,
        "packages": ["nfs-common"],  # the lab's driver for volumes mounts by it
        "engine.package": "containerd",
        "engine.cgroupDriver": "cgroupfs",
        "engine.restrictOomScoreAdj": True,
        **{f"kubernetes.{key}": value for key, value in _of_dev("kubernetes").items()},
        "network.pods": {"kind": "bridge"},
        "network.ingress.replicas": 1,
        "network.ingress.values": small,
        "storage.nfs.server": "ganesha",
        "storage.nfs.versions": ["3"],
        "storage.mountOptions": ["vers=3"],
        "monitoring.values": often,
    }


def site(folder: Path, sha256: str) -> dict[str, Any]:
    """The sample on the lab's hosts; its files are in the folder, and `sha256` is that of the vendor's archive."""
    found = moved(printed())
    for path, value in changes(folder, sha256).items():
        *way, last = path.split(".")
        at: Any = found
        for key in way:
            at = at[int(key)] if key.isdigit() else at.setdefault(key, {})
        at[last] = value
    return found


def _apt() -> dict[str, str]:
    return {"url": f"http://{GATEWAY}:8080/apt", "suite": "./", "keyFile": "${GPU_METAL_LAB}/apt/key.asc"}


def _of_dev(key: str) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"][key])


def files(folder: Path) -> dict[str, str]:
    """Writes what an operator has beside the site; returns its secrets."""
    authority = Authority("The site's authority", days=30)
    own, registry = authority.sign(DOMAIN, f"*.{DOMAIN}"), authority.sign(PLACES["nfs"])
    (folder / "files").mkdir()
    for name, text in (("authority", authority.text), (DOMAIN, own.text), ("registry", registry.text)):
        (folder / "files" / f"{name}.pem").write_text(text)
    return {**PASSWORDS, "siteKey": own.key, "registryKey": registry.key}


@contextlib.contextmanager
def appliance(folder: Path) -> Iterator[Stack]:
    """A stack of it that is not up yet, on bare hosts that have what the sample says that they have."""
    lab.serve(lambda _: None)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda place: lab.reset(lab_host(place)), PLACES.values()))
    for name in ("gpu-1", "gpu-2"):
        gpus.fit(lab_host(PLACES[name]), "4")
    on(PLACES["nfs"], ["sh", "-c", "mkdir /srv/nfs && mount -t tmpfs -o size=600G,mode=0755 disk /srv/nfs"])
    secrets = files(folder)
    (folder / "known_hosts").write_text("".join(_known(place) for place in PLACES.values()))
    bring(vendor.VERSION)
    (_root("login") / "opt/runai").write_text(program(1, COMPLETION))
    stack = Stack("ai", folder)
    stack.create(site(folder, vendor.digest()))
    for name, value in secrets.items():
        stack.tell(name, value)
    run("ip", "address", "replace", f"{NAMES}/32", "dev", BRIDGE)
    with name_server(NAMES, lookup):
        yield stack
    run("ip", "address", "delete", f"{NAMES}/32", "dev", BRIDGE)
    for place in PLACES.values():
        lab.stop(lab_host(place), grace=0)


def bring(version: str) -> None:
    """Puts the vendor's archive of a version where the site has it."""
    shutil.copy(vendor.archive(version), _root("nfs") / "srv" / vendor.name(version))


def upgraded(entry: dict[str, Any], version: str) -> None:
    """The platform's entry with another version, its archive and its charts."""
    charts = vendor.charts(version)
    entry["version"] = version
    entry["package"].update(file=f"/srv/{vendor.name(version)}", sha256=vendor.digest(version))
    entry["controlPlane"]["chart"] = str(charts["control-plane"])
    entry["cluster"]["chart"] = str(charts["runai-cluster"])


def _known(place: str) -> str:
    public = keys.host_key(lab_host(place)).with_suffix(".pub").read_text().split()
    return f"{lab_host(place).address} {public[0]} {public[1]}\n"


def _root(name: str) -> Path:
    """The files of a host that runs, as its own processes see them."""
    return Path(f"/proc/{cgroups.init(lab_host(PLACES[name]))}/root")


def lookup(name: str) -> str | None:
    """The address of a name: the domain's, and that of each name below it."""
    return ADDRESS if name == DOMAIN or name.endswith(f".{DOMAIN}") else None
