"""sitectl import nauta: the inventory and the configuration of Nauta's guide become a site that plans.

Does not prove: that hosts of such a site come up; that is for the lab's stories of what the site has.
"""

from pathlib import Path

import pytest
import yaml

from ops.importing import nauta_config
from ops.importing.nauta_hosts import DISK, REQUIRED
from ops.rows import ROOT
from tests.unit.importing import NAUTA, Import, imported, refused

PASSWORD = "Hun2#er"


@pytest.fixture
def nauta(tmp_path: Path) -> Import:
    return imported(tmp_path, *NAUTA)


@pytest.mark.row("N1", "N4")
def test_each_variable_of_the_guide_keeps_its_meaning(nauta: Import) -> None:
    result = nauta("--os", "rocky-9")
    assert result.exit_code == 0, result.output
    assert nauta.written() == nauta.expected


def test_what_is_not_written_has_the_guides_default(nauta: Import) -> None:
    nauta.files["config.yml"] = "# nothing\n"
    result = nauta()
    assert result.exit_code == 0, result.output
    site = nauta.written()
    assert (site["domain"], site["kubernetes"]["clusterDomain"]) == ("infra.nauta", "kubernetes.nauta")
    assert site["network"] == {"podSubnet": "10.3.0.0/16", "serviceSubnet": "10.4.0.0/16", "pods": {"kind": "flannel"}}
    assert site["kubernetes"]["audit"] == {"policy": "Metadata", "maxAge": 7, "maxBackups": 10, "maxSizeMb": 1024}
    assert {"proxy", "dns", "socks", "os"} & site.keys() == set()
    assert site["storage"]["volumes"].keys() == {"input", "output"}
    assert "the guide's default  apiserver_audit_log_maxage" in result.output


def test_one_log_file_becomes_two_halves(nauta: Import) -> None:
    """A kubelet refuses containerLogMaxFiles below 2, and Nauta's default is one file of 5g."""
    nauta.drop("config.yml", "docker_log_driver_settings:\n  max_size: 100m\n  max_file: 3\n")
    result = nauta()
    kubelet = {"containerLogMaxSize": "2560Mi", "containerLogMaxFiles": 2}
    assert nauta.written()["kubernetes"]["kubelet"] == kubelet
    assert "! docker_log_driver_settings, one file of 5g for each container: a kubelet keeps two" in result.output


@pytest.mark.row("X12")
def test_the_site_plans(nauta: Import) -> None:
    nauta()
    assert nauta.layers("worker-0")["node"][-3:] == ["cluster_member", "coredns_servers", "service_names"]
    master = nauta.layers("master-0")
    assert "disk_mount#srv:nauta" in master["base"]
    assert {"socks", "proxy", "dns"} <= set(master["base"])
    assert list(master) == ["base", "engine", "storage", "storage-client", "node"]
    plan = nauta.plan()
    names = {one.name for one in plan.resources.values()}
    assert names >= {f"{host}-{layer}" for host in nauta.loaded().hosts for layer in ("base", "engine", "node")}
    connection = plan.one("worker-1-base").inputs["connection"]
    assert connection["proxy"]["host"] == "192.168.100.60"


@pytest.mark.row("N3")
def test_the_lines_for_nautas_own_services_are_good_when_they_are_added(nauta: Import) -> None:
    said = yaml.safe_load(nauta("-o", "yaml").stdout)["remarks"]
    [logs] = [each.split("add ")[1].split(" (docs")[0] for each in said if "Elasticsearch" in each]
    [shares] = [each.split("and samba: ")[1].split(" (docs")[0] for each in said if "Samba shares" in each]
    assert "hosts.master-0.frontEnd: true" in next(each for each in said if "Samba shares" in each)
    # The output folder is on a server of others, in this configuration.
    assert "input: {path: /srv/nauta/input, homes: true}" in shares
    assert "output" not in shares
    text = nauta.site.read_text().replace("master-0:", "master-0:\n        frontEnd: true", 1)
    samba = shares.replace("NAME", "ana").replace("nameShares", "anaShares")
    nauta.site.write_text(f"{text}\n    users: {{ana: {{uid: 20001}}}}\n    {logs}\n    samba: {samba}\n")
    assert "samba" in nauta.layers("master-0")
    assert {"logs-store", "logs-collector"} <= {one.name for one in nauta.plan().resources.values()}


@pytest.mark.row("N7")
def test_hosts_are_judged_before_anything_is_installed(nauta: Import) -> None:
    """The guide lists packages and repositories of Red Hat 7.5, which no Kubernetes of today runs on."""
    assert "which no Kubernetes of today runs on. Install a newer system" in nauta("--os", "rocky-9").output
    asked = nauta.preflight("worker-0")
    assert {"os", "architecture", "cgroup", "package_manager"} <= asked
    nauta.site.unlink()
    refused(nauta("--os", "rhel-7"), "rhel-7")


def test_no_password_is_shown_or_written(nauta: Import) -> None:
    result = nauta()
    everything = result.output + nauta.site.read_text()
    assert PASSWORD not in everything
    assert "Next:\n  pulumi stack init lab\n" in result.output
    command = "pulumi config set --secret sshPassword --stack lab   # it asks for the password of the login on master-0"
    assert command in result.output
    data = yaml.safe_load(nauta_again(nauta, "-o", "yaml"))
    assert data["secrets"] == {"sshPassword": "password of the login on master-0, worker-0, worker-1"}
    nauta.change("inventory", "ansible_ssh_pass=", "ansible_ssh_pass= ")
    nauta.site.unlink()
    result = nauta()
    refused(result, 'inventory:2: master-0: there is a blank after "ansible_ssh_pass="')
    assert PASSWORD not in result.output


