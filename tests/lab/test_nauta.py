"""Nauta's guide from its two files to its troubles: the site that `sitectl import nauta` makes of them, at work.

Four bare hosts, workers reached through the master only. Real: Kubernetes, MetalLB, Prometheus, Samba, redsocks,
NFS-Ganesha, the registry, VictoriaLogs. Does not prove: Headlamp, HAProxy's controller and csi-driver-nfs, for which
the lab has stand-ins; VictoriaLogs' charts; Red Hat's systems; flannel, in whose place the lab has routes.
On 2026-12-01 the tests up to the administrators' configurations passed, two of them after a mend and a second try on a
busy machine. Those after them have not run to their end.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lab.hosts import faults
from lab.hosts.inventory import GATEWAY, LabError
from lab.hosts.inventory import host as lab_host
from lab.parts.dashboard import stand_in
from lab.parts.logs import real
from tests.lab import at_work, nauta, nauta_site
from tests.lab.nauta import OUTSIDE, Lab, administer, kubectl
from tests.lab.nauta_site import DOMAIN, MASTER, NAMES, PASSWORD, PLACES, PROXIES, SERVICES, SHARE, WORKERS
from tests.lab.stack import Stack, on, until
from tests.scripts.net_peers import reaches

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("rack-1", "rack-2", "rack-3", "rack-4")]

HOSTS = (MASTER, *WORKERS)
SHARES = {"ben": "ben's own", "ana": "for ana+only"}
"""Passwords."""
KEPT = [f"{SHARE}/input/ana/data", f"{SHARE}/output/ana/result"]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with nauta.begun(tmp_path_factory.mktemp("nauta")) as found:
        yield found


@pytest.fixture(scope="module")
def stack(at: Lab) -> Stack:
    return at.stack


@pytest.mark.row("N1", "N4", "X12")
def test_the_guides_files_become_a_site_and_no_file_has_the_password(stack: Stack) -> None:
    files = [str(stack.folder / name) for name in ("inventory", "config.yml")]
    refused = stack.sitectl("import", "nauta", *files, "--os", "debian-12")
    assert (refused.status, "repeat with --as-printed" in refused.text) == (2, True)
    said = stack.sitectl("import", "nauta", *files, "--os", "debian-12", "--as-printed").ok()
    assert PASSWORD not in said.text + stack.file.read_text()
    stack.run("pulumi", "-C", str(stack.folder), "stack", "init", stack.name).ok()
    stack.tell("sshPassword", PASSWORD)  # pulumi config set --secret reads it from stdin
    assert PASSWORD not in stack.file.read_text()
    stack.edit(lambda site: site.update(knownHosts=str(stack.folder / "known_hosts.nauta")))
    assert not reaches(lab_host(PLACES[WORKERS[0]]).address, 22)
    stack.sitectl("scan", "--yes")  # those behind the master answer when its key is known
    stack.sitectl("scan", "--yes").ok()
    stack.edit(nauta_site.emulated)
    stack.sitectl("preflight").ok()


@pytest.mark.row("N1", "N2", "N4")
def test_the_platform_comes_up_alone_through_the_master(stack: Stack) -> None:
    stack.up().ok()
    assert nauta.ready() == {*HOSTS}
    assert kubectl("get", "service", "kubernetes")["spec"]["clusterIP"].startswith("10.4.")
    pods = kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns")["items"]
    assert {pod["status"]["podIP"].rsplit(".", 2)[0] for pod in pods} == {"10.3"}
    names = on(PLACES[MASTER], ["openssl", "x509", "-in", "/etc/kubernetes/pki/apiserver.crt", "-noout", "-text"])
    assert names.count("DNS:mycluster") == 2
    server = on(PLACES[MASTER], ["cat", "/etc/kubernetes/manifests/kube-apiserver.yaml"])
    assert all(limit in server for limit in ("log-maxage=7", "log-maxbackup=10", "log-maxsize=1024"))
    stack.works()
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("N3")
def test_names_proxies_and_the_socks_server_are_used_on_hosts_and_in_pods(at: Lab) -> None:
    address = lab_host(PLACES[WORKERS[1]]).address
    for place in PLACES.values():
        assert on(place, ["getent", "hosts", f"worker-1.{DOMAIN}"]).split()[0] == address
        assert f'Acquire::http::Proxy "{PROXIES[0]}' in on(place, ["apt-config", "dump"])
        assert PROXIES[0] in on(place, ["systemctl", "show", "containerd", "-p", "Environment"])
    fetched(PLACES[MASTER])
    assert [OUTSIDE in seen for seen in at.seen] == [True, False]
    asked = f"nslookup worker-1.{DOMAIN}; nslookup kubernetes.default.svc.{SERVICES}"
    said = nauta.ran(nauta.pod("default", "names", f"{asked}; sleep 3 | nc -w 9 203.0.113.8 80", volumes=[]))
    found = {line.strip() for line in said.splitlines()}
    assert {f"Address: {address}", "Address: 10.4.0.1", "203.0.113.8:80"} <= found, said
    ask = "exec 3<>/dev/tcp/203.0.113.7/443; timeout 9 head -n 1 <&3"
    assert on(PLACES[WORKERS[0]], ["bash", "-c", ask]) == "203.0.113.7:443\n"
    assert {"203.0.113.8:80", "203.0.113.7:443"} <= {*at.sent}


def fetched(place: str) -> None:
    """The host's apt asks for a file of the world outside."""
    on(place, ["/usr/lib/apt/apt-helper", "download-file", OUTSIDE, "/root/outside"])


