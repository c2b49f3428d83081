"""Which steps a host gets from its config. That a step does what it says is proven in tests/scripts only."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.host import steps
from components.host.config import Host
from components.host.listening import Listening
from components.host.needed import Needed
from components.host.repositories import AptRepository
from components.hostrun.step import Step, command_line
from components.kubernetes import needed as kubernetes

PEERS = [("cp-1", "10.0.0.11"), ("gpu-1.rack.example.org", "10.0.0.31")]
LISTENING = (
    Listening("api", "the API server", "6443", layer="node"),
    Listening("etcd", "etcd", "2379-2380", sources=None, layer="node"),
    Listening("dns", "a resolver", "53", "udp", layer="node"),
    Listening("web", "a server", "80", layer="other"),
    Listening("registry", "the registry", "5000"),
)
SCRIPTS = sorted(Path("components/host/steps").glob("*.sh"))


def host(**more: Any) -> Host:
    values = {"name": "gpu-1", "address": "10.0.0.31", "hostKey": "ssh-ed25519 AAAA", **more}
    return Host.model_validate(values)


def base(of: Host, **more: Any) -> dict[str, Step]:
    return {step.id: step for step in steps.base(of, steps.Around(PEERS, **more))}


def repository(**values: Any) -> dict[str, AptRepository]:
    return {"vendor": AptRepository.model_validate({"url": "https://apt.example.org", **values})}


def test_a_plain_host_gets_only_what_every_host_needs() -> None:
    made = base(host())
    every = ["needrestart", "hosts_file", "host_name", "packages#tools"]
    assert list(made) == [*every, "reboot"]
    assert made["host_name"].inputs == {"name": "gpu-1"}
    assert made["packages#tools"].inputs["hold"] == "no"


def test_the_first_package_comes_after_needrestart_and_after_its_source() -> None:
    ids = list(
        base(host(timeServers=["ntp.example.org"]), repositories=repository(keyFile="k.asc"), keys={"vendor": "KEY"})
    )
    first_package = next(index for index, id_ in enumerate(ids) if id_.startswith("packages#"))
    assert ids.index("needrestart") < ids.index("apt_repository#vendor") < first_package
    assert ids[-4:] == ["packages#chrony", "chrony", "time_sync", "reboot"]


def test_the_hosts_own_settings_come_on_top_of_what_layers_need() -> None:
    of = host(
        sysctl={"vm.swappiness": "1", "net.ipv4.ip_forward": "0"}, modules=["loop", "overlay"], limits={"nofile": 9}
    )
    made = base(kubernetes.prepare(of))
    assert made["kernel_modules"].inputs == {"names": "overlay br_netfilter loop"}
    wanted = {**kubernetes.SYSCTL, "net.ipv4.ip_forward": "0", "vm.swappiness": "1"}
    assert list(made["sysctl"].inputs.items()) == sorted(wanted.items())
    assert made["limits"].inputs == {"nofile": "9", "login": of.ssh.user}


def test_a_changed_sysctl_changes_one_line_of_the_command() -> None:
    def lines(value: str) -> set[str]:
        return set(
            command_line("base", steps.base(host(sysctl={"vm.swappiness": value}), steps.Around(PEERS))).split("\n")
        )

    assert [line.split("vm.")[1] for line in lines("1") - lines("2")] == ["swappiness=1 \\"]


@pytest.mark.row("H15")
def test_hosts_entries_have_the_full_name_once() -> None:
    entries = "10.0.0.11 cp-1.example.org cp-1\n10.0.0.31 gpu-1.rack.example.org"
    assert steps.hosts_entries(PEERS, "example.org") == entries
    assert steps.hosts_entries(PEERS[:1], None) == "10.0.0.11 cp-1"


def test_a_repository_needs_a_key_and_a_fetched_key_its_fingerprint() -> None:
    made = base(host(), repositories=repository(keyFile="k.asc", components=["main", "extra"]), keys={"vendor": "KEY"})
    step = made["apt_repository#vendor"]
    assert (step.bulk, step.inputs["components"], "packages#gpg" in made) == ({"key": "KEY"}, "main extra", False)
    fetched = base(host(), repositories=repository(keyUrl="https://k", fingerprint="ab 12"))
    assert list(fetched)[3:5] == ["packages#gpg", "apt_repository#vendor"]
    assert fetched["apt_repository#vendor"].inputs["fingerprint"] == "AB12"
    for untrusted in ({}, {"keyUrl": "https://k"}, {"fingerprint": "AB12"}):
        with pytest.raises(ValueError, match=r"repositories\.vendor: has no key to trust\. Write keyFile, or keyUrl"):
            base(host(), repositories=repository(**untrusted))


@pytest.mark.row("H16")
def test_preflight_asks_what_the_host_declares() -> None:
    made = {step.id: step.inputs for step in steps.preflight(host(), steps.Around(PEERS))}
    assert "ports" not in made
    assert (made["os"], made["cgroup"]) == ({"declared": "", "kubernetes": "yes"}, {"v2": "no"})
    of = host(os="debian-12", minimum={"memoryGb": 0.5})
    made = {
        step.id: step.inputs
        for step in steps.preflight(of, steps.Around(PEERS, above=Needed(listening=LISTENING, cgroup_v2=True)))
    }
    assert made["os"] == {"declared": "debian-12", "kubernetes": "yes"}
    assert made["memory"] == {"least": "0.5"}
    assert (made["ports"], made["cgroup"]) == ({"node": "2379 2380 6443", "other": "80"}, {"v2": "yes"})


@pytest.mark.row("H16")
def test_preflight_changes_nothing_and_each_refusal_says_seen_wanted_and_fix() -> None:
    for step in steps.preflight(host(), steps.Around(PEERS, above=Needed(listening=LISTENING))):
        text = step.script.read_text()
        assert "apply()" not in text, step.id
        refusals = re.findall(r"untrue (.*?)\n {4,}(?:fi|\}|;;)|\*\) untrue (.*?) ;;|untrue (.*?)\n\}", text, re.DOTALL)
        assert refusals, step.id
        for said in map("".join, refusals):
            assert all(word in said for word in ("has ", "wants ", "Fix: ")), (step.id, said)


def test_a_step_names_the_inputs_that_it_reads() -> None:
    assert {script: keys for script in SCRIPTS if (keys := unnamed(script.read_text()))} == {}


def unnamed(text: str) -> set[str]:
    """The inputs that a step reads and does not name."""
    header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    if "# inputs: one " in header:
        return set()
    read = set(re.findall(r"\$\((?:input|bulk) ([a-z_0-9]+)|^ *(?:input|bulk) ([a-z_0-9]+)", text, re.MULTILINE))
    named = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"^# (?:inputs|bulk): (.*)$", header, re.MULTILINE))))
    return {key for pair in read for key in pair if key} - named


def test_what_is_applied_is_undone_or_says_why_not() -> None:
    texts = {script: script.read_text() for script in SCRIPTS}
    left = ("\nundo() {", "\n# Not undone: ")
    assert [s for s, text in texts.items() if ("\napply() {" in text) != any(word in text for word in left)] == []