def nauta_again(nauta: Import, *words: str) -> str:
    nauta.site.unlink()
    return nauta(*words).stdout


def test_a_key_file_is_named_and_the_password_left_out(nauta: Import) -> None:
    nauta.files["inventory"] = nauta.files["inventory"].replace(
        "ansible_ssh_user", "ansible_ssh_private_key_file=~/.ssh/id ansible_ssh_user"
    )
    result = nauta()
    assert result.exit_code == 0, result.output
    assert nauta.written()["ssh"] == {"user": "root", "keyFile": "~/.ssh/id"}
    assert "reached by the key file, and a site has one of both." in nauta.site.read_text()
    assert "config set" not in result.output


def test_ports_and_a_mount_point(nauta: Import) -> None:
    nauta.change("inventory", "local_data_device=/dev/sdb1", "local_data_device=/dev/sdb1 local_data_path=/data")
    nauta.change("inventory", "worker-1 ", "worker-1 ansible_ssh_port=2222 ")
    nauta.change("inventory", "master-0 ", "master-0 ansible_ssh_port=2200 ")
    nauta()
    site = nauta.written()
    assert site["groups"]["worker"]["ssh"]["bastion"]["port"] == site["hosts"]["master-0"]["ssh"]["port"] == 2200
    assert site["hosts"]["worker-1"]["ssh"] == {"port": 2222}
    assert (site["hosts"]["master-0"]["disks"][0]["mount"], site["storage"]["nfs"]["path"]) == ("/data", "/data")


def test_workers_that_are_reached_without_the_master(nauta: Import) -> None:
    nauta.change("inventory", f"192.168.100.55 ansible_ssh_user=root ansible_ssh_pass='{PASSWORD}'",
                 "192.168.100.55 ansible_ssh_user=root ansible_ssh_pass=another")  # fmt: skip
    refused(nauta(), "inventory:6 worker-1: has another key or password than the master, through which it is reached")
    result = nauta("--direct")
    assert result.exit_code == 0, result.output
    site = nauta.written()
    assert "groups" not in site
    assert site["hosts"]["worker-1"]["ssh"] == {"passwordSecret": "sshPassword2"}
    assert site["hosts"]["worker-0"]["ssh"] == {"passwordSecret": "sshPassword"}


def test_rows_as_the_guide_prints_them(nauta: Import) -> None:
    printed = nauta.files["inventory"].replace("ansible_ssh_host=192.168.100.6", "ansible_ssh_host= 192.168.100.6")
    nauta.files["inventory"] = printed.replace(" internal_interface", "\ninternal_interface")
    result = nauta()
    refused(result, "inventory:3: begins with internal_interface=, not with the name of a host")
    assert 'inventory:2: master-0: there is a blank after "ansible_ssh_host=", as the guide prints it' in result.output
    assert "repeat with --as-printed" in result.output
    assert nauta("--as-printed").exit_code == 0
    assert nauta.loaded().hosts["worker-0"].interfaces.external == "em1"
    assert str(nauta.loaded().hosts["worker-0"].address) == "192.168.100.61"


def test_a_single_machine_is_in_both_sections(nauta: Import) -> None:
    nauta.files["inventory"] = nauta.files["inventory"].partition("worker-0")[0] + "master-0\n"
    result = nauta()
    assert result.exit_code == 0, result.output
    assert nauta.written()["hosts"]["master-0"]["roles"] == ["control-plane", "worker"]


def test_a_site_that_is_there_stays(nauta: Import) -> None:
    nauta.site.write_text("mine\n")
    result = nauta()
    assert (result.exit_code, nauta.site.read_text()) == (2, "mine\n")
    assert "is there already, and is never overwritten. Fix: repeat with -s and another name" in result.output


def test_lines_that_pulumi_has_written_are_kept(nauta: Import) -> None:
    nauta.site.write_text("encryptionsalt: v1:abc=:v1:def\n")
    result = nauta()
    assert result.exit_code == 0
    assert "pulumi stack init" not in result.output
    assert yaml.safe_load(nauta.site.read_text())["encryptionsalt"] == "v1:abc=:v1:def"


def test_search_domains_without_servers_are_left_out(nauta: Import) -> None:
    nauta.drop("config.yml", "dns_servers:\n  - 8.8.8.8\n  - 8.8.4.4\n")
    result = nauta()
    assert result.exit_code == 0, result.output
    assert "dns" not in nauta.written()
    assert "    # config.yml:8 dns_search_domains: dns.search goes with dns.servers" in nauta.site.read_text()


def test_the_page_names_every_variable() -> None:
    page = (ROOT / "docs/how-to/import.md").read_text()
    inventory = [*REQUIRED[2:], *DISK, "data_interface", *(f"ansible_ssh_{name}" for name in ("host", "user", "pass"))]
    assert [name for name in (*nauta_config.KNOWN, *inventory) if f"`{name}" not in page] == []
