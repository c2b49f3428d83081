"""Sites good and bad. What these do not prove: that a host is what its site says (preflight does)."""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from components.forms import FORMS
from components.kubernetes.needed import SYSCTL
from components.problem import Problem
from components.registry import REGISTERED
from stacks.checks import CHECKS, Check, notes
from stacks.faults import NoSiteError, SiteError
from stacks.load import load_site
from stacks.model import Site, site_model
from stacks.secret_names import secret_names
from tests import samples
from tests.samples import SITES, Sample


def load(sample: Sample, folder: Path) -> Site:
    """The sample as a site of its own folder, with the known_hosts file, the racks and the files beside it."""
    shutil.copy(sample.file, folder / "Pulumi.lab.yaml")
    shutil.copy(SITES / "known_hosts", folder / "known_hosts.lab")
    keys(folder)
    for beside in (sample.file.parent / "racks", sample.files):
        if beside.exists():
            shutil.copytree(beside, folder / beside.name)
    return load_site("lab", folder)


def keys(folder: Path) -> None:
    """The package sources' keys that samples name."""
    (folder / "keys").mkdir()
    (folder / "keys/docker.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")


def good(name: str, folder: Path) -> Site:
    """One of the good samples, loaded."""
    return load(next(sample for sample in samples.good() if sample.name == name), folder)


