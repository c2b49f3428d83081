"""Slurm by its steps on an emulated host that is controller and node, with GPUs: real daemons run real jobs.

The GPUs' device files have no driver behind them. Not proven here: more nodes than one (../lab/test_story.py),
Slurm of the RHEL family, Shifter's own plugin.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.hostrun.step import Step
from components.platforms.shifter import munge, slurm
from components.platforms.shifter.config import Shifter
from lab.hosts import gpus
from tests.parts.shifter.scripts.site import LEFT, OTHER_KEY, SECRETS, shifter, site
from tests.scripts.lab_host import LabHost, differences

pytestmark = [pytest.mark.lab, pytest.mark.row("F6")]

GPUS = {"gpu": {"model": "A100-SXM4-80GB", "count": 2}}
SEES = "'echo $CUDA_VISIBLE_DEVICES; for i in 0 1; do head -c0 /dev/nvidia$i 2>&1; done; true'"


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    gpus.fit(spare.machine, "2 dgx-a100", "580.95.05")
    return spare.snapshot()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001
    spare.install()
    made(spare)
    yield spare
    spare.gpu_metal("remove")


def config(host: LabHost, runtimes: str = "another", **more: Any) -> Shifter:
    """The host is the controller and a node, and no runtime unless it is said to be."""
    name = host.machine.name
    base = {
        "controller": name,
        "partitions": {"gpu": {"hosts": [name]}},
        "nodes": {name: {"cpus": 2, "memoryMb": 1000}},
    }
    return shifter(name, runtimes=[runtimes], slurm={**base, **more})


def wanted(host: LabHost, said: Shifter) -> list[Step]:
    hosts = site(host.machine, **GPUS)
    own = hosts[host.machine.name]
    return [*munge.steps(said, own, hosts), *slurm.steps(said, own, hosts), *slurm.last(said, hosts)]


def made(host: LabHost, said: Shifter | None = None, secrets: Mapping[str, str] = SECRETS) -> dict[str, str]:
    """`changed` or `unchanged` for each step."""
    return host.apply("shifter", wanted(host, said or config(host)), secrets)


def changed(steps: Mapping[str, str]) -> set[str]:
    return {step for step, what in steps.items() if what == "changed"}


def job(host: LabHost, command: str = "sleep 600") -> str:
    """Its number, once it runs."""
    number = host.bash(f"cd /tmp && sbatch --parsable -o /dev/null --wrap '{command}'").strip()
    for _ in range(600):
        if host.bash(f"squeue -h -j {number} -o %T") == "RUNNING\n":
            return number
        time.sleep(0.2)
    raise AssertionError(host.bash("squeue; sinfo -R"))


@pytest.fixture
def running(host: LabHost) -> Iterator[str]:
    number = job(host)
    yield number
    host.bash(
        f'scancel {number}; while [ -n "$(squeue -h)" ]; do sleep 0.2; done; while pgrep slurmstepd; do sleep 0.2; done'
    )


def test_a_job_gets_the_gpus_that_it_asked_for_and_no_other(host: LabHost) -> None:
    assert set(made(host).values()) == {"unchanged"}
    assert host.check() == {}
    assert host.bash(f"srun --gres=gpu:1 bash -c {SEES}").splitlines() == [
        "0",
        "head: cannot open '/dev/nvidia0' for reading: No such device or address",
        "head: cannot open '/dev/nvidia1' for reading: Operation not permitted",
    ]
    assert host.bash("srun --gres=gpu:a100-sxm4-80gb:2 bash -c 'echo $CUDA_VISIBLE_DEVICES'") == "0,1\n"
    assert "Requested node configuration is not available" in host.bash("srun --gres=gpu:3 true 2>&1 || true")


@pytest.mark.row("F4")
def test_a_new_key_of_munge_ends_no_job(host: LabHost, running: str) -> None:
    daemons = "systemctl show -p MainPID slurmctld slurmd"
    seen = host.bash(daemons)
    assert changed(made(host, secrets={"munge": OTHER_KEY})) == {"munge_key", "munge"}
    assert host.bash(daemons) == seen
    assert host.bash(f"squeue -h -j {running} -o %T") == "RUNNING\n"
    assert host.bash("srun -n1 echo yes") == "yes\n"
    made(host)


def test_only_changed_settings_restart_daemons_and_no_job_ends(host: LabHost, running: str) -> None:
    daemons = "systemctl show -p MainPID slurmctld slurmd"
    seen = host.bash(daemons)
    assert changed(made(host, config(host, settings={"messagetimeout": "30"}))) == {
        "slurm_conf",
        "slurm_controller",
        "slurm_node",
    }
    assert host.bash(daemons) != seen
    assert "MessageTimeout          = 30 sec" in host.bash("scontrol show config")
    assert host.bash(f"squeue -h -j {running} -o %T") == "RUNNING\n"
    made(host)


def test_drift_is_seen_and_mended(host: LabHost) -> None:
    folder = "/etc/slurm"
    for round_ in (
        (
            (f"echo >>{folder}/slurm.conf", "slurm_conf", f"{folder}/slurm.conf is not what the site says"),
            ("systemctl stop slurmctld", "slurm_controller", "slurmctld does not run. Fix: journalctl -u slurmctld -n"),
            ("systemctl stop slurmd", "slurm_node", "slurmd does not run. Fix: journalctl -u slurmd -n 20 says why"),
        ),
        (
            (f"rm {folder}/gres.conf", "slurm_conf", f"{folder}/gres.conf is not what the site says"),
            ("echo due >/var/lib/gpu-metal/slurmctld-due", "slurm_controller", "slurmctld runs with older settings"),
            ("systemctl disable -q --no-reload slurmd", "slurm_node", "slurmd is not enabled"),
        ),
        (("echo due >/var/lib/gpu-metal/slurmd-due", "slurm_node", "slurmd runs with older settings"),),
        (("rm /etc/systemd/system/slurmd.service.d/gpu-metal.conf", "slurm_node", "is not what slurmd needs here"),),
    ):
        host.bash("; ".join(harm for harm, _, _ in round_))
        seen = host.check()
        for harm, step, says in round_:
            assert says in seen[step][1], harm
        made(host)
    assert host.check() == {}


def test_nodes_that_take_no_jobs_are_said_unless_people_drained_them(host: LabHost) -> None:
    name = host.machine.name
    host.bash(f"scontrol update nodename={name} state=drain reason=memory")
    assert host.check() == {}
    host.bash(f"scontrol update nodename={name} state=resume")
    host.bash(f"systemctl stop slurmd; scontrol update nodename={name} state=down reason=lost")
    says = host.check()["slurm_nodes"][1]
    assert says.startswith(
        f"Slurm takes no jobs on 1 of 1 nodes: {name} is down (lost). Fix: there, journalctl -u slurmd"
    )
    made(host)
    assert host.check() == {}


def test_a_node_that_slurmd_drained_is_said(host: LabHost) -> None:
    name = host.machine.name
    # A node that has not yet answered a slurmctld that was started anew is "drained*".
    rests = 'until [ "$(sinfo -h -o %T)" = idle ]; do sleep 0.2; done'
    host.bash(f"timeout 120 bash -c '{rests}'")
    host.bash(f"scontrol update nodename={name} state=drain reason='Kill task failed'")
    assert f"{name} is drained (Kill task failed)" in host.check()["slurm_nodes"][1]
    host.bash(f"scontrol update nodename={name} state=resume; timeout 120 bash -c '{rests}'")
    assert host.check() == {}


def refused(host: LabHost, said: Shifter) -> str:
    done = host.run("shifter", wanted(host, said), SECRETS)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_what_would_end_a_queue_is_refused(host: LabHost) -> None:
    waits = host.bash("cd /tmp && sbatch --parsable --begin=now+1hour -o /dev/null --wrap true").strip()
    renamed = config(host, partitions={"big": {"hosts": [host.machine.name]}})
    says = f"the site no longer has the partition gpu, and its jobs would fail: {waits}. Nothing was changed."
    assert says in refused(host, renamed)
    moved = config(host, settings={"StateSaveLocation": "/var/lib/slurm/other"})
    assert f"with another StateSaveLocation Slurm would forget its queue: {waits}." in refused(host, moved)
    other = config(host).model_copy(update={"system": "daint"})
    assert f"with another ClusterName Slurm would forget its queue: {waits}." in refused(host, other)
    host.bash("systemctl stop slurmctld")
    assert "slurmctld does not answer whether they have jobs. Nothing was changed." in refused(host, renamed)
    says = "slurmctld does not run, and nobody knows whether its queue has jobs. Nothing was removed."
    assert says in host.gpu_metal("undo shifter").stderr
    made(host)
    assert host.bash(f"squeue -h -j {waits} -o %T; scancel {waits}") == "PENDING\n"


def test_without_jobs_a_partition_may_have_another_name(host: LabHost) -> None:
    steps = made(host, config(host, partitions={"big": {"hosts": [host.machine.name]}}))
    assert changed(steps) == {"slurm_conf", "slurm_controller", "slurm_node"}
    assert host.bash("sinfo -h -o %R") == "big\n"
    other = config(host).model_copy(update={"system": "daint"})
    state = "/var/lib/slurm/slurmctld"
    assert (
        f"Fix: the cluster's name is the site's system: write the former one; or, to change it for good, rm {state}"
        in refused(host, other)
    )
    made(host)


def test_a_node_with_jobs_is_not_taken_away(host: LabHost, running: str) -> None:
    name = host.machine.name
    other = {step.id: step for step in wanted(host, config(host, partitions={"gpu": {"hosts": ["another"]}}))}
    steps = [other[step.id] if step.id == "slurm_conf" else step for step in wanted(host, config(host))]
    done = host.run("shifter", steps, SECRETS)
    assert done.returncode == 1
    says = f"the site no longer has {name}, and jobs run there: {running}. Nothing was changed. Fix: scontrol update"
    assert says in done.stderr
    done = host.gpu_metal("undo shifter")
    assert f"jobs run here: {running}. Nothing was removed." in done.stderr
    assert host.bash(f"squeue -h -j {running} -o %T") == "RUNNING\n"
    made(host)


def test_gpus_that_are_not_there_are_said(host: LabHost) -> None:
    host.bash("rm /dev/nvidia1")
    assert host.check()["slurm_node"][1].startswith(
        "has no /dev/nvidia1, and slurmd does not start without. Fix: nvidia"
    )
    host.bash("mknod -m 0666 /dev/nvidia1 c 195 1")
    assert host.check() == {}


def test_bad_settings_are_said_with_slurms_own_words(host: LabHost) -> None:
    done = host.run("shifter", wanted(host, config(host, settings={"SelectType": "select/none"})), SECRETS)
    assert done.returncode == 1
    assert "slurmctld does not start: " in done.stderr
    assert "select" in done.stderr.partition("slurmctld does not start: ")[2]
    made(host)


def test_preflight_compares_the_size(host: LabHost) -> None:
    hosts = site(host.machine, **GPUS)
    for node, says in (
        ({"cpus": 999, "memoryMb": 1000}, "slurm.nodes says 999. Fix: write cpus: "),
        ({"cpus": 1, "memoryMb": 99999999}, "MB of memory, slurm.nodes says 99999999. Fix: write memoryMb: "),
        (
            {"cpus": 1, "memoryMb": 1000, "sockets": 77},
            "as lscpu's Socket(s), slurm.nodes says 77. Fix: write sockets: ",
        ),
    ):
        asked = slurm.checks(config(host, nodes={host.machine.name: node}), hosts[host.machine.name], hosts)
        assert says in host.questions(asked)["slurm_size"]
    assert host.questions(slurm.checks(config(host), hosts[host.machine.name], hosts)) == {}


def test_the_plugin_is_known_to_every_job(host: LabHost) -> None:
    said = config(host, runtimes=host.machine.name)
    done = host.run("shifter", wanted(host, said), SECRETS)
    assert "[slurm_plugin]" in done.stderr
    assert "has no /opt/shifter/udiRoot/lib/shifter/shifter_slurm.so: Shifter was built without Slurm" in done.stderr
    # Any plugin will do: what is asked is whether Slurm reads the file.
    host.bash(
        "mkdir -p /opt/shifter/udiRoot/lib/shifter; cp /bin/true /opt/shifter/udiRoot/lib/shifter/shifter_slurm.so"
    )
    assert "slurm_plugin" in changed(made(host, said))
    assert "shifter_slurm.so" in host.bash("srun true 2>&1 || true")
    assert set(made(host, said).values()) == {"unchanged"}
    made(host)
    assert host.bash("srun echo yes") == "yes\n"
    host.bash("rm -r /opt/shifter")


def test_it_goes_without_a_trace(before: Mapping[str, Any], host: LabHost) -> None:
    assert host.gpu_metal("remove").returncode == 0
    left = differences(before, host.snapshot())
    assert {name for name in left if name not in LEFT} == set(), left
