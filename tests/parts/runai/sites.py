"""Sites with Run:ai, for tests that look at what the program makes of one."""

import json
from pathlib import Path
from typing import Any

from components.parts.part import Ground
from components.platforms.runai.config import Runai
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from tests.parts.runai.authority import FILES

GPU = {"model": "A100-SXM4-80GB", "count": 4, "driver": "580"}
HOSTS: dict[str, Any] = {
    "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
    "sys-1": {"address": "10.0.0.21", "taints": ["tier=system:NoSchedule"]},
    "gpu-1": {"address": "10.0.0.31", "gpu": GPU},
    "gpu-2": {"address": "10.0.0.32", "gpu": GPU},
    "cpu-1": {"address": "10.0.0.41"},
}


def said(**more: Any) -> dict[str, Any]:
    """The platform's entry."""
    return {
        "kind": "runai",
        "certificate": str(FILES / "ai.example.org.pem"),
        "keySecret": "siteKey",
        "authority": str(FILES / "authority.pem"),
        "admin": {"email": "admin@example.org", "passwordSecret": "runaiAdmin"},
        **more,
    }


def site_of(
    folder: Path, *, hosts: dict[str, Any] | None = None, of: dict[str, Any] | None = None, **more: Any
) -> Site:
    """A site of five hosts, two people and two projects; `of` replaces keys of the site, `more` are Run:ai's."""
    ingress = {"kind": "haproxy", "certificate": str(FILES / "ai.example.org.pem"), "keySecret": "siteKey"}
    nfs = {"host": "cp-1", "path": "/srv/nfs", "rootSquash": False}
    data = {
        "domain": "ai.example.org",
        "hosts": json.loads(json.dumps(hosts or HOSTS)),
        "kubernetes": {},
        "network": {"loadBalancer": {"pool": "10.0.0.200-10.0.0.209"}, "ingress": ingress},
        "storage": {"nfs": nfs, "classes": {"nfs": {"kind": "csi-nfs", "default": True}}},
        "gpuOperator": {},
        "monitoring": {"kind": "existing"},
        "users": {"ana": {"email": "ana@example.org"}, "ben": {"email": "ben@example.org"}},
        "projects": {"vision": {"gpus": 4, "members": ["ana", "ben"]}, "audio": {"gpus": 2, "groups": ["listeners"]}},
        "platforms": [said(**more)],
        **(of or {}),
    }
    return site_from(data, stack="lab", folder=folder, keys=False)


def of_version(folder: Path, version: str, *, of: dict[str, Any] | None = None, **more: Any) -> Site:
    """The site with a release, and the operator and the driver with which that one has fractions."""
    new = version.startswith("3")
    driver = {name: {**HOSTS[name], "gpu": {**GPU, "driver": "615"}} for name in ("gpu-1", "gpu-2")}
    own = {"gpuOperator": {"version": "v26.7.1" if new else "v26.3.0", "nri": False}, "allowUntested": True}
    old = {"controlPlane": {"chart": "./control-plane.tgz"}, "cluster": {"chart": "./runai-cluster.tgz"}}
    given = {"version": version, **({} if new else old), **more}
    return site_of(folder, hosts={**HOSTS, **driver}, of={**own, **(of or {})}, **given)


def parts_of(site: Site) -> tuple[Runai, Ground]:
    """Run:ai's settings, and what it may know of the site."""
    [config] = [entry.config for entry in site.entries if isinstance(entry.config, Runai)]
    return config, ground(site)
