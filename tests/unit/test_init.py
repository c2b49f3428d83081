"""sitectl init: from addresses to a site file that `sitectl validate` takes.

Does not prove: the way to real hosts, whose keys and facts are made up here (test_ops_scan, tests/scripts/test_facts).
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from components.host.config import Host
from components.hostrun import ssh
from components.hostrun.ssh import HostKey
from components.hostrun.target import SshError, Target
from ops import asking
from ops.cli import app
from ops.site_text import model as site_text_model
from ops.site_text import site_text
from stacks.load import load_site
from tests.unit.fake_hosts import FakeHosts, key, sitectl

CALL = ("cp-1=192.0.2.11", "gpu-[1-2]=192.0.2.[21-22]", "--user", "deploy")
KEYS = {name: key(name) for name in ("cp-1", "gpu-1", "gpu-2", "192.0.2.1")}


class Init:
    """sitectl init in a folder, before hosts that show KEYS and say what FakeHosts say; a person answers."""

    def __init__(self, folder: Path, hosts: FakeHosts) -> None:
        self.folder, self.hosts = folder, hosts

    def __call__(self, *words: str, answer: str = "y\n") -> Result:
        return CliRunner().invoke(app, ["init", *words, "-C", str(self.folder)], input=answer)

    @property
    def site(self) -> Path:
        return self.folder / "Pulumi.lab.yaml"

    def known(self, *names: str) -> None:
        (self.folder / "known_hosts.lab").write_text("".join(f"{name} {KEYS[name]}\n" for name in names))


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    async def shown(target: Target, *_: object) -> HostKey:
        if target.name in hosts.errors:
            raise hosts.errors[target.name]
        return HostKey(KEYS[target.name], f"ssh-ed25519 SHA256:{target.name}")

    monkeypatch.setenv("COLUMNS", "200")
    hosts = sitectl(tmp_path, monkeypatch).hosts
    monkeypatch.setattr(ssh, "scan", shown)
    monkeypatch.setattr(asking, "somebody", lambda: True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Init(tmp_path, hosts)


@pytest.mark.row("H1")
def test_a_site_from_addresses(init: Init) -> None:
    result = init("lab", *CALL)
    assert result.exit_code == 0, result.output
    assert "ssh-ed25519 SHA256:gpu-1" in result.output
    text = init.site.read_text()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./site.schema.json"
    site = yaml.safe_load(text)["config"]["gpu-metal:site"]
    assert len(site.pop("id")) == 12
    assert site == {
        "ssh": {"user": "deploy"},
        "os": "debian-12",
        "groups": {"a100-sxm4-80gb": {"gpu": {"model": "A100-SXM4-80GB", "count": 2}}},
        "hosts": {
            "cp-1": {"address": "192.0.2.11"},
            "gpu-1": {"group": "a100-sxm4-80gb", "address": "192.0.2.21"},
            "gpu-2": {"group": "a100-sxm4-80gb", "address": "192.0.2.22"},
        },
    }
    assert "roles: [control-plane] on cp-1" in text
    assert f"192.0.2.21,gpu-1 {KEYS['gpu-1']}\n" in (init.folder / "known_hosts.lab").read_text()


def test_what_is_written_passes_validate(init: Init) -> None:
    key_file = init.folder / "home" / "id"
    key_file.parent.mkdir()
    key_file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert init("lab", *CALL, "--port", "2222", "--key-file", str(key_file)).exit_code == 0
    assert "keyFile: ~/id" in init.site.read_text()
    result = CliRunner().invoke(app, ["validate", "-s", "lab", "-C", str(init.folder)])
    assert "✓ ok: Pulumi.lab.yaml, 3 hosts." in result.output
    ssh_ = load_site("lab", init.folder).hosts["gpu-1"].ssh
    assert (ssh_.user, ssh_.port, ssh_.key_file) == ("deploy", 2222, key_file)


def test_what_is_suggested_is_good_too(init: Init) -> None:
    init("lab", *CALL)
    text = re.sub(r"^    # (\w+: )", r"    \1", init.site.read_text(), flags=re.M)
    text = re.sub(r"^    engine: .*\n", "", text, flags=re.M)
    init.site.write_text(text.replace("cp-1: {", "cp-1: {roles: [control-plane], "))
    site = load_site("lab", init.folder)
    assert (site.kubernetes is None, site.domain) == (False, "example.org")


README = (Path(__file__).parents[2] / "README.md").read_text().split("## Your three hosts")[1].split("\n## ")[0]


def address(ip: str, prefix: int = 24) -> dict[str, Any]:
    return {"addresses": [{"interface": "eth0", "address": f"{ip}/{prefix}", "mtu": 1500}]}


def test_readmes_command_and_its_file_give_one_cluster(init: Init) -> None:
    """The file that is printed, and the one `init` writes where hosts are as printed: the same cluster and GPUs; the
    printed one has users, a project and NVIDIA's software besides."""
    (line,) = re.findall(r"^\./sitectl (init lab .*)", README, re.M)
    for name, last, count in (("cp-1", 11, 0), ("gpu-1", 21, 2), ("gpu-2", 22, 1)):
        devices = [device("NVIDIA RTX A6000")] * count
        gpus = {"count": count, "names": [], "devices": devices, "driver": None, "driver_says": None, "pci_says": None}
        init.hosts.facts[name] = {"gpus": gpus} | address(f"10.0.0.{last}")
    result = init(*shlex.split(line)[1:])
    assert result.exit_code == 0, result.output
    written = load_site("lab", init.folder)
    init.site.write_text(README.split("```yaml\n")[1].split("```")[0])
    printed = load_site("lab", init.folder)
    for part in ("kubernetes", "engine", "network", "registry", "platforms", "ssh"):
        assert getattr(written, part) == getattr(printed, part), part
    assert (list(written.hosts), printed.domain) == (list(printed.hosts), "lab.example.org")
    for name, host in written.hosts.items():
        other = printed.hosts[name]
        found = other.gpu and other.gpu.model_copy(update={"driver": None, "toolkit": None})
        assert (host.address, host.roles, host.gpu, host.ssh) == (other.address, other.roles, found, other.ssh)
    assert all(host.gpu.installed and host.gpu.toolkit for host in printed.hosts.values() if host.gpu)
    assert [entry.name for entry in printed.entries] == ["device-plugin"]