@pytest.mark.row("N2", "N3")
def test_nautas_services_are_added_to_it_by_one_edit(stack: Stack) -> None:
    real.publish()
    stand_in.publish()
    nauta.certified(stack)
    for name in ("registryPassword", "logsPassword"):
        stack.tell(name, f"a-{name}-of-the-lab")
    stack.tell("benShares", SHARES["ben"])
    stack.edit(nauta_site.services(stack.folder))
    stack.up().ok()
    stack.works()
    stack.up("--expect-no-changes").ok()
    assert nauta.page("dashboard").startswith("200 Stand-in of Headlamp")
    assert "putting file" in nauta.samba("ben", SHARES["ben"], "input", "put /etc/hostname data")
    administer("run teller --restart=Never --image=registry.k8s.io/busybox:1.36 -- echo a line of the teller")
    query = f"/select/logsql/query?query={quote('teller AND line')}"
    login = "logs:a-logsPassword-of-the-lab"
    until(lambda: "a line of the teller" in nauta.page("logs", query, login), what="the line in the store", pause=2)
    assert nauta.page("logs", query, "logs:wrong").startswith("401 ")


@pytest.mark.row("N3", "N6")
def test_a_user_comes_by_command_works_and_is_listed(stack: Stack) -> None:
    words = ["--uid", "20001", "--own-project", "--share", "input", "--share", "output"]
    said = stack.sitectl("user", "add", "ana", *words, "--yes").ok()
    assert "pulumi config set --secret anaShares" in said.text
    stack.tell("anaShares", SHARES["ana"])
    stack.edit(lambda site: site["storage"]["volumes"].update(nauta_site.volumes_of("ana")))
    stack.up().ok()
    assert "putting file" in nauta.samba("ana", SHARES["ana"], "input", "put /etc/hostname data")
    assert "NT_STATUS_LOGON_FAILURE" in nauta.samba("ana", "wrong", "input", "ls")
    work = "cat /mnt/input/ana/data; echo no >/mnt/input/ana/more; echo done >/mnt/output/ana/result"
    printed = nauta.ran(nauta.pod("ana", "job", f"({work}) 2>&1", user=20001))
    assert printed.startswith(f"{MASTER}\n")
    assert "Read-only file system" in printed
    assert "getting file" in nauta.samba("ana", SHARES["ana"], "output", "get result /dev/null")
    config = at_work.kubeconfig(stack, "ana")
    assert [at_work.may(config, "create", "pods", each) for each in ("ana", "default")] == [True, False]
    users = json.loads(stack.sitectl("user", "list", "-o", "json").ok().out)["users"]
    [row] = [each for each in users if each["name"] == "ana"]
    assert row["projects"] == "ana (edit)"
    assert row["created"] <= row["last job"] != "-"


@pytest.mark.row("N5")
def test_each_administrator_has_a_config_of_its_own(stack: Stack) -> None:
    for name in ("platform-admin", "nauta-admin"):
        file: Path = stack.folder / f"{name}.config"
        stack.sitectl("kubeconfig", "--as", name, "--to", str(file)).ok()
        assert file.stat().st_mode & 0o777 == 0o600
        assert at_work.may(file, "delete", "nodes", "default")


