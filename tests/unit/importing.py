"""What the tests of `sitectl import` share: the verb in a folder of its own, and the plan of what it writes."""

from pathlib import Path
from typing import Any

import pulumi
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from ops.cli import app
from ops.rows import ROOT
from stacks.layers import layers
from stacks.load import load_site, site_from
from stacks.model import Site
from stacks.plan import preflight
from stacks.site import build
from tests.unit.conftest import a_key
from tests.unit.recorder import Plan, record
from tests.unit.test_plan import NoSecrets, void

FILES = ROOT / "tests/sites/import"
NAUTA = ("nauta", "inventory", "config.yml")
K0SCTL = ("k0sctl", "k0sctl.yaml")
KUBESPRAY = ("kubespray", ".")


class FakeSecrets(NoSecrets):
    """A value of no value for every name."""

    def reveal(self, name: str) -> str:
        return f"the value of {name}"

    def output(self, name: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(self.reveal(name))


class Import:
    """`sitectl import KIND` in a folder; each file is a text that a test changes."""

    def __init__(self, folder: Path, kind: str, files: dict[str, str], words: tuple[str, ...]) -> None:
        self.folder, self.kind, self.files, self.words = folder, kind, files, words

    def __call__(self, *flags: str) -> Result:
        for name, text in self.files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        paths = [str(self.folder / name) for name in self.words]
        words = ["import", self.kind, *paths, "-s", "lab", "-C", str(self.folder), *flags]
        return CliRunner().invoke(app, words)

    def change(self, name: str, old: str, new: str) -> None:
        """Changes a text once; it must be there."""
        assert old in self.files[name], old
        self.files[name] = self.files[name].replace(old, new, 1)

    def drop(self, name: str, old: str) -> None:
        self.change(name, old, "")

    @property
    def site(self) -> Path:
        return self.folder / "Pulumi.lab.yaml"

    @property
    def expected(self) -> dict[str, Any]:
        """What tests/sites/import/KIND.yaml says that it becomes."""
        return dict(YAML(typ="safe").load(FILES / f"{self.kind}.yaml"))

    def written(self) -> dict[str, Any]:
        """The site object of the file, without its id."""
        found = YAML(typ="safe").load(self.site)["config"]["gpu-metal:site"]
        assert len(found.pop("id")) == 12
        return dict(found)

    def loaded(self) -> Site:
        return load_site("lab", self.folder, keys=False)

    def layers(self, host: str) -> dict[str, list[str]]:
        """Each layer of a host, with the steps that `pulumi up` would apply."""
        site = self.loaded()
        return {name: [step.id for step in steps] for name, steps in layers(site, site.hosts[host]).items()}

    def preflight(self, host: str) -> set[str]:
        """What preflight asks of a host."""
        site = self.loaded()
        return {step.id for step in preflight(site, site.hosts[host])}

    def plan(self) -> Plan:
        """What `pulumi preview` plans, with keys of nobody."""
        site = self.loaded()
        ways = {(str(host.address), host.ssh.port) for host in site.hosts.values()}
        bastions = [host.ssh.bastion for host in site.hosts.values() if host.ssh.bastion]
        ways |= {(str(bastion.address), bastion.port) for bastion in bastions}
        known = "".join(f"{a if p == 22 else f'[{a}]:{p}'} ssh-ed25519 {a_key(a)}\n" for a, p in sorted(ways))
        (self.folder / "known_hosts.lab").write_text(known)
        made = site_from(YAML(typ="safe").load(self.site)["config"]["gpu-metal:site"], stack="lab", folder=self.folder)
        return record(lambda: void(build(made, FakeSecrets())), {"lab-kubeconfig": {"stdout": "the-kubeconfig"}}, ())


def imported(folder: Path, kind: str, *words: str) -> Import:
    """The verb with the files of tests/sites/import/KIND."""
    own = FILES / kind
    files = {str(path.relative_to(own)): path.read_text() for path in sorted(own.rglob("*")) if path.is_file()}
    return Import(folder, kind, files, words)


def refused(result: Result, says: str) -> None:
    """The verb ended with 2, wrote nothing, and said it."""
    assert (result.exit_code, says in result.output) == (2, True), result.output
    assert "Nothing was written." in result.output
