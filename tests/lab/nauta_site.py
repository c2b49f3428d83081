"""Nauta's inventory and configuration on hosts of the lab, and what the lab has otherwise than a site of theirs.

`inventory` and `config` are as the guide prints them: broken rows with a blank after `=`, one password for all.
`emulated` is what an operator of such a site would not write: where packages, images and charts are, and what emulated
hosts cannot do.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.parts.storage import versions as storage
from components.parts.storage.values import CSI
from lab.hosts.inventory import GATEWAY, WEB_PORT
from lab.hosts.inventory import host as lab_host
from lab.parts.load_balancer import depot as metallb
from tests.lab.stack import ROOT

MASTER, WORKERS = "master-0", ("worker-0", "worker-1", "worker-2")
PLACES = {MASTER: "rack-1", **dict(zip(WORKERS, ("rack-2", "rack-3", "rack-4"), strict=True))}
"""The guide's hosts, and where they are in the lab."""
DOMAIN, SERVICES = "lab007.nauta", "kubernetes.nauta"
PASSWORD = "Hun2#er of-the-lab"
PROXIES = (f"http://{GATEWAY}:9112", f"http://{GATEWAY}:9113")
SOCKS = 9114
NAMES = ("10.213.77.236", "10.213.77.237", "10.213.77.238")
"""Name servers: the two of the configuration, and the one that takes the second one's place."""
ADDRESS, POOL = "10.213.77.230", "10.213.77.230-10.213.77.233"
SHARE = "/srv/nauta"
_DEPOT, _CHARTS = f"http://{GATEWAY}:5000", f"http://{GATEWAY}:{WEB_PORT}/charts"
_ROW = "ansible_ssh_host= {address} ansible_ssh_user=deploy ansible_ssh_pass='{password}'\ninternal_interface=host0"


def inventory(device: str) -> str:
    """As the guide prints it: rows are broken, and have a blank after `=`."""
    rows = {name: _ROW.format(address=lab_host(place).address, password=PASSWORD) for name, place in PLACES.items()}
    both = "data_interface=host0 external_interface=host0"
    workers = "".join(f"{name} {rows[name]} {both}\n" for name in WORKERS)
    return f"[master]\n{MASTER} {rows[MASTER]} {both} local_data_device={device}\n\n[worker]\n{workers}"


def config() -> str:
    """The guide's example, with values of the lab."""
    lines = [f"  {name}_proxy: {PROXIES[0]}" for name in ("http", "ftp", "https")]
    return "\n".join(
        (
            "proxy:",
            *lines,
            f"  no_proxy: {GATEWAY},localhost,.nauta",
            f"dns_servers:\n  - {NAMES[0]}\n  - {NAMES[1]}",
            "dns_search_domains:\n  - example.com",
            'dns_names_for_certificate:\n  DNS.7: "mycluster1.domain.name"\n  DNS.8: "mycluster2.domain.name"',
            "domain: nauta\nnodes_domain: lab007\nk8s_domain: kubernetes",
            "kubernetes_pod_subnet: 10.3.0.0/16\nkubernetes_svc_subnet: 10.4.0.0/16",
            "docker_log_driver_settings:\n  max_size: 5g\n  max_file: 1",
            f"features:\n  redsocks: True\nfeatures_config:\n  redsocks:\n    IP: {GATEWAY}\n    Port: {SOCKS}",
            "",
        )
    )


def emulated(site: dict[str, Any]) -> None:
    """What the lab has otherwise."""
    dev = YAML(typ="safe", pure=True).load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    site["minimum"] = dev["minimum"]
    # The lab's driver for volumes mounts by the first; the second is for people's machines, of which the lab has none.
    site["packages"] = ["nfs-common", "smbclient"]
    site["repositories"] = {
        "kubernetes": {
            "url": f"http://{GATEWAY}:{WEB_PORT}/apt",
            "suite": "./",
            "keyFile": "${GPU_METAL_LAB}/apt/key.asc",
        }
    }
    names = ("registry.k8s.io", "quay.io", "docker.io", "ghcr.io")
    site["engine"] |= {key: dev["engine"][key] for key in ("package", "cgroupDriver", "restrictOomScoreAdj")}
    site["engine"]["mirrors"] = {name: [_DEPOT] for name in names}
    kubelet = {**dev["kubernetes"]["kubelet"], **site["kubernetes"]["kubelet"]}
    site["kubernetes"] |= {**dev["kubernetes"], "kubelet": kubelet}
    site["kubernetes"]["serviceNames"] = False  # the lab's hosts have no systemd-resolved
    site["network"]["pods"] = {"kind": "bridge"}
    site["storage"]["nfs"] |= {"server": "ganesha", "versions": ["3"]}
    site["storage"]["mountOptions"] = ["vers=3"]
    chart = {"chart": CSI, "repository": _CHARTS, "version": storage.CSI_NFS}
    site["storage"]["charts"] = {"csiNfs": chart}


def services(folder: Path) -> Callable[[dict[str, Any]], None]:
    """Nauta's own services, as the import says that an operator adds them."""
    soon = {"readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 2}}
    small = {"controller": {"resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}}}
    front = {"kind": "haproxy", "certificate": str(folder / "site.pem"), "keySecret": "ingressKey", "replicas": 1}
    often = {"prometheus": {"prometheusSpec": {"scrapeInterval": "5s", "evaluationInterval": "5s"}}}
    store = {"repository": _CHARTS}

    def change(site: dict[str, Any]) -> None:
        site["network"]["loadBalancer"] = {
            **{"pool": POOL, "repository": _CHARTS, "version": metallb.VERSION},
            "values": {"controller": soon, "speaker": soon},
        }
        site["network"]["ingress"] = {**front, "repository": _CHARTS, "values": small}
        site["registry"] = {"host": MASTER, "passwordSecret": "registryPassword"}
        site["logs"] = {"passwordSecret": "logsPassword", "name": "logs", "store": store, "collector": store}
        site["dashboard"] = {"repository": _CHARTS}
        site["monitoring"] = {"repository": _CHARTS, "images": "registry.k8s.io", "values": often}
        site["hosts"][MASTER]["frontEnd"] = True
        site["users"] = {"ben": {"uid": 20002}}
        shares = {name: {"path": f"{SHARE}/{name}", "homes": True} for name in ("input", "output")}
        site["samba"] = {"host": MASTER, "users": {"ben": {"passwordSecret": "benShares"}}, "shares": shares}

    return change


def volumes_of(user: str) -> dict[str, Any]:
    """Claims to both folders in the user's own project."""
    kinds = {"input": "ReadOnlyMany", "output": "ReadWriteMany"}
    return {
        f"{user}-{path}": {"path": path, "capacity": "1Gi", "access": access, "namespace": user, "claim": path}
        for path, access in kinds.items()
    }
