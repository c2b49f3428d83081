"""The dev site with one control plane, on the host that step tests have at hand, and nothing else."""

from pathlib import Path

from ruamel.yaml import YAML

from stacks.load import load_site
from stacks.model import Site
from tests.scripts.lab_host import HOST
from tests.scripts.two_hosts import ROOT

_KEPT = {
    *("domain", "knownHosts", "ssh", "os", "minimum", "limits", "hosts"),
    *("repositories", "engine", "kubernetes", "network"),
}


def site(folder: Path, kubernetes: dict[str, object]) -> Site:
    """With more keys of kubernetes."""
    whole = YAML().load(ROOT / "Pulumi.dev.yaml")
    keys = whole["config"]["gpu-metal:site"]
    keys["hosts"] = {HOST.name: {**keys["hosts"]["cp-1"], "address": HOST.address}}
    keys["kubernetes"].update(kubernetes)
    with (folder / "Pulumi.dev.yaml").open("w") as file:
        YAML().dump({"config": {"gpu-metal:site": {k: v for k, v in keys.items() if k in _KEPT}}}, file)
    return load_site("dev", folder)