@pytest.mark.row("N4", "N6")
def test_one_edit_each_for_name_servers_proxies_and_a_quota(at: Lab) -> None:
    at.stack.edit(lambda site: site["dns"]["servers"].__setitem__(1, NAMES[2]))
    at.stack.up().ok()
    for place in PLACES.values():
        assert on(place, ["grep", "-c", f"nameserver {NAMES[2]}", "/etc/resolv.conf"]) == "1\n"
    at.stack.edit(lambda site: site["proxy"].update(dict.fromkeys(("http", "https", "ftp"), PROXIES[1])))
    at.stack.up().ok()
    fetched(PLACES[WORKERS[0]])
    assert OUTSIDE in at.seen[1]
    at.stack.edit(lambda site: site["projects"]["ana"].update(pods=1))
    at.stack.up().ok()
    nauta.apply(nauta.pod("ana", "one", "sleep 600", user=20001))
    with pytest.raises(LabError, match="exceeded quota: project"):
        nauta.apply(nauta.pod("ana", "two", "sleep 600", user=20001))
    at.stack.edit(lambda site: site["projects"]["ana"].pop("pods"))
    at.stack.up().ok()
    administer("-n ana delete pod one --grace-period=1")
    at.stack.works()


@pytest.mark.row("N8", "M3")
def test_a_dead_recursor_is_named_with_who_waits_for_it(stack: Stack) -> None:
    nauta.silent(NAMES[0])
    try:
        found = nauta.checks(stack)["name-servers"]
    finally:
        nauta.listens(NAMES[0])
    assert {each["host"] for each in found} == {*HOSTS}
    assert {each["status"] for each in found} == {"failed"}
    assert all(f"gets no answer from name server {NAMES[0]}." in each["saw"] for each in found)
    assert any("Pods of CoreDNS here wait for it, too." in each["saw"] for each in found)
    assert "dns.servers, then pulumi up" in found[0]["fix"]
    stack.works()


