"""Hosts with something on them already: brought up once per machine, kept as a frozen layer, and started from.

    DOCKER = Recipe("docker", {"engine": engine.engine(Docker.model_validate(…))}, gpus="8 dgx-a100")

    @pytest.fixture(scope="module")
    def docker() -> Iterator[LabHost]:
        with frozen(HOST, DOCKER) as host:
            yield host

The first use applies the recipe's layers to a bare host, checks that they hold, switches it off and keeps its disk;
each later one boots on that disk with the installed runner and its ledger: `apply` of the same steps is "unchanged",
`remove` undoes them. What has changed since (a step, an input, a package, the runner) makes another layer. The disk is
any host's: what depends on a host's name or address says `own`. A recipe may stand on another one (`on`).

A test of an installation or a removal starts bare, with `fresh`: here it would prove nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Optional

from components.hostrun import library
from components.hostrun.step import Step, command_line, payload
from lab.depot import debian, debs, service
from lab.hosts import base, gpus, inventory, lab
from lab.hosts import frozen as layers
from tests.scripts.lab_host import LabHost


@dataclass(frozen=True)
class Recipe:
    """What is on a host: hardware, then a script of root's, then layers of steps."""

    name: str
    """For people: it shows in messages."""
    layers: Mapping[str, Sequence[Step]]
    gpus: str = ""
    """As lab.hosts.gpus.fit wants them; empty for none."""
    driver: str | None = None
    script: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    on: Optional["Recipe"] = None
    """The recipe below, whose layers and all are there first."""
    own: bool = False
    """It depends on the host's name or address: each host has a layer of its own, with its identity in it."""

    def key(self, machine: inventory.Host) -> str:
        """The frozen layer of just this content."""
        steps = [(command_line(name, steps), payload(steps, self.secrets)) for name, steps in self.layers.items()]
        hardware = gpus.files(self.gpus, self.driver) if self.gpus else {}
        below = self.on.key(machine) if self.on else (base.folder_of(machine.release).name, _packages(), _runner())
        return layers.key_of(below, hardware, self.script, steps, machine if self.own else "")


@contextmanager
def frozen(machine: inventory.Host, recipe: Recipe) -> Iterator[LabHost]:
    """The host with the recipe on it, just booted; off again afterwards."""
    lab.serve(lambda _: None)
    lab.reset(machine, _layer(machine, recipe))
    host = LabHost(machine)
    _take_over(host)
    yield host
    lab.stop(machine, grace=0)


def _layer(machine: inventory.Host, recipe: Recipe) -> str:
    """The key of the recipe's layer, which is made on this host when it is not there."""
    key = recipe.key(machine)
    with layers.making(key) as missing:
        if missing:
            lab.reset(machine, _layer(machine, recipe.on) if recipe.on else "")
            host = LabHost(machine)
            if recipe.on:
                _take_over(host)
            _bring(host, recipe)
            lab.freeze(machine, key, own=recipe.own)
    return key


def _bring(host: LabHost, recipe: Recipe) -> None:
    if recipe.gpus:
        gpus.fit(host.machine, recipe.gpus, recipe.driver)
    if recipe.script:
        host.bash(recipe.script)
    host.install()
    for name, steps in recipe.layers.items():
        host.apply(name, steps, recipe.secrets)
    assert host.check() == {}, recipe.name


def _take_over(host: LabHost) -> None:
    """The disk was made on a host of another name; the library of now comes, as with each `up`."""
    host.bash("cat >/var/lib/gpu-metal/identity", f"{host.machine.name}\n")
    host.install()


@cache
def _packages() -> str:
    """What the hosts' package sources hold: names, versions and checksums."""
    table = (service.SITE / "debian" / debian.TABLE).read_bytes()
    return sha256(table).hexdigest() + debs.key()


@cache
def _runner() -> str:
    """The runner without the steps: it wrote the ledger."""
    files = {name: text for name, text in library.files().items() if name.startswith("runner/")}
    return sha256(repr(files).encode()).hexdigest()
