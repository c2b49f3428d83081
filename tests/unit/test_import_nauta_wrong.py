"""sitectl import nauta: each fault of both files is named with its line and the fix, and nothing is written."""

from pathlib import Path

import pytest

from tests.unit.importing import NAUTA, Import, imported, refused

LOGIN = "ansible_ssh_user=root ansible_ssh_pass=x"
MASTER = "internal_interface=em2 external_interface=em3 local_data_device=/dev/sdb1"


@pytest.fixture
def nauta(tmp_path: Path) -> Import:
    return imported(tmp_path, *NAUTA)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "[worker]",
            f"master-1 ansible_ssh_host=192.168.100.62 {LOGIN} {MASTER}\n[worker]",
            "inventory:4 master-1: [master] has exactly one row, and master-0 is in it already. Move",
        ),
        ("[master]", "[master]\n[worker]", "inventory: [master] has no row. Nauta has exactly one master"),
        ("[worker]", "[workers]", "inventory:4: [workers] is no section of Nauta's inventory. Did you mean [worker]?"),
        ("[worker]", "[ungrouped]", "inventory:5 worker-0: worker-0 is in no section. Put its row below [master] or"),
        ("[worker]", "[worker", "inventory:4: is no section: write [GROUP], [GROUP:vars] or [GROUP:children]."),
        (
            "ansible_ssh_host=192.168.100.61 ",
            "",
            "inventory:5 worker-0: lacks ansible_ssh_host, which the guide requires",
        ),
        (
            "192.168.100.60",
            "192.168.100",
            'inventory:2 master-0 ansible_ssh_host: "192.168.100" is no address: an IPv4 address has four numbers.',
        ),
        (
            "192.168.100.61",
            "node.example.com",
            'worker-0 ansible_ssh_host: "node.example.com" is a name, and a site has addresses: getent hosts',
        ),
        (
            "192.168.100.61",
            "192.168.100.55",
            "inventory:6 worker-1 ansible_ssh_host (here hosts.worker-1.address): 192.168.100.55 of worker-1 is also",
        ),
        (
            "192.168.100.61 ansible_ssh_user=root",
            "192.168.100.61 ansible_ssh_user=ana",
            'worker-0 ansible_ssh_user: is "ana", and "root" in line 2; the guide wants one user.',
        ),
        (" external_interface=em3", "", "inventory:2 master-0: lacks external_interface, which the guide requires"),
        (" local_data_device=/dev/sdb1", "", "inventory:2 master-0: lacks local_data_device, which the guide requires"),
        (
            "/dev/sdb1",
            "/dev/sdb1 local_device=/dev/sdc1",
            "inventory:2 master-0 local_device: is another device than local_data_device",
        ),
        ("/dev/sdb1", "sdb1", "master-0 local_data_device (here hosts.master-0.disks[0].device): "),
        (
            "data_interface",
            "data_interfcae",
            "master-0 data_interfcae: Nauta's inventory has no such variable. Did you mean data_interface?",
        ),
        ("worker-0", "worker_0", "inventory:5 worker_0 (here hosts.worker_0): is not a host name."),
        (
            "ansible_ssh_host=192.168.100.61",
            "ansible_ssh_host=192.168.100.61 stray",
            "inventory:5: worker-0: word 3 of the row has no =. Write VARIABLE=VALUE",
        ),
        (
            "internal_interface=p3p1",
            "internal_interface='p3p1",
            "inventory:5: has a quotation mark without its second one.",
        ),
        (
            "ansible_ssh_user=root",
            "ansible_ssh_user=root ansible_ssh_user=ana",
            "inventory:2: master-0: ansible_ssh_user is there twice. Keep one.",
        ),
        (
            "ansible_ssh_user=root",
            "ansible_ssh_user=root ansible_ssh_private_key_file=id",
            "master-0 ansible_ssh_private_key_file: does not begin with / or ~/",
        ),
        (
            "ansible_ssh_user=root",
            "ansible_ssh_user=root ansible_ssh_port=ssh",
            "master-0 ansible_ssh_port: is not the number of a port, such as 22.",
        ),
        (
            "worker-0 ",
            "worker-[0-3] ",
            "inventory:5: worker-[0-3] is no range. Ansible writes node[1:4], with a colon.",
        ),
    ],
)
def test_a_wrong_inventory(nauta: Import, old: str, new: str, says: str) -> None:
    nauta.change("inventory", old, new)
    if old == "[master]":
        nauta.files["inventory"] = nauta.files["inventory"].replace("\n[worker]\nworker-0", "\nworker-0")
    refused(nauta(), says)
    assert not nauta.site.exists()


