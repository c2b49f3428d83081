"""munge and Slurm from their config: steps, files, openings, the words of the proof. That they hold: tests/scripts."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from components.host.config import Host
from components.hostrun import ssh
from components.hostrun.step import Step
from components.hostrun.target import SshError, Target
from components.parts.part import Ground
from components.platforms.shifter import checks_slurm, munge, ring, slurm, slurm_conf
from components.platforms.shifter.config import Shifter

GPUS = {"model": "A100-SXM4-80GB", "count": 8}


def host(name: str, last: int, **more: Any) -> Host:
    return Host.model_validate({"name": name, "address": f"10.0.0.{last}", "hostKey": "ssh-ed25519 AAAA", **more})


HOSTS = {
    one.name: one
    for one in (
        host("head", 1),
        host("login", 2),
        host("node-1", 3, group="compute", gpu=GPUS),
        host("node-2", 4, group="compute", gpu={**GPUS, "count": 1}),
        host("node-3", 5, group="compute", state="gone", gpu=GPUS),
        host("other", 9),
    )
}


def shifter(**more: Any) -> Shifter:
    base = {
        "kind": "shifter",
        "system": "greina",
        "source": {"version": "22.02.1"},
        "gateway": {"host": "head"},
        "runtimes": ["login", "compute"],
        "images": {"path": "/scratch/images"},
        "mungeSecret": "mungeKey",
        "slurm": {
            "controller": "head",
            "partitions": {"gpu": {"hosts": ["compute"]}},
            "nodes": {"compute": {"cpus": 64, "memoryMb": 256000}, "node-2": {"cpus": 4, "memoryMb": 9000}},
            **more,
        },
    }
    return Shifter.model_validate(base)


def steps(config: Shifter, name: str) -> dict[str, Step]:
    return {step.id: step for step in slurm.steps(config, HOSTS[name], HOSTS)}


def conf(**more: Any) -> list[str]:
    config = shifter(**more)
    assert config.slurm
    return slurm_conf.slurm_conf(config, config.slurm, HOSTS).splitlines()


@pytest.mark.row("F4")
def test_every_host_of_the_platform_gets_the_key_and_no_other() -> None:
    made = {name: [step.id for step in munge.steps(shifter(), one, HOSTS)] for name, one in HOSTS.items()}
    assert made.pop("other") == []
    assert set(map(tuple, made.values())) == {("packages#munge", "munge_key", "munge")}
    [key] = [step for step in munge.steps(shifter(), HOSTS["login"], HOSTS) if step.id == "munge_key"]
    assert (key.inputs, key.bulk, key.secrets) == ({}, {}, {"key": "mungeKey"})


@pytest.mark.row("F4")
def test_the_proof_is_made_anew_for_a_new_key_and_a_new_host() -> None:
    [step] = munge.last(shifter(), HOSTS)
    assert step.inputs == {"hosts": "head login node-1 node-2"}
    assert step.secrets == {"key": "mungeKey"}


@pytest.mark.row("F6")
def test_each_host_gets_what_it_is() -> None:
    files = ["slurm_user", "packages#slurm", "slurm_conf"]
    assert list(steps(shifter(), "head")) == [*files, "slurm_controller"]
    assert list(steps(shifter(), "login")) == [*files, "slurm_plugin"]
    assert list(steps(shifter(), "node-1")) == [*files, "slurm_plugin", "slurm_node"]
    assert list(steps(shifter(), "other")) == []
    names = {name: steps(shifter(), name)["packages#slurm"].inputs["names"] for name in ("head", "login", "node-1")}
    assert names == {"head": "@slurmctld @slurm-client", "login": "@slurm-client", "node-1": "@slurmd @slurm-client"}
    assert steps(shifter(), "node-2")["slurm_node"].inputs == {"spool": "/var/lib/slurm/slurmd", "gpus": "1"}
    assert steps(shifter(), "node-1")["slurm_conf"].bulk == steps(shifter(), "head")["slurm_conf"].bulk


@pytest.mark.row("F6")
def test_without_slurm_there_is_nothing() -> None:
    config = shifter().model_copy(update={"slurm": None})
    for one in HOSTS.values():
        assert slurm.steps(config, one, HOSTS) == []
        assert slurm.checks(config, one, HOSTS) == []
        assert list(slurm.listening(config, one, HOSTS)) == []
    assert (slurm.packages(config), slurm.last(config, HOSTS)) == ([], [])


@pytest.mark.row("F6")
def test_nodes_are_those_that_are_there_with_their_gpus() -> None:
    assert [line for line in conf() if line.startswith(("Node", "Part", "Slurmctldh", "Gres", "DefMem"))] == [
        "DefMemPerCPU=2250",
        "GresTypes=gpu",
        "NodeName=node-1 NodeAddr=10.0.0.3 CPUs=64 RealMemory=256000 Gres=gpu:a100-sxm4-80gb:8",
        "NodeName=node-2 NodeAddr=10.0.0.4 CPUs=4 RealMemory=9000 Gres=gpu:a100-sxm4-80gb:1",
        "PartitionName=gpu Nodes=node-1,node-2 Default=YES",
    ]
    assert conf()[:3] == ["# gpu-metal", "SlurmctldHost=head(10.0.0.1)", "ClusterName=greina"]
    assert slurm_conf.gres_conf(shifter(), HOSTS).splitlines()[1:] == [
        "NodeName=node-1 Name=gpu Type=a100-sxm4-80gb File=/dev/nvidia[0-7]",
        "NodeName=node-2 Name=gpu Type=a100-sxm4-80gb File=/dev/nvidia0",
    ]
    [last] = slurm.last(shifter(), HOSTS)
    assert last.inputs == {"nodes": "node-1 node-2"}


@pytest.mark.row("F6")
def test_the_sites_words_stand_over_ours_whatever_their_case() -> None:
    shape = {"cpus": 64, "memoryMb": 9, "sockets": 2, "coresPerSocket": 16, "threadsPerCore": 2}
    made = conf(
        settings={"proctracktype": "proctrack/linuxproc", "SlurmdPort": "7000"},
        nodes={"compute": {**shape, "settings": {"Feature": "nvlink"}}},
        partitions={
            "short": {"hosts": ["node-2"], "settings": {"MaxTime": "60"}},
            "gpu": {"hosts": ["compute"], "default": True},
            "away": {"hosts": ["node-3"]},
        },
    )
    assert [line for line in made if line.lower().startswith("proctrack")] == ["proctracktype=proctrack/linuxproc"]
    assert made.count("SlurmdPort=7000") == 1
    assert "SlurmdPort=6818" not in made
    shaped = (
        "CPUs=64 Sockets=2 CoresPerSocket=16 ThreadsPerCore=2 RealMemory=9 Gres=gpu:a100-sxm4-80gb:8 Feature=nvlink"
    )
    assert f"NodeName=node-1 NodeAddr=10.0.0.3 {shaped}" in made
    assert made[-2:] == [
        "PartitionName=short Nodes=node-2 Default=NO MaxTime=60",
        "PartitionName=gpu Nodes=node-1,node-2 Default=YES",
    ]


@pytest.mark.row("F6")
def test_only_who_serves_is_opened_and_srun_wherever_it_may_be_called() -> None:
    def ports(name: str, **more: Any) -> Mapping[str, str]:
        return {each.name: each.port for each in slurm.listening(shifter(**more), HOSTS[name], HOSTS)}

    assert ports("head") == {"slurmctld": "6817", "srun": "60001-63000"}
    assert ports("login") == {"srun": "60001-63000"}
    assert ports("node-1", settings={"slurmdport": "7000"}) == {"slurmd": "7000", "srun": "60001-63000"}
    assert ports("other") == {}


@pytest.mark.row("F6")
def test_preflight_asks_nodes_alone_for_what_the_site_says() -> None:
    [step] = slurm.checks(shifter(), HOSTS["node-2"], HOSTS)
    assert step.inputs == {"cpus": "4", "memory_mb": "9000"}
    assert slurm.checks(shifter(), HOSTS["login"], HOSTS) == []


STATUS = """STATUS:          {0}
ENCODE_HOST:     head (10.0.0.1)
ENCODE_TIME:     2026-01-01 00:00:00 +0000 (1767225600)
DECODE_TIME:     2026-01-01 00:06:40 +0000 (1767226000)
"""


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ssh.Result(0, STATUS.format("Success (0)"), ""), ""),
        (
            ssh.Result(15, STATUS.format("Expired credential (15)"), ""),
            "its clock and that of head are 400 s apart (Expired credential). Fix: set timeServers in the site, or",
        ),
        (
            ssh.Result(16, "STATUS: Rewound credential (16)\n", ""),
            "its clock and that of head are too far apart (Rewound credential). Fix: set timeServers in the site, or",
        ),
        (ssh.Result(7, "", "unmunge: Error: Invalid credential\n"), "its munge has another key than head's ("),
        (
            ssh.Result(127, "", "bash: unmunge: command not found\n"),
            "its munge does not decode the credential of head: bash: u",
        ),
        (ssh.Result(1, "", ""), "its munge does not decode the credential of head: status 1. Fix: journalctl -u munge"),
        (SshError("node-1", "login", "refuses us. Fix: a key"), "[login] refuses us. Fix: a key"),
    ],
)
def test_the_proof_says_by_host_what_is_wrong(
    answer: ssh.Result | SshError, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def run(target: Target, command: str, *, stdin: bytes = b"", deadline: float = 0) -> ssh.Result:  # noqa: ARG001
        asked.append((target.name, command, stdin))
        if command == "munge -n":
            return ssh.Result(0, "MUNGE:x\n", "")
        if target.name == "login":
            return ssh.Result(0, "", "")
        if isinstance(answer, SshError):
            raise answer
        return answer

    monkeypatch.setattr(ssh, "run", run)
    config = shifter(partitions={"gpu": {"hosts": ["node-1"]}}).model_copy(update={"runtimes": ("login", "node-1")})
    targets = {name: Target(name, "10.0.0.1", 22, "root", "ssh-ed25519 AAAA") for name in HOSTS}

    async def hook() -> None:
        await munge.across(config, HOSTS)(targets)

    if says:
        with pytest.raises(ring.MungeError) as error:
            asyncio.run(hook())
        assert str(error.value).startswith(f"node-1 [munge] {says}")
    else:
        asyncio.run(hook())
    assert asked[0] == ("head", "munge -n", b"")
    assert sorted(asked[1:]) == [("login", "unmunge", b"MUNGE:x\n"), ("node-1", "unmunge", b"MUNGE:x\n")]


@pytest.mark.row("F4")
@pytest.mark.parametrize("fails", [ssh.Result(1, "", "munge: Error: no socket\n"), SshError("head", "login", "no.")])
def test_a_host_that_makes_no_credential_is_said(fails: ssh.Result | SshError, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(target: Target, command: str, *, stdin: bytes = b"", deadline: float = 0) -> ssh.Result:  # noqa: ARG001
        if isinstance(fails, SshError):
            raise fails
        return fails

    monkeypatch.setattr(ssh, "run", run)
    with pytest.raises(
        ring.MungeError, match=r"^head \[munge\] (cannot make a credential: no socket\. Fix: |\[login\] no\.)"
    ):
        asyncio.run(ring.prove([Target("head", "10.0.0.1", 22, "root", "ssh-ed25519 AAAA")]))


def test_a_node_without_the_runtime_is_noted() -> None:
    ground = Ground(HOSTS, None, None, None, {}, {}, frozenset())
    [note] = checks_slurm.notes(shifter(partitions={"gpu": {"hosts": ["compute", "other"]}}), ground)
    assert note.text == "other not in runtimes: jobs with --image fail there."
    assert list(checks_slurm.notes(shifter(), ground)) == []
