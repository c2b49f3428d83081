"""The document's cluster as one story: bare hosts, people and jobs, edits, drift, faults, out, destroyed, up again.

PostgreSQL, NFS, Kubernetes and the kubelets are real; Orchestra, pgAdmin, Rancher, GPUs and the device plugin are the
lab's stand-ins. Does not prove: upstream's own scheduler, Rancher itself, NFS of version 4.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.hosts import faults, lab
from lab.hosts.inventory import host as lab_host
from tests.lab import at_work
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, on, until
from tests.parts.orchestra.lab import lps
from tests.parts.runai.lab.appliance import changed

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("rack-1", "rack-2", "rack-3", "rack-4")]

ROWS = 'SELECT name, "CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName" FROM node ORDER BY name'
GPU = "nvidia.com/gpu"
DUMPS = "ls /var/backups/orchestra/*.dump | tail -n 1"


def rows(gpu_slots: int) -> list[str]:
    """All of table node, by name."""
    gpus = {name: lab_host(name).gpus for name in (lps.NODE, lps.CESSY)}
    slots = {lps.NODE: "1|0", lps.CESSY: f"0|{gpu_slots}"}
    most = {lps.NODE: 0, lps.CESSY: gpus[lps.CESSY]}
    return [f"{name}|{slots[name]}|30|{most[name]}|lps" for name in sorted(slots)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with lps.bare(tmp_path_factory.mktemp("lps")) as stack:
        yield stack


@pytest.mark.row("T1", "T2", "T3", "T5")
def test_it_comes_up_on_bare_hosts_and_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.sitectl("preflight").ok()
    stack.up().ok()
    assert lps.sql(ROWS) == rows(1)
    assert lps.opens(stack, "jodafons", lps.FIRST)
    assert not lps.opens(stack, "admin", lps.SECRETS["rancherBootstrap"])
    claims = kubectl("get", "pvc", "--all-namespaces", plane=lps.ZEUS)["items"]
    bound = {each["metadata"]["namespace"] for each in claims if each["status"]["phase"] == "Bound"}
    assert bound == {lps.PROJECT, "jodafons", "mverissi", "pilot"}
    assert on(lps.ZEUS, ["id", "-u", "jodafons"]) == "2001\n"
    stack.works()
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("T1")
def test_the_database_is_reached_by_the_pilots_host_and_nobody_else(stack: Stack) -> None:  # noqa: ARG001 - it is up
    listen = on(lps.STORE, ["sh", "-c", "ss -Hltn '( sport = :5432 or sport = :15432 )' | awk '{ print $4 }' | sort"])
    own = lab_host(lps.STORE).address
    assert listen.split() == [f"{own}:5432", "127.0.0.1:15432", "127.0.0.1:5432"]
    assert {place: lps.reaches(place, 5432) for place in (lps.ZEUS, lps.NODE, lps.CESSY)} == {
        lps.ZEUS: True,
        lps.NODE: False,
        lps.CESSY: False,
    }
    assert not lps.reaches(lps.ZEUS, 15432)
    secured = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert lps.as_pilot(f'psql -XAtc "{secured}"') == "t\n"
    assert "password authentication failed" in lps.as_pilot("env -u PGPASSFILE PGPASSWORD=another psql -c 'SELECT 1'")
    assert "no pg_hba.conf entry" in lps.as_pilot("PGSSLMODE=disable psql -c 'SELECT 1'")


@pytest.mark.row("T4")
def test_the_pilots_jobs_run_as_pods_on_the_machines_that_have_slots(stack: Stack) -> None:
    lps.give_kubeconfig(stack)
    stack.up().ok()
    jobs = {"cpu": lps.submit("cpu"), "gpu": lps.submit("gpu", 2)}
    every = [*jobs["cpu"], *jobs["gpu"]]
    until(lambda: lps.completed(every), what="the jobs' end", limit=600, pause=1)
    pods = {job: lps.pod(job) for job in every}
    assert {job: pod["spec"]["nodeName"] for job, pod in pods.items()} == {
        **dict.fromkeys(jobs["cpu"], lps.NODE),
        **dict.fromkeys(jobs["gpu"], lps.CESSY),
    }
    uuids = on(lps.CESSY, ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]).split()
    for job in jobs["gpu"]:
        [seen, told] = lps.printed(pods[job]["metadata"]["name"], lps.PROJECT, "job")
        assert (seen[:4], told in uuids) == ("GPU ", True), (seen, told)
    first, second = (
        kubectl("get", "job", f"orchestra-{job}", "-n", lps.PROJECT, plane=lps.ZEUS) for job in jobs["gpu"]
    )
    assert first["status"]["completionTime"] <= second["status"]["startTime"], "one slot, one job at a time"


@pytest.mark.row("T6")
def test_a_pod_of_two_containers_has_gpus_in_each_and_the_users_own_folder(stack: Stack) -> None:
    made = lps.files_of(stack, "jodafons")
    for container in made["spec"]["containers"]:
        container["image"] = "registry.k8s.io/nvidia/cuda:13.0.1-base-ubuntu24.04"
        for amounts in container["resources"].values():
            amounts["cpu"] = "100m"  # the machine has two CPUs, and its kubelet keeps some of them
        container["command"] = ["sh", "-c", f"nvidia-smi -L; touch /data/{container['name']}"]
    lps.create(made)

    def ended() -> bool:
        found = kubectl("get", "pod", "gpu-pod", "-n", "jodafons", plane=lps.ZEUS)
        return bool(found["status"]["phase"] in ("Succeeded", "Failed"))

    until(ended, what="the pod's end", limit=300, pause=1)
    names = [each["name"] for each in made["spec"]["containers"]]
    seen = {name: lps.printed("gpu-pod", "jodafons", name) for name in names}
    assert [len(gpus) for gpus in seen.values()] == [1, 1], seen
    assert len({line for gpus in seen.values() for line in gpus}) == 2, "each has a GPU of its own"
    on_share = f"cd {lps.SHARE}/jodafons && stat -c '%n %u' *"
    assert on(lps.STORE, ["sh", "-c", on_share]).splitlines() == [f"{name} 2001" for name in sorted(names)]
    lps.spoil("delete", "pod", "gpu-pod", "-n", "jodafons")


@pytest.mark.row("T3", "T5")
def test_one_edit_each_is_one_change_each(stack: Stack) -> None:
    stack.edit(lambda site: lps.platform(site, "orchestra")["nodes"][lps.CESSY].update(gpu=2))
    assert f"machine={lps.CESSY} cpu=0 gpu=2" in stack.preview("--diff").ok().text

    def change(site: dict[str, Any]) -> None:
        site["users"]["caio"] = {"uid": 2004}
        site["projects"][lps.PROJECT].update(cpu="8", members=["jodafons", "caio", "pilot"])
        lps.platform(site, "rancher")["projects"][lps.PROJECT]["namespace"] = {"gpus": 2}

    stack.edit(change)
    done = changed(stack.up().ok())
    assert lps.sql(ROWS) == rows(2)
    assert lps.opens(stack, "caio", lps.FIRST)
    assert lps.members() >= {"gm-jodafons", "gm-caio", "gm-pilot"}
    assert "gm-mverissi" not in lps.members()
    assert lps.in_rancher("projects", f"p-{lps.PROJECT}", "local")["spec"]["resourceQuota"]["limit"]["limitsCpu"] == "8"
    assert {"rancher-user-caio", f"rancher-{lps.PROJECT}-member-mverissi"} <= done
    assert not {"rancher-release", "rancher-user-jodafons", f"rancher-{lps.PROJECT}-member-jodafons"} & done
    jobs = lps.submit("gpu", 2)
    until(lambda: lps.completed(jobs), what="two jobs at once", limit=300, pause=1)
    first, second = (kubectl("get", "job", f"orchestra-{job}", "-n", lps.PROJECT, plane=lps.ZEUS) for job in jobs)
    assert second["status"]["startTime"] < first["status"]["completionTime"], "two slots, two jobs at a time"


@pytest.mark.row("T3", "T5")
def test_what_was_changed_in_pgadmin_and_in_rancher_is_named_and_mended(stack: Stack) -> None:
    lps.as_pgadmin(f"""UPDATE node SET "GPUJobs" = 4, "queueName" = 'cern' WHERE name = '{lps.CESSY}'""")  # noqa: S608
    limit = json.dumps({"spec": {"resourceQuota": {"limit": {"limitsCpu": "64"}}}})
    project = ("projects.management.cattle.io", f"p-{lps.PROJECT}", "-n", "local")
    lps.spoil("patch", *project, "--type", "merge", "-p", limit)
    lps.spoil("delete", "projectroletemplatebindings.management.cattle.io", "gm-caio", "-n", f"local-p-{lps.PROJECT}")
    named = {each["id"]: json.dumps(each) for each in at_work.failed(stack, "drift", "--record")}
    assert f"object/Project/local/p-{lps.PROJECT}" in named
    assert f"object/ProjectRoleTemplateBinding/local-p-{lps.PROJECT}/gm-caio" in named
    [row] = [text for text in named.values() if "table node" in text]
    assert f"table node has for {lps.CESSY} GPUJobs 4, wants 2; queueName cern, wants lps" in row
    stack.up().ok()
    assert lps.sql(ROWS) == rows(2)
    assert "gm-caio" in lps.members()
    assert lps.in_rancher("projects", f"p-{lps.PROJECT}", "local")["spec"]["resourceQuota"]["limit"]["limitsCpu"] == "8"
    stack.sitectl("drift").ok()


@pytest.mark.row("T1")
def test_the_timer_makes_backups_and_one_puts_lost_rows_back(stack: Stack) -> None:  # noqa: ARG001 - it is up
    before = on(lps.STORE, ["sh", "-c", DUMPS])
    lps.sql("INSERT INTO job (status) VALUES ('kept')")
    until(lambda: on(lps.STORE, ["sh", "-c", DUMPS]) != before, what="the timer's backup", limit=300, pause=2)
    # The backup that began before the row was there may not have it: the next one does.
    newer = on(lps.STORE, ["sh", "-c", DUMPS])
    until(lambda: on(lps.STORE, ["sh", "-c", DUMPS]) != newer, what="the timer's next backup", limit=300, pause=2)
    newest = on(lps.STORE, ["sh", "-c", DUMPS]).strip()
    jobs = lps.sql("SELECT count(*) FROM job")
    lps.as_pgadmin("DELETE FROM job")
    on(lps.STORE, ["orchestra-database", "restore", newest])
    assert lps.sql("SELECT count(*) FROM job") == jobs
    assert lps.sql("SELECT status FROM job WHERE status = 'kept'") == ["kept"]
    [job] = lps.submit("cpu")
    until(lambda: lps.completed([job]), what="a job after the restore", limit=300, pause=1)


@pytest.mark.row("T4")
def test_after_a_power_cut_the_pilot_is_at_work_once_its_database_is(stack: Stack) -> None:
    for place in (lps.ZEUS, lps.STORE):
        faults.power_cut(lab_host(place))
    lab.start(lab_host(lps.ZEUS))
    tried = "systemctl show -p NRestarts --value orchestra-pilot"
    until(lambda: int(on(lps.ZEUS, ["sh", "-c", tried])) > 0, what="the pilot tries, without a database", limit=120)
    failed = {(each["host"], each["id"]) for each in at_work.failed(stack, "verify", lps.ZEUS)}
    assert (lps.ZEUS, "orchestra/pilot") in failed
    lab.start(lab_host(lps.STORE))
    active = "systemctl is-active orchestra-pilot || true"
    until(lambda: on(lps.ZEUS, ["sh", "-c", active]) == "active\n", what="the pilot runs", limit=240, pause=1)
    [job] = lps.submit("gpu")
    until(lambda: lps.completed([job]), what="a job after the restart", limit=600, pause=1)
    assert lps.pod(job)["spec"]["nodeName"] == lps.CESSY
    stack.works()


@pytest.mark.row("T1", "T4", "T5")
def test_out_of_a_site_that_stays_and_up_again_on_the_data(stack: Stack) -> None:
    parked: list[Any] = []
    stack.edit(lambda site: parked.extend(site.pop("platforms")))
    stack.up().ok()
    units = on(lps.ZEUS, ["sh", "-c", "ls /opt /etc/systemd/system | grep -c orchestra || true"])
    assert units == "0\n"
    assert on(lps.STORE, ["sh", "-c", "ls /var/lib/postgresql/15; ss -Hltn 'sport = :5432'"]) == "orchestra\n"
    assert "cattle-system" not in {
        each["metadata"]["name"] for each in kubectl("get", "namespaces", plane=lps.ZEUS)["items"]
    }
    stack.edit(lambda site: site.update(platforms=parked))
    stack.up().ok()
    assert lps.sql("SELECT status FROM job WHERE status = 'kept'") == ["kept"]
    [job] = lps.submit("gpu")
    until(lambda: lps.completed([job]), what="a job", limit=300, pause=1)
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("T1", "T2", "T5")
def test_destroyed_it_comes_up_again_on_its_data(stack: Stack) -> None:
    stack.destroy().ok()
    kept = f"ls /var/lib/postgresql/15; ls {lps.SHARE}/jodafons"
    assert "orchestra\n" in on(lps.STORE, ["sh", "-c", kept])
    assert "cuda-container" in on(lps.STORE, ["sh", "-c", kept])
    # The new cluster has other authorities: the pilot's former kubeconfig opens nothing there.
    stack.edit(lambda site: lps.platform(site, "orchestra").pop("kubeconfigSecret"))
    stack.up().ok()
    lps.give_kubeconfig(stack)
    stack.up().ok()
    assert lps.sql("SELECT status FROM job WHERE status = 'kept'") == ["kept"]
    [job] = lps.submit("gpu")
    until(lambda: lps.completed([job]), what="a job of the new cluster", limit=600, pause=1)
    stack.works()