def test_no_worker(nauta: Import) -> None:
    nauta.files["inventory"] = nauta.files["inventory"].partition("[worker]")[0]
    refused(nauta(), "inventory: [worker] has no row. Write one; on a single machine, the master's row once more.")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "DNS.7",
            "DNS.6",
            "config.yml:14 dns_names_for_certificate.DNS.6: is one of Nauta's own names, which are DNS.1 to",
        ),
        ("DNS.7", "dns7", "config.yml:14 dns_names_for_certificate.dns7: is not DNS. and a number. Write DNS.7"),
        (
            "10.6.0.0/16",
            "10.5.128.0/17",
            "config.yml:20 kubernetes_svc_subnet: 10.5.128.0/17 overlaps 10.5.0.0/16, config.yml:19 ",
        ),
        (
            "kubernetes_pod_subnet: 10.5.0.0/16\nkubernetes_svc_subnet: 10.6.0.0/16",
            "kubernetes_pod_subnet: 10.4.0.0/15",
            "config.yml:19 kubernetes_pod_subnet: 10.4.0.0/15 overlaps 10.4.0.0/16, the guide's default",
        ),
        (
            "10.5.0.0/16",
            "192.168.0.0/16",
            "lies in network.podSubnet 192.168.0.0/16, where hosts look for containers. Move the subnet. "
            "(network.podSubnet is from config.yml:19 kubernetes_pod_subnet)",
        ),
        ("10.5.0.0/16", "ten", "config.yml:19 kubernetes_pod_subnet (here network.podSubnet): "),
        (
            "dns_servers",
            "dns_server",
            "config.yml:8 dns_server: Nauta's guide has no such variable. Did you mean dns_servers?",
        ),
        (
            "ftp_proxy",
            "tfp_proxy",
            "config.yml:4 proxy.tfp_proxy: Nauta's guide has no such variable. Did you mean ftp_proxy?",
        ),
        ("Interfaces", "Interface", "redsocks.Interface: Nauta's guide has no such variable. Did you mean Interfaces?"),
        ("  redsocks: True", "  nfs: True", "features.nfs: Nauta's guide has no such variable. There are: redsocks."),
        ("domain: nauta", "domain:", "config.yml:16 domain: has no value, which the guide forbids."),
        (
            "http://proxy.example.com:911",
            "http://<your proxy address and port>",
            "config.yml:3 proxy.http_proxy: still has the < > of the guide's example.",
        ),
        (
            "http://proxy.example.com:911",
            "http://ana:pw@proxy.example.com:911",
            "config.yml:3 proxy.http_proxy: has a password in it, which every user of a host could read.",
        ),
        (
            "HTTP_PROXY: http://proxy.example.com:911",
            "HTTP_PROXY: http://proxy.example.com:9",
            "config.yml:7 proxy.HTTP_PROXY: differs from http_proxy in line 3",
        ),
        (
            "  - 8.8.4.4",
            "  - 8.8.4.4\n  - 1.1.1.1\n  - 9.9.9.9",
            "config.yml:8 dns_servers: has 4 entries, and resolvers",
        ),
        (
            "    IP: 10.217.247.236\n",
            "",
            "config.yml:32 features.redsocks: is True, and features_config.redsocks lacks IP",
        ),
        ("redsocks: True", "redsocks: maybe", "features.redsocks: is neither True nor False. Write one of them."),
        ("max_size: 100m", "max_size: 5 GB", '.max_size: "5 GB" is no size as Docker writes it.'),
        ("max_file: 3", "max_file: 0", '.max_file: "0" is no number of files. Write 1 or more.'),
        (
            "path: /export/output, ",
            "",
            "output_nfs: needs path and server. Write both, or {} for the NFS server on the",
        ),
        ("domain: nauta", "domain: nauta\ndomain: other", "config.yml:17 domain: is written twice, first in line 16."),
        ("proxy:\n", "proxy: [\n", "config.yml"),
        (
            "apiserver_audit_log_maxage: 8",
            "apiserver_audit_log_maxage: week",
            "config.yml:21 apiserver_audit_log_maxage (here kubernetes.audit.maxAge): ",
        ),
    ],
)
def test_a_wrong_configuration(nauta: Import, old: str, new: str, says: str) -> None:
    nauta.change("config.yml", old, new)
    refused(nauta(), says)
    assert not nauta.site.exists()


def test_all_faults_of_both_files_come_at_once(nauta: Import) -> None:
    nauta.change("inventory", "192.168.100.61", "192.168.100")
    nauta.change("config.yml", "DNS.7", "DNS.6")
    result = nauta()
    refused(result, "is no address")
    assert "is one of Nauta's own names" in result.output


def test_files_in_the_wrong_order(nauta: Import) -> None:
    nauta.words = ("config.yml", "inventory")
    refused(nauta(), "config.yml: has neither [master] nor [worker]. Name the inventory, then the configuration.")


def test_files_that_cannot_be_read(nauta: Import) -> None:
    nauta.words = ("inventory", "missing.yml")
    refused(nauta(), "missing.yml: cannot be read: No such file or directory. Correct the path.")
    nauta.words = (".", "config.yml")
    refused(nauta(), "cannot be read: Is a directory. Correct the path.")
