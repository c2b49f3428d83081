"""munge with the site's key on an emulated host: installed, rotated, drifted, mended; and the proof across hosts.

The other host of the proof is a second munged on the same one, with a key or a time of its own, and SSH is left out:
../lab/test_story.py has hosts and SSH. Not proven here: munge of the RHEL family.
"""

import asyncio
import base64
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.hostrun import ssh
from components.hostrun.step import Step
from components.hostrun.target import SshError, Target
from components.platforms.shifter import munge, ring
from lab.hosts import faults
from tests.parts.shifter.scripts.site import KEY, LEFT, OTHER_KEY, shifter, site
from tests.scripts.lab_host import LabHost, differences

pytestmark = [pytest.mark.lab, pytest.mark.row("F4")]

FILE = "/etc/munge/munge.key"
PEER = """
own=/run/peer/own
install -d -o munge -g munge -m 0711 /run/peer; install -d -o munge -g munge -m 0700 $own
base64 -d >$own/key; chown munge: $own/key; chmod 0400 $own/key
runuser -u munge -- env {env} munged --key-file $own/key --socket /run/peer/socket --seed-file $own/seed \\
  --log-file $own/log --pid-file $own/pid
"""

END_OF_PEER = """
if [ -e /run/peer/own/pid ]; then
    pid=$(cat /run/peer/own/pid)
    kill "$pid"
    while [ -e "/proc/$pid" ]; do sleep 0.05; done
fi
rm -rf /run/peer
"""
"""Munged takes its own files away as it ends."""


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    return spare.snapshot()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001
    spare.install()
    made(spare)
    yield spare
    spare.gpu_metal("remove")


def wanted(host: LabHost) -> list[Step]:
    config, hosts = shifter(host.machine.name), site(host.machine)
    return [*munge.steps(config, hosts[host.machine.name], hosts), *munge.last(config, hosts)]


def made(host: LabHost, key: str = KEY) -> dict[str, str]:
    """`changed` or `unchanged` for each step."""
    return host.apply("shifter", wanted(host), {"munge": key})


def test_the_sites_key_is_munges_alone_and_nothing_is_done_twice(host: LabHost) -> None:
    assert host.bash(f"base64 -w 0 {FILE}; stat -c ' %a %U' {FILE}") == f"{KEY} 400 munge\n"
    assert set(made(host).values()) == {"unchanged"}
    assert host.check() == {}
    assert "Success" in host.bash("munge -n | unmunge")
    logs = host.bash("cat /var/lib/gpu-metal/log/*/* /var/lib/gpu-metal/ledger/*; journalctl -o cat")
    assert KEY not in logs
    assert base64.b64decode(KEY).decode() not in logs


def test_another_key_replaces_it_and_restarts_munge(host: LabHost) -> None:
    credential = host.bash("munge -n")
    started = host.bash("systemctl show -p MainPID munge")
    changed = {step for step, what in made(host, OTHER_KEY).items() if what == "changed"}
    assert changed == {"munge_key", "munge", "munge_proven"}
    assert host.bash("systemctl show -p MainPID munge") != started
    assert "Invalid credential" in host.bash("unmunge 2>&1 || true", credential)
    made(host)


def test_what_others_did_is_seen_and_mended(host: LabHost) -> None:
    for harm, step, says in (
        (f"chmod 0440 {FILE}", "munge_key", f"{FILE} can be read by others than munge"),
        (f"chmod 0755 {FILE.rpartition('/')[0]}", "munge_key", "/etc/munge is open to others than munge"),
        (f"echo 0123456789abcdef0123456789abcdef >{FILE}", "munge_key", "is not the key that was written there"),
        (f"truncate -s 0 {FILE}", "munge_key", f"has no {FILE}"),
        ("systemctl stop munge", "munge", "munge does not run. Fix: journalctl -u munge -n 20 says why"),
        ("systemctl disable -q --no-reload munge", "munge", "munge is not enabled"),
    ):
        host.bash(harm)
        assert says in host.check()[step][1]
        made(host)
        assert host.check() == {}, harm


def test_a_run_that_was_cut_before_the_restart_is_mended(host: LabHost) -> None:
    host.bash("echo due >/var/lib/gpu-metal/munge-due")
    assert host.check() == {"munge": ("drift", "munge runs with an older key")}
    assert [step for step, what in made(host).items() if what == "changed"] == ["munge"]


