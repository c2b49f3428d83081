"""The document's cluster on the lab's hosts: Orchestra and Rancher together, the database on a host of its own.

The site is both samples in one: `site` changes addresses, versions of the lab's charts, and what emulated hosts lack.
"""

import json
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.platforms.rancher.api import RancherApi
from components.rest.access import Access
from lab import paths
from lab.hosts import cgroups, keys, lab
from lab.hosts.inventory import GATEWAY
from lab.hosts.inventory import host as lab_host
from lab.parts.load_balancer import depot as metallb
from lab.parts.orchestra import depot
from tests.lab.cluster import kubectl
from tests.lab.stack import ROOT, Stack, on
from tests.parts.ingress.lab import front
from tests.parts.rancher.lab import manager
from tests.parts.runai.authority import Authority

ZEUS, NODE, CESSY, STORE = "rack-1", "rack-2", "rack-3", "rack-4"
"""Control plane, front end and pilot; a node for jobs on CPUs; one with GPUs; NFS server and database."""
PLACES = (ZEUS, NODE, CESSY, STORE)
PROJECT = "ringer"
DOMAIN = "lps.example.org"
ADDRESS, POOL = (f"{GATEWAY.rpartition('.')[0]}.{end}" for end in ("240", "240-10.213.77.243"))
SHARE = "/var/lib/docker/share"
"""On a folder that is no overlay: the server cannot export one."""
SOURCE = f"/srv/{depot.FILE}"
"""On Zeus: somebody put it there."""
DATABASE, ADMIN, FIRST, OWN = "a-password-of-the-lab", "Lab-of-Rancher-1", "Lab-of-Rancher-2", "Lab-of-Rancher-3"
SECRETS = {
    "orchestraDatabase": DATABASE,
    "pgadminPassword": "a-password-of-pgadmin",
    "rancherBootstrap": "Lab-of-Rancher-0",
    "rancherAdmin": ADMIN,
    "rancherFirst": FIRST,
}
_SAMPLES = {kind: ROOT / f"components/platforms/{kind}/sample.yaml" for kind in ("orchestra", "rancher")}
_SMALL = {"resources": {"requests": {"cpu": "10m", "memory": "48Mi"}}}


