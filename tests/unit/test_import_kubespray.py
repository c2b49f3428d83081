"""sitectl import kubespray: an inventory of Kubespray becomes a site that plans; its cluster is not taken over.

Does not prove: what a running cluster does with `pulumi up`; test_host_steps does, for any port.
"""

from pathlib import Path

import pytest

from tests.unit.importing import KUBESPRAY, Import, imported, refused

HOSTS_YAML = """\
all:
  vars: {ansible_user: ubuntu}
  hosts:
    node1: {ansible_host: 10.3.0.1, access_ip: 10.3.0.1}
    node[2:3]:
    192.0.2.9:
  children:
    kube_control_plane:
      hosts:
        node1:
    kube_node:
      hosts:
        node[2:3]:
      vars: {node_labels: {a: b}}
    etcd:
      hosts: {node1: {}}
    k8s_cluster:
      children:
        kube_control_plane:
        kube_node:
      vars: {kube_network_plugin: flannel}
"""
CLUSTER, ALL = "group_vars/k8s_cluster/k8s-cluster.yml", "group_vars/all/all.yml"
REGISTRIES = "group_vars/all/registries.yml"


@pytest.fixture
def kubespray(tmp_path: Path) -> Import:
    return imported(tmp_path, *KUBESPRAY)


@pytest.mark.row("X12")
def test_each_variable_is_taken_or_left_out_with_its_reason(kubespray: Import) -> None:
    result = kubespray()
    assert result.exit_code == 0, result.output
    assert kubespray.written() == kubespray.expected
    text = kubespray.site.read_text()
    for line in (
        "# inventory.ini:3 ansible_host: a site has one address of a host, here ip;",
        "# inventory.ini:7 etcd: etcd-9 has etcd alone: etcd runs on the control planes here.",
        "# inventory.ini:8 calico_rr: reflector is a route reflector of Calico",
        "# inventory.ini:9 no group: spare is in neither kube_control_plane nor kube_node.",
        "# inventory.ini:3 etcd_member_name: a member of etcd has its host's name.",
        "# group_vars/all/all.yml:3 bin_dir: programs come as packages.",
        "# group_vars/k8s_cluster/k8s-cluster.yml:2 kube_config_dir, kube_cert_dir: kubeadm has its own place for it.",
        "# group_vars/k8s_cluster/k8s-cluster.yml:14 ndots: CoreDNS is as kubeadm sets it up",
        "# group_vars/k8s_cluster/k8s-cluster.yml:26 my_own_setting: is not known here: look whether the cluster needs",
        "# group_vars/k8s_cluster/addons.yml:3 ingress_nginx_enabled: network.ingress is HAProxy's controller here",
    ):
        assert line in text, line
    assert "kata_containers_enabled" not in text  # it is off there
    assert "calico is not here: flannel, which enforces no NetworkPolicy" in result.output


def test_the_site_plans(kubespray: Import) -> None:
    kubespray()
    assert [host.name for host in kubespray.loaded().control_planes] == ["node1", "node2", "node3"]
    plan = kubespray.plan()
    names = {one.name for one in plan.resources.values()}
    assert names >= {f"{host}-{layer}" for host in kubespray.loaded().hosts for layer in ("base", "engine", "node")}
    assert plan.one("node4-base").inputs["connection"]["proxy"]["host"] == "192.0.2.1"


def test_it_says_what_becomes_of_the_cluster(kubespray: Import) -> None:
    result = kubespray()
    assert "! A cluster that Kubespray has made is not taken over" in result.output
    assert "preflight refuses its hosts, since their ports are in use, and pulumi up changes nothing." in result.output
    assert (
        "! etcd ran on node1, node2, etcd-9; here it runs on the control planes, node1, node2, node3." in result.output
    )


def test_no_password_is_shown_or_written(kubespray: Import) -> None:
    kubespray.change("inventory.ini", "ansible_user=ubuntu", "ansible_user=ubuntu\nansible_password=Hun2er-too")
    result = kubespray()
    assert result.exit_code == 0, result.output
    assert "Hun2er" not in result.output + kubespray.site.read_text()
    assert kubespray.written()["ssh"]["passwordSecret"] == "sshPassword"
    for secret, purpose in (
        ("registryPassword", "password of puller at 10.0.0.2:5000"),
        ("sshPassword", "password of"),
    ):
        assert f"pulumi config set --secret {secret} --stack lab   # it asks for the {purpose}" in result.output


def test_hosts_in_yaml(kubespray: Import) -> None:
    kubespray.files = {
        "hosts.yaml": HOSTS_YAML,
        "host_vars/node2.yml": "ip: 10.3.0.2\n",
        "host_vars/node3": "ip: 10.3.0.3\n",
    }
    result = kubespray("--kubernetes", "1.34.2")
    assert result.exit_code == 0, result.output
    assert kubespray.written() == {
        "ssh": {"user": "ubuntu"},
        "hosts": {
            "node1": {"address": "10.3.0.1", "roles": ["control-plane"]},
            "node2": {"address": "10.3.0.2", "labels": {"a": "b"}},
            "node3": {"address": "10.3.0.3", "labels": {"a": "b"}},
        },
        "engine": {"kind": "containerd"},
        "kubernetes": {"version": "1.34.2"},
        "network": {"serviceSubnet": "10.233.0.0/18", "podSubnet": "10.233.64.0/18", "pods": {"kind": "flannel"}},
    }
    assert "192.0.2.9 is in neither kube_control_plane nor kube_node." in result.output


