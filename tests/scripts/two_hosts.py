"""A cluster of two of the dev site's hosts, by its steps alone."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.hostrun.step import Step
from components.hostrun.target import Target
from components.kubernetes import steps, ticket
from lab import paths
from lab.hosts import inventory
from stacks import plan
from stacks.load import load_site
from stacks.model import Site
from tests.scripts.frozen import Recipe, frozen
from tests.scripts.lab_host import LabHost

ROOT = Path(__file__).parents[2]
WORKER = {"labels": {"pool": "a"}, "taints": ["pool=a:PreferNoSchedule"]}
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl"

_WHOAMI = """
server=$(sed -n 's/^ *server: //p' /etc/kubernetes/admin.conf) token=$(cat) said=''
user='{.status.userInfo.username} {.status.userInfo.groups[*]}'
for _ in {1..10}; do
    if said=$(kubectl --kubeconfig /dev/null --certificate-authority /etc/kubernetes/pki/ca.crt --server "$server" \\
        --token "$token" auth whoami -o "jsonpath=$user" 2>&1); then break; fi
    sleep 3
done
printf '%s' "$said"
"""


@dataclass
class Cluster:
    """Two hosts of the dev site, and how they were before Kubernetes."""

    site: Site
    policy: Path
    hosts: dict[str, LabHost]
    before: dict[str, Mapping[str, Any]]

    @property
    def plane(self) -> LabHost:
        return self.hosts["db-1"]

    @property
    def worker(self) -> LabHost:
        return self.hosts["db-2"]

    def node(self, name: str) -> list[Step]:
        return plan.node(self.site, self.site.hosts[name])

    def members(self, *names: str, **changes: object) -> Sequence[Step]:
        return steps.members(self.site.hosts[name].model_copy(update=changes) for name in names)

    def change(self, **kubernetes: object) -> None:
        """The site has other keys of kubernetes from now on."""
        assert self.site.kubernetes is not None
        changed = self.site.kubernetes.model_copy(update=kubernetes)
        self.site = self.site.model_copy(update={"kubernetes": changed})

    def api_server_runs_with(self) -> set[str]:
        """The arguments of its process on the control plane."""
        return set(self.plane.bash("tr '\\0' '\\n' </proc/$(pgrep -o -x kube-apiserver)/cmdline").splitlines()[1:])

    def environment_and_probe_by_hand(self, manifest: str) -> str:
        """Writes a variable and another probe into the API server's manifest; returns what was there."""
        before = self.plane.bash(f"cat {manifest}")
        written = before.replace("    image:", "    env: [{name: GODEBUG, value: x509sha1=1}]\n    image:", 1)
        self.plane.bash(f"cat >{manifest}", written.replace("failureThreshold: 8", "failureThreshold: 80", 1))
        return before

    def whoami(self, token: str) -> str:
        """The user and the groups that the API server takes the bearer for, or its refusal after half a minute."""
        return self.plane.bash(_WHOAMI, token)

    def apply_members(self, *names: str, **changes: object) -> dict[str, str]:
        """One group with those two hosts: what leaves it leaves the cluster."""
        return self.plane.apply("members-00", self.members(*names, **changes))

    def give_ticket(self, name: str) -> None:
        targets = {n: self._target(n) for n in self.hosts}
        asyncio.run(
            ticket.give_ticket([targets["db-1"]], targets[name], control_plane=name == "db-1", begins=name == "db-1")
        )

    def join(self, name: str) -> dict[str, str]:
        self.give_ticket(name)
        done = self.hosts[name].apply("node", self.node(name))
        return done | self.apply_members(*sorted({"db-1", name}))

    def kubectl(self, words: str) -> str:
        return self.plane.bash(f"{KUBECTL} {words}")

    def nodes(self) -> list[str]:
        return self.kubectl("get nodes -o name").split()

    def _target(self, name: str) -> Target:
        host = self.site.hosts[name]
        key = (paths.LAB / "id_ed25519").read_text()
        return Target(name, str(host.address), 22, "deploy", host.host_key, private_key=key)


def prepared(site: Site, name: str) -> AbstractContextManager[LabHost]:
    """The host with all that it has before Kubernetes."""
    of = site.hosts[name]
    layers = {"base": plan.base(site, of), "engine": plan.engine(site, of)}
    return frozen(inventory.host(name), Recipe(f"{name} before Kubernetes", layers, own=True))


@contextmanager
def before_kubernetes(folder: Path, *names: str) -> Iterator[Cluster]:
    """These of the two hosts with all that they have before Kubernetes: none is a member yet."""
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("GPU_METAL_LAB", str(paths.LAB))
        site = dev_site(folder)
        yield Cluster(site, Path(), {name: stack.enter_context(prepared(site, name)) for name in names}, {})


def dev_site(folder: Path) -> Site:
    """With its control plane and its worker on hosts that the tests of the dev site itself do not use."""
    whole = YAML().load(ROOT / "Pulumi.dev.yaml")
    hosts = whole["config"]["gpu-metal:site"]["hosts"]
    for former, name, more in (("cp-1", "db-1", {}), ("cpu-1", "db-2", WORKER)):
        hosts[name] = {**hosts.pop(former), "address": inventory.host(name).address, **more}
    with (folder / "Pulumi.dev.yaml").open("w") as file:
        YAML().dump(whole, file)
    return load_site("dev", folder)