def _printed(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(_SAMPLES[kind])["config"]["gpu-metal:site"]
    return found


def _of_dev(key: str) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"][key])


def site(folder: Path) -> dict[str, Any]:
    """Both samples; its files are in `folder`. The pilot has no kubeconfig yet: its cluster does not exist."""
    found, orchestra = _printed("rancher"), _printed("orchestra")
    toolkit = found["groups"]["gpu"]["gpu"]["toolkit"]
    gpu = {"model": "A100-SXM4-80GB", "count": lab_host(CESSY).gpus, "toolkit": toolkit}  # with a driver of its own
    rancher, own = found["platforms"][0], orchestra["platforms"][0]
    found |= {
        **_emulated(folder),
        "firewall": orchestra["firewall"],
        "groups": {"gpu": {"gpu": gpu}},
        "hosts": {
            ZEUS: {"address": lab_host(ZEUS).address, "roles": ["control-plane"], "frontEnd": True},
            NODE: {"address": lab_host(NODE).address},
            CESSY: {"group": "gpu", "address": lab_host(CESSY).address},
            STORE: {"address": lab_host(STORE).address},
        },
        "network": _network(found["network"]["ingress"], folder),
        "storage": {
            "nfs": {
                "host": STORE,
                "path": SHARE,
                "server": "ganesha",
                "versions": ["3"],
                "clients": [*PLACES],
            },
            "mountOptions": ["vers=3"],
        },
        "devicePlugin": {"repository": front.CHARTS, "images": "registry.k8s.io"},
        "users": {**found["users"], "pilot": {"uid": 2003}},
        "platforms": [_rancher(rancher, str(folder / "authority.pem")), _orchestra(own)],
    }
    found["projects"][PROJECT]["members"].append("pilot")
    found["projects"][PROJECT]["cpu"] = "6"  # the hosts have 8 together
    del found["os"]
    return found


def _emulated(folder: Path) -> dict[str, Any]:
    """What emulated hosts are, and where packages and images are."""
    mirrors = {name: [front.REGISTRY] for name in ("registry.k8s.io", "quay.io", "docker.io")}
    return {
        "knownHosts": str(folder / "known_hosts"),
        "ssh": {"user": "deploy", "keyFile": str(paths.LAB / "id_ed25519")},
        "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 2},
        "repositories": {**_of_dev("repositories"), "nvidia-toolkit": None},
        "engine": {**_of_dev("engine"), "mirrors": mirrors},
        "kubernetes": _of_dev("kubernetes"),
    }


def _network(ingress: dict[str, Any], folder: Path) -> dict[str, Any]:
    small = {"replicas": 1, "repository": front.CHARTS, "values": {"controller": _SMALL}}
    soon = {"readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 2}}
    balancer = {"pool": POOL, "repository": front.CHARTS, "version": metallb.VERSION}
    return {
        "pods": {"kind": "bridge"},
        "loadBalancer": {**balancer, "values": {"controller": soon, "speaker": soon}},
        "ingress": {**ingress, "certificate": str(folder / "site.pem"), **small},
    }


def _rancher(entry: dict[str, Any], authority: str) -> dict[str, Any]:
    volumes = {**entry["volumes"], "server": lab_host(STORE).address, "path": SHARE, "capacity": "1Gi"}
    own = {"authority": authority, "repository": front.CHARTS, "replicas": 1, "values": _SMALL}
    return {**entry, **own, "volumes": volumes}


def _orchestra(entry: dict[str, Any]) -> dict[str, Any]:
    entry.pop("kubeconfigSecret")
    return entry | {
        "host": ZEUS,
        "source": {"archive": {"file": SOURCE, "sha256": depot.sha256()}},
        "index": depot.INDEX,
        "database": {**entry["database"], "host": STORE, "backup": {"time": "*:0/2", "keep": 3}},
        "nodes": {NODE: {"cpu": 1}, CESSY: {"cpu": 0, "gpu": 1}},
    }


@contextmanager
def bare(folder: Path) -> Iterator[Stack]:
    """A stack of it that is not up yet, on hosts as they are after installation."""
    lab.serve(lambda _: None)
    with ThreadPoolExecutor(len(PLACES)) as pool:
        list(pool.map(lambda place: lab.reset(lab_host(place)), PLACES))
    authority = Authority("The site's authority", days=30)
    signed = authority.sign(DOMAIN, f"*.{DOMAIN}")
    (folder / "authority.pem").write_text(authority.text)
    (folder / "site.pem").write_text(signed.text)
    (folder / "known_hosts").write_text("".join(_known(place) for place in PLACES))
    Path(f"/proc/{cgroups.init(lab_host(ZEUS))}/root{SOURCE}").write_bytes(depot.content())
    stack = Stack("lps", folder)
    stack.create(site(folder))
    for name, value in {**SECRETS, "siteKey": signed.key}.items():
        stack.tell(name, value)
    yield stack
    for place in PLACES:
        lab.stop(lab_host(place), grace=0)


def _known(place: str) -> str:
    public = keys.host_key(lab_host(place)).with_suffix(".pub").read_text().split()
    return f"{lab_host(place).address} {public[0]} {public[1]}\n"


def platform(site: dict[str, Any], kind: str) -> dict[str, Any]:
    """The platform's entry."""
    return next(each for each in site["platforms"] if each["kind"] == kind)


def give_kubeconfig(stack: Stack) -> None:
    """As the how-to has it: the pilot's user gets one from the cluster, and the site names its secret."""
    file = stack.folder / "pilot.kubeconfig"
    stack.sitectl("user", "kubeconfig", "pilot", "--days", "90", "--to", str(file)).ok()
    stack.tell("pilotKubeconfig", file.read_text())
    file.unlink()
    stack.edit(lambda site: platform(site, "orchestra").update(kubeconfigSecret="pilotKubeconfig"))


def sql(text: str) -> list[str]:
    """The rows of a statement, by PostgreSQL's superuser."""
    return on(STORE, ["runuser", "-u", "postgres", "--", "psql", "-XAtqd", "orchestra", "-c", text]).splitlines()


def as_pgadmin(text: str) -> None:
    """A statement as pgAdmin sends it: from the database's host, as the role that people log in with."""
    ask = "host=127.0.0.1 user=orchestra dbname=orchestra"
    on(STORE, ["env", f"PGPASSWORD={DATABASE}", "psql", "-XAtq", ask, "-c", text])


def submit(device: str, count: int = 1) -> list[int]:
    """Registers jobs, as Orchestra's client does; returns their numbers."""
    rows = ", ".join([f"('{device}')"] * count)
    return [int(each) for each in sql(f"INSERT INTO job (device) VALUES {rows} RETURNING id")]  # noqa: S608 - numbers


def completed(jobs: list[int]) -> bool:
    """Whether the pilot saw each of these jobs end."""
    wanted = ", ".join(map(str, jobs))
    return sql(f"SELECT count(*) FROM job WHERE status = 'completed' AND id IN ({wanted})") == [str(len(jobs))]  # noqa: S608


def pod(job: int) -> dict[str, Any]:
    """The pod of a job of Orchestra's."""
    [found] = kubectl("get", "pods", "-n", PROJECT, "-l", f"job-name=orchestra-{job}", plane=ZEUS)["items"]
    return dict(found)


def printed(pod: str, namespace: str, container: str) -> list[str]:
    """What a container wrote, by the kubelet that ran it."""
    return on(ZEUS, [*front.KUBECTL, "logs", pod, "-n", namespace, "-c", container]).splitlines()


def reaches(place: str, port: int) -> bool:
    """Whether a host reaches a port of the database's host."""
    script = f"timeout 3 bash -c '</dev/tcp/{lab_host(STORE).address}/{port}' 2>/dev/null && echo yes || true"
    return on(place, ["bash", "-c", script]) == "yes\n"


def as_pilot(words: str) -> str:
    """What a command prints with the pilot's environment, on its host."""
    return on(
        ZEUS, ["bash", "-c", f"runuser -u orchestra -- /etc/orchestra/run bash -c {shlex.quote(words)} 2>&1 || true"]
    )


def api(stack: Stack, username: str = "admin", password: str = ADMIN) -> RancherApi:
    """Rancher's API, from this machine."""
    ca, server = (stack.folder / "authority.pem").read_text(), f"{ADDRESS}:443"
    access = Access(f"https://rancher.{DOMAIN}", username=username, password=password, server=server, ca=ca)
    return RancherApi.of(access)


def opens(stack: Stack, username: str, password: str) -> bool:
    """Whether this user logs in with this password."""
    return manager.logs_in(api(stack, username, password))


def in_rancher(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """An object of Rancher's Kubernetes API."""
    return dict(kubectl("get", f"{kind}.management.cattle.io", name, "-n", namespace, plane=ZEUS))


def members() -> set[str]:
    """Who has a role in the project, by name of the binding."""
    found = kubectl("get", "projectroletemplatebindings.management.cattle.io", "-n", f"local-p-{PROJECT}", plane=ZEUS)
    return {each["metadata"]["name"] for each in found["items"]}


def spoil(*words: str) -> None:
    """A change by Rancher's Kubernetes API, by hand."""
    on(ZEUS, [*front.KUBECTL, *words])


def files_of(stack: Stack, project: str) -> dict[str, Any]:
    """The sample pod that `sitectl files` writes for a project, with an image that the lab has."""
    stack.sitectl("files", "--to", str(stack.folder / "given")).ok()
    made: dict[str, Any] = YAML(typ="safe").load(stack.folder / f"given/rancher/pods/{project}/gpu-pod.yaml")
    return made


def create(body: dict[str, Any]) -> None:
    """Makes an object in the cluster."""
    text = shlex.quote(json.dumps(body))
    on(ZEUS, ["sh", "-c", f"echo {text} | {' '.join(front.KUBECTL)} create -f -"])