def test_a_file_of_the_folder_may_be_named(kubespray: Import) -> None:
    kubespray.files["hosts.yaml"] = HOSTS_YAML
    refused(kubespray(), "has hosts.yaml and inventory.ini. Name the file: sitectl import kubespray ")
    kubespray.words = ("inventory.ini",)
    assert kubespray().exit_code == 0
    assert kubespray.written() == kubespray.expected


def test_a_value_that_ansible_vault_has_encrypted(kubespray: Import) -> None:
    vault = "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    kubespray.files["group_vars/all/secret.yml"] = f"ansible_password: {vault}my_token: {vault}"
    result = kubespray()
    assert result.exit_code == 0, result.output
    assert kubespray.written()["ssh"]["passwordSecret"] == "sshPassword"
    kubespray.site.unlink()
    kubespray.files["group_vars/all/secret.yml"] = f"http_proxy: {vault}"
    refused(kubespray(), "group_vars/all/secret.yml:1 http_proxy: is encrypted by ansible-vault. Write it in clear")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("inventory.ini", "[kube-master]", "[kube-slave]", "inventory.ini: kube_control_plane has no host."),
        (
            "inventory.ini",
            "ansible_user=ubuntu\n",
            "",
            "has no ansible_user, and Ansible would take the name of who runs",
        ),
        (
            "inventory.ini",
            "node1 ansible_host=198.51.100.11 ip=10.3.0.1",
            "node1",
            "node1: node1 has no address. Write",
        ),
        ("inventory.ini", "ip=10.3.0.2", "ip=10.3.0.1", "10.3.0.1 of node2 is also the address of node1."),
        ("inventory.ini", "ip=10.3.0.2", "ip=node2.local", 'inventory.ini:4 node2 ip: "node2.local" is a name'),
        ("inventory.ini", "node[4:5]", "node[4-5]", "inventory.ini:6: node[4-5] is no range. Ansible writes node[1:4]"),
        ("inventory.ini", "node[4:5]", "node[5:4]", "inventory.ini:6: node[5:4] names no hosts, or more than 10,000."),
        ("inventory.ini", "ansible_user=ubuntu", "ansible_user", "below [all:vars] each row is VARIABLE=VALUE."),
        ("inventory.ini", "node[1:3]", "node[1:2]", "control planes"),
        ("host_vars/node4.yml", "nvidia.com/gpu=present:NoSchedule", "gpu", "host_vars/node4.yml:3 node_taints"),
        (CLUSTER, "v1.33.4", "1.33", "k8s-cluster.yml:4 kube_version (here kubernetes.version): "),
        (CLUSTER, "10.234.0.0/16", "10.233.0.0/17", "kube_pods_subnet (here network.podSubnet): "),
        (CLUSTER, "v1.33.4", '"{{ a | b }}"', "kube_version: is a template, which is not worked out here."),
        (
            CLUSTER,
            "kube_proxy_mode",
            "kube_proxy_mdoe",
            "kube_proxy_mdoe: is not known here. Did you mean kube_proxy_mode?",
        ),
        (CLUSTER, "ndots: 2", "ndots: [2", "group_vars/k8s_cluster/k8s-cluster.yml:"),
        (
            ALL,
            "loadbalancer_apiserver: {",
            "#: {",
            "has 3 control planes, which need a load balancer of yours in front",
        ),
        (ALL, "http_proxy: http://", "http_proxy: ", "all.yml:8 http_proxy (here proxy.http): "),
        (ALL, "bin_dir: /usr", "bin_dir: /usr\nbin_dir: /usr", "all.yml:4 bin_dir: is written twice, first in line 3."),
        (
            ALL,
            "{address: 10.3.0.100, port: 8443}",
            "10.3.0.100",
            "loadbalancer_apiserver: is not a map, as Kubespray has",
        ),
        (CLUSTER, "v1.33.4", "[v1.33.4]", "kube_version: is not one word, as Kubespray has it. Write one."),
        (REGISTRIES, "username: puller, ", "", "has an entry without registry or username. Write both."),
        (
            REGISTRIES,
            "prefix: docker.io",
            "prfix: docker.io",
            "has an entry without prefix or mirrors.",
        ),
    ],
)
def test_a_wrong_inventory(kubespray: Import, file: str, old: str, new: str, says: str) -> None:
    kubespray.change(file, old, new)
    refused(kubespray(), says)
    assert not kubespray.site.exists()


def test_hosts_that_differ_in_what_they_share(kubespray: Import) -> None:
    kubespray.files["host_vars/node5.yml"] += "kube_version: v1.32.0\n"
    refused(
        kubespray(), "node5 kube_version: is another one than group_vars/k8s_cluster/k8s-cluster.yml:4 kube_version"
    )


def test_a_folder_without_hosts(kubespray: Import) -> None:
    del kubespray.files["inventory.ini"]
    refused(kubespray(), "has none of hosts.yaml, hosts.yml, inventory.yaml")
    kubespray.files = {"hosts.yaml": "all:\n  host: {}\n"}
    refused(kubespray(), "hosts.yaml:2 all.host: is no key of a group. Ansible has hosts, children and vars.")