def test_a_cluster_over_several_segments_has_flannel(init: Init) -> None:
    init.hosts.facts = {"cp-1": address("192.0.2.11", 28), "gpu-1": address("192.0.2.21"), "gpu-2": address("10.0.0.1")}
    assert init("lab", *CALL, "--control-plane", "cp-1", "--kubernetes", "1.33.5").exit_code == 0
    site = load_site("lab", init.folder)
    assert site.network.pods.kind == "flannel"
    assert (site.kubernetes and site.kubernetes.version, [h.name for h in site.control_planes]) == ("1.33.5", ["cp-1"])


def test_three_control_planes_behind_a_load_balancer(init: Init) -> None:
    words = ("--control-plane", "cp-1,gpu-[1-2]", "--endpoint", "192.0.2.99:6443")
    assert init("lab", *CALL, *words).exit_code == 0
    site = load_site("lab", init.folder)
    assert [host.name for host in site.control_planes] == ["cp-1", "gpu-1", "gpu-2"]
    assert (site.kubernetes and site.kubernetes.endpoint) == "192.0.2.99:6443"


def test_a_platform_brings_the_lines_of_its_sample(init: Init) -> None:
    assert init("lab", *CALL, "--platform", "sqream").exit_code == 0
    text = init.site.read_text()
    assert "    # platforms:\n    #   - kind: sqream\n" in text
    assert "media/sqreamdb, filesystem" not in text  # the sample's hosts
    whole = text.replace("    # repositories:", "    repositories:").split("take the # away:\n")[1]
    opened = text.split("    # What the sample")[0] + re.sub(r"^    # ", "    ", whole, flags=re.M)
    kinds = [each["kind"] for each in yaml.safe_load(opened)["config"]["gpu-metal:site"]["platforms"]]
    assert kinds == ["sqream"]