@pytest.mark.row("N8", "M3")
def test_an_evicted_pod_and_a_job_that_does_not_end_are_named(stack: Stack) -> None:
    small = [{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]
    greedy = nauta.pod("ana", "greedy", "dd if=/dev/zero of=/scratch/file bs=1M count=9; sleep 600", volumes=small)
    greedy["spec"]["containers"][0]["volumeMounts"] = [{"name": "scratch", "mountPath": "/scratch"}]
    nauta.apply(greedy)
    lasting = nauta.pod("ana", "experiment", "true", volumes=[])
    [main] = lasting["spec"]["containers"]
    lasting["spec"]["containers"].append({**main, "name": "sidecar", "command": ["sleep", "600"]})
    nauta.apply(lasting)
    until(lambda: kubectl("-n", "ana", "get", "pod", "greedy")["status"].get("reason") == "Evicted", what="eviction")
    found = nauta.checks(stack)
    [evicted], [done] = found["pods-evicted"], found["jobs-done"]
    assert "1 pod is evicted, ana/greedy: " in evicted["saw"]
    assert "scratch" in evicted["saw"]
    assert "ana/experiment: main ended, sidecar runs on" in done["saw"]
    assert "kubectl -n ana describe pod greedy" in evicted["fix"]
    assert "kubectl -n ana delete pod experiment" in done["fix"]
    administer("-n ana delete pod greedy experiment --grace-period=1")
    assert not {"pods-evicted", "jobs-done"} & nauta.checks(stack).keys()


@pytest.mark.row("N8", "C3")
def test_the_space_of_deleted_images_comes_free(stack: Stack) -> None:
    folder = "/etc/gpu-metal-registry"
    to = f"--dest-cert-dir {folder}/client --dest-authfile {folder}/auth.json"
    source = f"docker://{GATEWAY}:5000/victoriametrics/victoria-logs:{real.TAG}"
    push = f"skopeo copy -q --src-tls-verify=false {to} {source} docker://$(cat {folder}/address)/jobs/train"
    on(PLACES[MASTER], ["bash", "-c", f"{push}:1 && {push}:2"], limit=180)
    assert {"jobs/train:1", "jobs/train:2"} <= {*stack.sitectl("registry", "list", "-o", "name").ok().out.split()}
    assert images_take() > 5000
    stack.sitectl("registry", "clean", "jobs/train:1", "--yes").ok()
    assert images_take() > 5000  # the other tag has the same layers
    stack.sitectl("registry", "clean", "jobs/*", "--yes").ok()
    assert images_take() < 1000
    stack.works()


def images_take() -> int:
    """KiB."""
    return int(on(PLACES[MASTER], ["du", "-sk", "/var/lib/gpu-metal-registry"]).split()[0])


@pytest.mark.row("N8", "M3")
def test_pods_that_cannot_end_on_a_dead_node_go_with_the_node(stack: Stack) -> None:
    nauta.apply(nauta.pod("ana", "stuck", "sleep 6000", volumes=[], nodeName=WORKERS[2]))
    until(lambda: nauta.phase("stuck", "ana") == "Running", what="the pod runs", limit=120)
    faults.power_cut(lab_host(PLACES[WORKERS[2]]))
    until(lambda: WORKERS[2] not in nauta.ready(), what="the node is not Ready", limit=180, pause=2)
    administer("-n ana delete pod stuck --wait=false")
    until(lambda: "pods-terminating" in nauta.checks(stack), what="verify names it", limit=300, pause=10)
    [found] = nauta.checks(stack)["pods-terminating"]
    assert (found["host"], found["status"]) == (WORKERS[2], "failed")
    assert f"hosts.{WORKERS[2]}.state: gone in the site, then pulumi up" in found["fix"]
    stack.edit(lambda site: site["hosts"][WORKERS[2]].update(state="gone"))
    stack.up().ok()
    until(lambda: "stuck" not in nauta.named("pods", "ana"), what="the pod is gone")
    stack.works()


@pytest.mark.row("N6")
def test_a_user_leaves_the_data_stays_and_the_name_is_free_after_its_end(stack: Stack) -> None:
    def without_volumes(site: dict[str, Any]) -> None:
        for name in nauta_site.volumes_of("ana"):
            del site["storage"]["volumes"][name]

    stack.edit(without_volumes)
    stack.sitectl("user", "remove", "ana", "--yes").ok()
    stack.sitectl("project", "remove", "ana", "--yes").ok()
    administer("-n ana delete pod job names --ignore-not-found --grace-period=1")  # a claim in use does not end
    stack.up().ok()
    assert "NT_STATUS_LOGON_FAILURE" in nauta.samba("ana", SHARES["ana"], "input", "ls")
    assert "ana" in nauta.named("namespaces")
    on(PLACES[MASTER], ["ls", *KEPT])
    metadata = {"name": "held", "namespace": "ana", "finalizers": ["example.com/held"]}
    nauta.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    administer("delete namespace ana --wait=false")
    stack.sitectl("user", "add", "ana", "--uid", "20001", "--own-project", "--yes").ok()
    refused = stack.up()
    assert (refused.status != 0, "ana was deleted and still ends: " in refused.text) == (True, True), refused.text
    administer("""-n ana patch configmap held --type=merge -p '{"metadata": {"finalizers": null}}'""")
    until(lambda: "ana" not in nauta.named("namespaces"), what="the end of the namespace")
    stack.up().ok()
    stack.sitectl("user", "remove", "ana", "--yes").ok()
    stack.sitectl("project", "remove", "ana", "--yes").ok()
    stack.up().ok()
    stack.sitectl("project", "purge", "ana", "--yes").ok()
    stack.sitectl("user", "purge", "ana", "--yes", "--data").ok()
    assert "ana" not in nauta.named("namespaces")
    on(PLACES[MASTER], ["ls", *KEPT])  # both folders are spared


@pytest.mark.row("N2", "N3")
def test_services_leave_the_site_and_all_comes_again_on_its_data(stack: Stack) -> None:
    services = ("logs", "dashboard", "monitoring", "registry")
    taken: dict[str, Any] = {}
    stack.edit(lambda site: taken.update({name: site.pop(name) for name in services}))
    stack.up().ok()
    assert not {"logs", "logs-collector", "headlamp", "monitoring"} & nauta.named("namespaces")
    stack.works()
    stack.destroy().ok()
    assert on(PLACES[MASTER], ["bash", "-c", f"ls {SHARE} 2>/dev/null || true"]) == ""  # its disk is unmounted
    stack.edit(lambda site: site.update(taken))
    stack.up().ok()
    stack.works()
    on(PLACES[MASTER], ["ls", *KEPT])
    assert "getting file" in nauta.samba("ben", SHARES["ben"], "input", "get data /dev/null")
    stack.up("--expect-no-changes").ok()
