"""sitectl import k0sctl: a file of k0sctl becomes a site that plans; its cluster is not taken over.

Does not prove: what a running cluster of k0s does with `pulumi up`; test_host_steps does, for any port.
"""

from pathlib import Path

import pytest

from tests.unit.importing import K0SCTL, Import, imported, refused


@pytest.fixture
def k0sctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_rsa").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    return imported(tmp_path, *K0SCTL)


@pytest.mark.row("X12")
def test_each_key_is_taken_or_left_out_with_its_reason(k0sctl: Import) -> None:
    result = k0sctl()
    assert result.exit_code == 0, result.output
    assert k0sctl.written() == k0sctl.expected
    text = k0sctl.site.read_text()
    for line in (
        "# k0sctl.yaml:29 spec.hosts[].hooks: commands of your own; run them by other means.",
        "# k0sctl.yaml:24 spec.hosts[].installFlags --debug: a flag of k0s.",
        "# k0sctl.yaml:22 spec.hosts[].ssh.address: a site has one address of a host, here privateAddress;",
        "# k0sctl.yaml:28 spec.hosts[].environment.FOO: the environment of k0s",
        "# k0sctl.yaml:30 spec.hosts[]: reset: true, so k0sctl takes this host out.",
        "# k0sctl.yaml:54 spec.k0s.config.spec.extensions: Helm charts",
        "# k0sctl.yaml:55 spec.options: it is about how k0sctl works.",
    ):
        assert line in text, line
    assert "telemetry" not in text  # it is off there


def test_the_site_plans(k0sctl: Import) -> None:
    k0sctl()
    assert [host.name for host in k0sctl.loaded().control_planes] == ["controller-1", "controller-2", "controller-3"]
    names = {one.name for one in k0sctl.plan().resources.values()}
    assert names >= {f"{host}-{layer}" for host in k0sctl.loaded().hosts for layer in ("base", "engine", "node")}


def test_it_says_what_becomes_of_the_cluster(k0sctl: Import) -> None:
    result = k0sctl()
    assert "! A cluster of k0s is not taken over" in result.output
    assert "then k0sctl reset; pulumi up makes a new, empty cluster." in result.output
    assert "sitectl scan -s lab   # and once more: hosts behind a bastion answer" in result.output