def test_lines_that_pulumi_has_written_are_kept(init: Init) -> None:
    init.site.write_text("encryptionsalt: v1:abc=:v1:def\n")  # `pulumi stack init` came first
    assert init("lab", *CALL).exit_code == 0
    assert yaml.safe_load(init.site.read_text())["encryptionsalt"] == "v1:abc=:v1:def"
    assert len(load_site("lab", init.folder).hosts) == 3


@pytest.mark.parametrize("words", [["--yes"], []], ids=["--yes", "no terminal"])
def test_new_host_keys_are_never_taken_unasked(init: Init, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setattr(asking, "somebody", lambda: bool(words))
    result = init("lab", *CALL, *words)
    assert (result.exit_code, init.site.exists(), (init.folder / "known_hosts.lab").exists()) == (2, False, False)
    assert "ssh-ed25519 SHA256:cp-1" in result.output
    assert "known_hosts.lab lacks the new keys" in result.output
    assert not init.hosts.asked


def test_known_keys_ask_nobody(init: Init, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "somebody", lambda: False)
    init.known("cp-1", "gpu-1", "gpu-2")
    before = (init.folder / "known_hosts.lab").read_text()
    assert init("lab", *CALL, "--yes").exit_code == 0
    assert (init.folder / "known_hosts.lab").read_text() == before


def test_a_key_that_differs_ends_it(init: Init) -> None:
    (init.folder / "known_hosts.lab").write_text(f"gpu-1 {key('another')}\n")
    result = init("lab", *CALL)
    assert (result.exit_code, init.site.exists()) == (1, False)
    assert "Other keys are known for gpu-1. Fix: compare at their consoles" in result.output
    assert not init.hosts.asked


def test_no_is_no(init: Init) -> None:
    result = init("lab", *CALL, answer="n\n")
    assert (result.exit_code, init.site.exists(), (init.folder / "known_hosts.lab").exists()) == (1, False, False)


def test_a_bastion_is_agreed_to_first(init: Init) -> None:
    result = init("lab", *CALL, "--bastion", "jump@192.0.2.1:2200", answer="y\ny\n")
    assert result.exit_code == 0, result.output
    assert result.output.index("SHA256:192.0.2.1") < result.output.index("SHA256:gpu-1")
    bastion = load_site("lab", init.folder).hosts["gpu-2"].ssh.bastion
    assert bastion is not None
    assert (str(bastion.address), bastion.port, bastion.user) == ("192.0.2.1", 2200, "jump")


def test_a_site_that_is_there_is_never_overwritten(init: Init) -> None:
    init.site.write_text("mine\n")
    result = init("lab", *CALL)
    assert (result.exit_code, init.site.read_text()) == (2, "mine\n")
    assert "is there already, and is never overwritten." in result.output


def test_a_host_that_is_down_is_named_and_nothing_is_written(init: Init) -> None:
    init.known("cp-1", "gpu-1", "gpu-2")
    init.hosts.errors["gpu-2"] = SshError("gpu-2", "address", "did not answer.")
    result = init("lab", *CALL)
    assert (result.exit_code, init.site.exists()) == (4, False)
    assert "gpu-2 [address] did not answer." in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gpu-1"], "gpu-1: write HOST=ADDRESS, or a range: 'gpu-[1-4]=10.0.0.[11-14]'."),
        (["gpu-[1-3]=192.0.2.[1-2]"], "hosts.gpu-[1-3].address: 3 hosts need 3 addresses, not 2."),
        (["GPU_1=192.0.2.1"], "hosts.GPU_1: is not a host name."),
        (["gpu-1=192.0.2.1", "gpu-2=192.0.2.1"], "192.0.2.1 of gpu-2 is also the address of gpu-1."),
        (["gpu-1=192.0.2.1", "gpu-1=192.0.2.2"], "gpu-1: is there twice."),
        (["gpu-1=192.0.2.1", "--kubernetes", "1.34.2"], "Fix: --control-plane gpu-1, or three of them."),
        (["gpu-1=192.0.2.1", "--control-plane", "cp-1"], "cp-1: no such host in the site."),
        (["gpu-1=192.0.2.1", "--control-plane", "gpu-1", "--kubernetes", "1.34"], "kubernetes.version"),
        (["gpu-1=192.0.2.1", "--platform", "squeam"], "squeam: there is none. There are: orchestra, rancher, runai,"),
        (["gpu-1=192.0.2.1", "--bastion", "x"], "--bastion x: write USER@ADDRESS or USER@ADDRESS:PORT."),
    ],
)
def test_wrong_calls_are_told_before_anything_is_asked(init: Init, words: list[str], says: str) -> None:
    result = init("lab", *words)
    assert (result.exit_code, init.site.exists()) == (2, False)
    assert says in result.output
    assert not init.hosts.asked