@pytest.mark.row("X1")
@pytest.mark.parametrize("sample", samples.bad(), ids=lambda sample: sample.name)
def test_a_bad_site_gets_exactly_the_lines_at_its_foot(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # messages name files from there
    lines = sample.file.read_text().splitlines()
    expected = [line.removeprefix("#= ") for line in lines if line.startswith("#= ")]
    with pytest.raises(SiteError) as error:
        load(sample, tmp_path)
    assert error.value.lines == expected
    assert str(error.value) == "\n".join(expected)


@pytest.mark.parametrize("sample", samples.good(), ids=lambda sample: sample.name)
def test_a_good_site_is_good(sample: Sample, tmp_path: Path) -> None:
    assert load(sample, tmp_path).active


def test_each_check_has_a_bad_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[Check, int] = {}

    def listening(site: Site) -> Iterator[Problem]:
        found.update({check: found.get(check, 0) + len(list(check(site))) for check in CHECKS})
        return iter(())

    of_parts: dict[str, int] = {}

    def counting(kind: str, check: Callable[..., Iterator[Problem]]) -> Callable[..., Iterator[Problem]]:
        def counted(config: object, ground: object) -> Iterator[Problem]:
            problems = list(check(config, ground))
            of_parts[f"{kind}: {check.__name__}"] = of_parts.get(f"{kind}: {check.__name__}", 0) + len(problems)
            return iter(problems)

        return counted

    for each in REGISTERED:
        module = import_module(f"components.{each.room}.{each.kind}.checks")
        monkeypatch.setattr(module, "CHECKS", [counting(each.kind, check) for check in module.CHECKS])
    monkeypatch.setattr("stacks.checks.CHECKS", [listening])
    for sample in samples.bad():
        (tmp_path / sample.name).mkdir()
        with contextlib.suppress(SiteError):
            load(sample, tmp_path / sample.name)
    assert [check.__name__ for check in CHECKS if not found[check]] == []
    assert len(of_parts) > 10
    assert [name for name, problems in of_parts.items() if not problems] == []


@pytest.mark.row("X1")
def test_messages_are_ours() -> None:
    lines = [line for sample in samples.bad() for line in sample.file.read_text().splitlines()]
    said = "\n".join(line for line in lines if line.startswith("#= "))
    for word in (
        "hunter2",
        "12345",
        "type=",
        "Tuple",
        "^",
        "\\d",
        "http://errors",
        "pydantic",
        "invalid",
        "Input",
        "failed",
        "please",
    ):
        assert word not in said


def test_each_pattern_has_words() -> None:
    patterns = set(re.findall(r'"pattern": "(.*?)"[,}]', json.dumps(site_model().model_json_schema())))
    assert len(patterns) > 5
    assert {json.loads(f'"{pattern}"') for pattern in patterns} <= FORMS.keys()


@pytest.mark.row("H1")
def test_three_levels_merge(tmp_path: Path) -> None:
    site = good("ranges", tmp_path)
    assert list(site.hosts) == ["cp-1", "cp-2", "cp-3", "gpu-1", "gpu-2", "gpu-3", "gpu-4"]
    plane, first, last = site.hosts["cp-3"], site.hosts["gpu-1"], site.hosts["gpu-4"]
    assert str(plane.address) == "10.1.0.13"
    assert plane.sysctl == {**SYSCTL, "net.core.somaxconn": "4096", "net.ipv4.tcp_syncookies": "1"}
    assert first.sysctl == {**SYSCTL, "net.core.somaxconn": "8192", "net.ipv4.tcp_syncookies": "1"}
    assert last.sysctl == {**SYSCTL, "net.core.somaxconn": "16384", "net.ipv4.tcp_syncookies": "1"}
    assert (first.labels, last.labels) == ({"tier": "gpu"}, {"tier": "gpu", "rack": "b"})
    assert last.gpu == first.gpu
    assert (last.ssh.user, last.ssh.port, last.ssh.key_secret, last.ssh.bastion) == ("admin", 2222, None, None)
    assert first.ssh.bastion
    assert first.ssh.bastion.host_key == plane.host_key != last.host_key


@pytest.mark.row("H1")
def test_a_host_may_say_half_of_a_map(tmp_path: Path) -> None:
    gpu = good("lab", tmp_path).hosts["gpu-2"].gpu
    assert gpu
    assert (gpu.model, gpu.count) == ("RTX-A6000", 1)


@pytest.mark.row("H1")
def test_who_is_who(tmp_path: Path) -> None:
    site = good("ranges", tmp_path)
    assert [host.name for host in site.control_planes] == ["cp-1", "cp-2", "cp-3"]
    assert [host.name for host in site.workers] == ["gpu-1", "gpu-2", "gpu-4"]
    assert site.hosts["gpu-3"] not in site.active
    assert site.endpoint == "api.ai.example.com:6443"


def test_one_control_plane_is_its_own_endpoint_and_does_not_only_work(tmp_path: Path) -> None:
    site = good("lab", tmp_path)
    assert site.endpoint == "10.0.0.11:6443"
    assert [host.name for host in site.workers] == ["gpu-1", "gpu-2"]


def test_includes_are_united(tmp_path: Path) -> None:
    site = good("no-kubernetes", tmp_path)
    assert {host.name: host.ssh.user for host in site.hosts.values()} == {"db-1": "admin", "db-2": "root"}
    assert site.include == (tmp_path / "racks/a.yaml",)


def test_secrets_are_names_and_each_place_is_named_once(tmp_path: Path) -> None:
    names = secret_names(good("ranges", tmp_path))
    assert names == {"deployKey": ["ssh.keySecret"], "gpu4Password": ["hosts.gpu-4.ssh.passwordSecret"]}


def test_notes_say_what_is_worth_knowing(tmp_path: Path) -> None:
    text = (SITES / "good/ranges.yaml").read_text()
    project = (
        '    projects:\n      vision: {cpu: "8", memory: 8Gi, gpus: 12}\n'
        '      speech: {cpu: "8", memory: 8Gi, gpus: 1}\n'
    )
    keys(tmp_path)
    (tmp_path / "Pulumi.lab.yaml").write_text(text.replace("    network:\n", f"{project}    network:\n"))
    assert notes(load_site("lab", tmp_path, keys=False)) == [
        "id: there is none, so the hosts take any other site of project gpu-metal and stack lab for this one. Write id "
        "with what openssl rand -hex 6 prints, in quotes, and never change it.",
        "projects: each has a NetworkPolicy that lets in its own pods only, and nothing enforces it: pods of one "
        "project can reach another's. Write network: {policies: {}}, or policies: {kind: external} if others do.",
        "projects: quotas promise 13 GPUs, the hosts offer 12.",
        "hosts.gpu-3: gone; take the entry away after the next pulumi up.",
    ]


@pytest.mark.row("K1")
def test_a_name_that_only_another_version_may_know_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    id: 4f3a9c\n    hosts: {a: {address: 10.0.0.1, roles: [control-plane]}}\n"
        '    kubernetes: {version: "1.36.0", kubelet: {memoryReservationPolicy: None}}\n'
    )
    assert notes(load_site("lab", tmp_path, keys=False)) == [
        "kubernetes.kubelet.memoryReservationPolicy: memoryReservationPolicy is not known here, which knows version "
        "1.34. See that 1.36.0 has it."
    ]