def test_no_key_is_told_with_the_command_to_make_one(host: LabHost) -> None:
    for key, size in (
        (base64.b64encode(b"x" * 31).decode(), 31),
        (base64.b64encode(b"x" * 1025).decode(), 1025),
        ("%", 0),
    ):
        done = host.run("shifter", wanted(host), {"munge": key})
        assert done.returncode == 1
        text = f"the secret that mungeSecret names is not a key: {size} bytes in base64, wants 32 to 1024. Fix: head "
        assert text in done.stderr
    made(host)


@pytest.fixture
def asked(host: LabHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Target]]:
    """Two targets: the host, and the second munged on it."""

    async def run(target: Target, command: str, *, stdin: bytes = b"", deadline: float = 30) -> ssh.Result:
        if target.name == "off":
            raise SshError("off", "connection", "does not answer. Fix: turn it on")
        words = [*command.split(), *(["-S", "/run/peer/socket"] if target.name == "peer" else [])]
        shell = ["bash", "-c", shlex.join(words)]
        done = faults.run_in(host.machine, shell, stdin=stdin.decode(), check=False, deadline=deadline)
        return ssh.Result(done.returncode, done.stdout, done.stderr)

    monkeypatch.setattr(ssh, "run", run)
    yield [
        Target(name=name, address="10.0.0.1", port=22, user="root", host_key="ssh-ed25519 AAAA")
        for name in ("head", "peer", "off")
    ]
    host.bash(END_OF_PEER)


def said(targets: list[Target]) -> str:
    with pytest.raises(ring.MungeError) as error:
        asyncio.run(ring.prove(targets))
    return str(error.value)


def test_hosts_with_one_key_and_one_time_understand_each_other(host: LabHost, asked: list[Target]) -> None:
    host.bash(PEER.format(env=""), KEY)
    asyncio.run(ring.prove(asked[:2]))
    asyncio.run(ring.prove(asked[:1]))


def test_another_key_is_said_by_host(host: LabHost, asked: list[Target]) -> None:
    host.bash(PEER.format(env=""), OTHER_KEY)
    says = said(asked).splitlines()
    assert says[0].startswith("peer [munge] its munge has another key than head's (Invalid credential). Fix: pulumi")
    assert says[1] == "off [munge] [connection] does not answer. Fix: turn it on"


@pytest.mark.parametrize("offset", ["+400", "-400"])
def test_clocks_apart_are_said_by_host(host: LabHost, asked: list[Target], offset: str) -> None:
    host.bash("DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends libfaketime >/dev/null")
    host.bash(
        PEER.format(env=f"LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 FAKETIME={offset}"), KEY
    )
    says = said(asked[:2])
    host.bash("DEBIAN_FRONTEND=noninteractive apt-get purge -qy libfaketime >/dev/null")
    assert "peer [munge] its clock and that of head are " in says
    assert "Fix: set timeServers in the site, or start chrony there" in says
    assert 390 <= int(says.split(" are ")[1].split(" s ")[0]) <= 410


def test_munge_that_does_not_run_is_said(host: LabHost, asked: list[Target]) -> None:
    host.bash("systemctl stop munge")
    assert said(asked[:1]).startswith(
        'head [munge] cannot make a credential: Failed to access "/run/munge/munge.socket.2"'
    )
    made(host)
    assert "peer [munge] its munge does not decode the credential of head: Failed to access" in said(asked[:2])


def test_it_goes_without_a_trace(before: Mapping[str, Any], host: LabHost) -> None:
    assert host.gpu_metal("remove").returncode == 0
    left = differences(before, host.snapshot())
    assert {name for name in left if name not in LEFT} == set(), left


def test_a_munge_of_before_has_its_key_again(before: Mapping[str, Any], spare: LabHost) -> None:
    spare.bash("DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends munge >/dev/null")
    own = spare.bash(f"base64 -w 0 {FILE}")
    spare.install()
    made(spare)
    assert spare.bash(f"base64 -w 0 {FILE}") == KEY
    assert spare.gpu_metal("remove").returncode == 0
    assert spare.bash(f"base64 -w 0 {FILE}") == own
    assert "Success" in spare.bash("munge -n | unmunge")
    spare.bash("DEBIAN_FRONTEND=noninteractive apt-get purge -qy --autoremove munge >/dev/null")
    assert {name for name in differences(before, spare.snapshot()) if name not in LEFT} == set()