def device(model: str | None, name: str = "", ids: str = "10de:ffff") -> dict[str, Any]:
    return {"bus": "0000:01:00.0", "ids": ids, "name": name, "model": model}


@pytest.mark.parametrize(
    ("seen", "model"),
    [
        (device("NVIDIA A100-SXM4-80GB"), "A100-SXM4-80GB"),
        (device("NVIDIA GeForce RTX 4090"), "GeForce-RTX-4090"),
        (device("Tesla V100-SXM2-16GB"), "V100-SXM2-16GB"),
        (device(None, "NVIDIA Corporation Device (rev a1)", "10de:20b2"), "A100-SXM4-80GB"),
        (device(None, "NVIDIA Corporation GA999 [RTX 9000 Next] (rev a1)"), "RTX-9000-Next"),
        (device(None, "NVIDIA Corporation Device (rev a1)"), "10de:ffff"),
        (device(None, ids="10de:1db1"), "V100-SXM2-16GB"),
    ],
)
def test_a_model_is_what_nvidia_names_it(seen: dict[str, Any], model: str) -> None:
    assert site_text_model(seen) == model


def facts(system: str, version: str, *devices: dict[str, Any]) -> dict[str, Any]:
    return {
        "os": {"id": system, "version": version},
        "cpus": 8,
        "memory_bytes": 64 << 30,
        "disks": [{"name": "sda", "bytes": 10**12, "holds": [{}]}, {"name": "nvme0n1", "bytes": 10**12, "holds": []}],
        "gpus": {"devices": list(devices), "driver_says": None, "pci_says": None},
    }


def test_hosts_that_differ() -> None:
    host = Host.model_validate({"name": "x", "address": "192.0.2.11", "hostKey": ""})
    said = {
        "a": facts("debian", "12", *[device("NVIDIA H100 80GB HBM3")] * 8),
        "b": facts("rocky", "9.4", *[device("NVIDIA H100 80GB HBM3")] * 4),
        "c": facts("ubuntu", "24.04", device("NVIDIA RTX A6000"), device(None, "AD102 [GeForce RTX 4090] (rev a1)")),
        "null": facts("debian", "12"),
    }
    text = site_text({"user": "root"}, dict.fromkeys(said, host), said)
    site = yaml.safe_load(text)["config"]["gpu-metal:site"]
    again = yaml.safe_load(site_text({"user": "root"}, dict.fromkeys(said, host), said))["config"]["gpu-metal:site"]
    assert re.fullmatch("[0-9a-f]{12}", site["id"])
    assert site["id"] != again["id"]
    assert "os" not in site
    assert [host["os"] for host in site["hosts"].values()] == ["debian-12", "rocky-9", "ubuntu-24.04", "debian-12"]
    assert site["groups"] == {
        "h100-80gb-hbm3-8x": {"gpu": {"model": "H100-80GB-HBM3", "count": 8}},
        "h100-80gb-hbm3-4x": {"gpu": {"model": "H100-80GB-HBM3", "count": 4}},
        "rtx-a6000": {"gpu": {"model": "RTX-A6000", "count": 2}},
    }
    assert set(site["hosts"]) == set(said)
    assert "GPUs of several models: 1 × RTX-A6000, 1 × GeForce-RTX-4090" in text
    assert "nothing seen on /dev/nvme0n1 1000 GB" in text