@pytest.mark.row("K1")
def test_what_switches_protection_off_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    hosts: {a: {address: 10.0.0.1, roles: [control-plane]}}\n"
        "    kubernetes: {kubelet: {readOnlyPort: 10255}, allowInsecure: [kubelet.readOnlyPort]}\n"
    )
    assert load_site("lab", tmp_path, keys=False).kubernetes


@pytest.mark.row("G1")
def test_a_model_that_is_not_known_is_worth_a_line(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    id: 4f3a9c\n    hosts:\n"
        "      a: {address: 10.0.0.1, roles: [], gpu: {model: H100-PCI, count: 1}}\n"
        "      b: {address: 10.0.0.2, roles: [], gpu: {model: H100-PCIe, count: 1}}\n"
    )
    [note] = notes(load_site("lab", tmp_path, keys=False))
    assert note.startswith("hosts.a.gpu.model: H100-PCI is not known here")
    assert note.endswith("Did you mean H100-PCIe?")


def test_paths_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_METAL_KEYS", str(tmp_path / "srv"))
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/a.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    monkeypatch.setenv("HOME", "/home/ana")
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    knownHosts: keys/${GPU_METAL_KEYS}x\n    ssh: {keyFile: ~/.ssh/id}\n"
        "    repositories: {a: {url: http://10.0.0.1/, keyFile: '${GPU_METAL_KEYS}/a.asc'}}\n"
        "    hosts: {a: {address: 10.0.0.1, ssh: {keyFile: keys/id}}}\n"
    )
    site = load_site("lab", tmp_path, keys=False)
    assert site.ssh.key_file == Path("/home/ana/.ssh/id")
    [source] = site.repositories.values()
    assert source is not None
    assert source.key_file == tmp_path / "srv/a.asc"
    assert site.hosts["a"].ssh.key_file == tmp_path / "keys/id"
    assert site.known_hosts == tmp_path / f"keys/{tmp_path}/srvx"


def test_a_control_plane_that_is_gone_can_be_taken_out(tmp_path: Path) -> None:
    text = (SITES / "good/ranges.yaml").read_text()
    keys(tmp_path)
    (tmp_path / "Pulumi.lab.yaml").write_text(text.replace("gpu-3:", "cp-3:"))
    assert len(load_site("lab", tmp_path, keys=False).control_planes) == 2


def test_a_stack_without_file_is_told_apart(tmp_path: Path) -> None:
    says = r"^Pulumi\.lab\.yaml no such file in .*\. Fix: sitectl init lab HOST=ADDRESS …$"
    with pytest.raises(NoSiteError, match=says):
        load_site("lab", tmp_path)


@pytest.mark.usefixtures("lab_folder")
def test_the_dev_site_is_good() -> None:
    site = load_site("dev", SITES.parents[1], keys=False)
    assert [host.name for host in site.active] == ["cp-1", "cpu-1", "gpu-1"]


def test_anchors_and_merge_keys_are_read(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    variables: {a: &a x}\n    hosts:\n"
        "      a: &host {address: 10.0.0.1, limits: {nofile: 1}}\n"
        "      b: {<<: *host, address: 10.0.0.2, variables: {b: *a}}\n"
    )
    host = load_site("lab", tmp_path, keys=False).hosts["b"]
    assert (str(host.address), host.limits, host.variables) == ("10.0.0.2", {"nofile": 1}, {"a": "x", "b": "x"})


def test_an_empty_host_key_is_no_host_key(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    hosts:\n      a: {address: 10.0.0.1, hostKey: ''}\n"
        "      b: {address: 10.0.0.2, hostKey: null}\n"
    )
    with pytest.raises(SiteError) as error:
        load_site("lab", tmp_path)
    expected = "Pulumi.lab.yaml:3 hosts: no host key for a,b in known_hosts.lab. Fix: sitectl scan a,b"
    assert error.value.lines == [expected]


def test_a_home_that_is_not_known_is_told(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        "config:\n  gpu-metal:site:\n    knownHosts: ~no-such-user/known_hosts\n    hosts: {a: {address: 10.0.0.1}}\n"
    )
    with pytest.raises(SiteError, match=r"^Pulumi\.lab\.yaml:3 knownHosts: begins with a ~ whose home folder"):
        load_site("lab", tmp_path)
