"""Sites with Rancher, for tests that look at what the program makes of one."""

from pathlib import Path
from typing import Any

from components.parts.part import Ground
from components.platforms.rancher.config import Rancher
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from tests.parts.rancher.authority import FILES


def said(**more: Any) -> dict[str, Any]:
    """The platform's entry."""
    return {
        "kind": "rancher",
        "authority": str(FILES / "authority.pem"),
        "bootstrapPasswordSecret": "rancherBootstrap",
        "admin": {"passwordSecret": "rancherAdmin"},
        "firstPasswordSecret": "rancherFirst",
        **more,
    }


def site_of(folder: Path, *, of: dict[str, Any] | None = None, **more: Any) -> Site:
    """Two hosts, two people and a project; `of` replaces keys of the site, `more` are Rancher's."""
    ingress = {"kind": "haproxy", "certificate": str(FILES / "lps.example.org.pem"), "keySecret": "siteKey"}
    data = {
        "domain": "lps.example.org",
        "hosts": {
            "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
            "gpu-1": {"address": "10.0.0.31", "gpu": {"model": "A100-SXM4-80GB", "count": 4, "driver": "580"}},
        },
        "kubernetes": {},
        "network": {"loadBalancer": {"pool": "10.0.0.200-10.0.0.209"}, "ingress": ingress},
        "users": {"ana": {}, "ben": {}},
        "projects": {"vision": {"gpus": 4, "cpu": "8", "members": ["ana", "ben"]}},
        "platforms": [said(**more)],
        **(of or {}),
    }
    return site_from(data, stack="lab", folder=folder, keys=False)


def parts_of(site: Site) -> tuple[Rancher, Ground]:
    """The entry's settings, and what it knows of the site."""
    known = ground(site)
    config = known.config(Rancher)
    assert config
    return config, known