def test_a_single_host(k0sctl: Import) -> None:
    k0sctl.files["k0sctl.yaml"] = (
        "apiVersion: k0sctl.k0sproject.io/v1beta1\nkind: Cluster\nspec:\n  hosts:\n"
        "  - {role: single, hostname: one, openSSH: {address: 10.0.0.1, keyPath: ~/.ssh/id.pub}}\n"
    )
    result = k0sctl("--os", "debian-12")
    assert result.exit_code == 0, result.output
    assert k0sctl.written() == {
        "ssh": {"user": "root"},
        "os": "debian-12",
        "hosts": {"one": {"address": "10.0.0.1", "roles": ["control-plane", "worker"]}},
        "engine": {"kind": "containerd"},
        "kubernetes": {"version": "1.34.2"},
        "network": {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/12", "pods": {"kind": "flannel"}},
    }
    assert "The file names no version of k0s; the site has Kubernetes 1.34.2." in result.output
    assert "a public key: the private one comes from your ssh-agent." in result.output


def test_what_the_command_says_comes_first(k0sctl: Import) -> None:
    k0sctl.drop("k0sctl.yaml", "          externalAddress: api.example.org\n")
    refused(k0sctl(), "k0sctl.yaml:41 spec.k0s.config.spec.api: has 3 control planes, which need a load balancer")
    assert k0sctl("--endpoint", "192.0.2.99:6443", "--kubernetes", "1.32.1").exit_code == 0
    kubernetes = k0sctl.written()["kubernetes"]
    assert (kubernetes["endpoint"], kubernetes["version"]) == ("192.0.2.99:6443", "1.32.1")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("k0sctl.k0sproject.io", "k0s.k0sproject.io", "k0sctl.yaml:1 apiVersion: is not a file of k0sctl"),
        (
            "role: worker\n",
            "role: wroker\n",
            'k0sctl.yaml:20 spec.hosts[3]: "wroker" is no role of k0sctl. Did you mean',
        ),
        ("role: controller\n", "role: server\n", '"server" is no role of k0sctl. Did you mean controller?'),
        ("role: controller\n", "role: single\n", "spec.hosts: has a host with the role single, and others."),
        ("    - role: controller\n      ssh", "    - ssh", "k0sctl.yaml:7 spec.hosts[0]: has no role. Write one of"),
        ("{<<: *ssh, address: 192.0.2.21}", "{user: ana}", "k0sctl.yaml:20 spec.hosts[3]: gpu-1 has no ssh.address."),
        ("privateAddress: 10.0.0.21", "privateAddress: gpu.local", '"gpu.local" is a name, and a site has addresses'),
        ("hostname: gpu-1", "hostname: controller-1", "spec.hosts[3]: controller-1 is the name of two hosts."),
        ("hostname: gpu-1", "hostname: GPU_1", "k0sctl.yaml:20 spec.hosts[3] (here hosts.GPU_1): is not a host name."),
        ("address: 10.0.0.2}", "address: 10.0.0.1}", "10.0.0.1 of controller-2 is also the address of controller-1."),
        (
            "user: jump, port: 2200, keyPath: ~/.ssh/id_rsa",
            "keyPath: ~/.ssh/other",
            "has another keyPath than the host",
        ),
        ("keyPath: ~/.ssh/id_rsa\n", "keyPath: id_rsa\n", "ssh.keyPath: does not begin with / or ~/. Write the whole"),
        ("noTaints", "noTaint", "spec.hosts[1].noTaint: a host of k0sctl has no such key. Did you mean noTaints?"),
        ("privateInterface", "privateInterfce", "Did you mean privateInterface?"),
        ("hooks: {", "localhost: {enabled: true, ", "spec.hosts[3].localhost: hosts of a site are reached by SSH."),
        ("podCIDR", "podCidr", "spec.network.podCidr: k0s' configuration has no such key. Did you mean podCIDR?"),
        ("10.200.0.0/16", "10.96.0.0/16", "spec.network.podCIDR (here network.podSubnet): "),
        ("v1.33.4+k0s.0", "latest", 'spec.k0s.version: "latest" is not a version such as 1.34.2+k0s.0.'),
        ("v1.33.4+k0s.0", "v1.20.4+k0s.0", "k0sctl.yaml:34 spec.k0s.version (here kubernetes.version): "),
        (
            "event-ttl: 2h",
            "service-cluster-ip-range: 10.0.0.0/8",
            "service-cluster-ip-range (here kubernetes.apiServer",
        ),
        ("  options:", "  option:", "spec.option: k0sctl's file has no such key. Did you mean options?"),
        (
            "metadata:\n  name: k0s-cluster",
            "metadata:\n  name: a\n  name: b",
            "metadata.name: is written twice, first in",
        ),
    ],
)
def test_a_wrong_file(k0sctl: Import, old: str, new: str, says: str) -> None:
    k0sctl.change("k0sctl.yaml", old, new)
    refused(k0sctl(), says)
    assert not k0sctl.site.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# nothing\n", "k0sctl.yaml: is empty. k0sctl init prints the form of such a file."),
        (
            "apiVersion: k0sctl.k0sproject.io/v1beta1\nspec: {hosts: []}\n",
            "spec.hosts: has no hosts. Write a list of them",
        ),
        ("- a\n", "k0sctl.yaml:1: is not a map of keys."),
    ],
)
def test_no_file_of_k0sctl(k0sctl: Import, text: str, says: str) -> None:
    k0sctl.files["k0sctl.yaml"] = text
    refused(k0sctl(), says)
