"""An emulated host for the steps' own tests: the real library and runner on real Debian, without SSH and Pulumi."""

import base64
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

from components.host.config import Host
from components.hostrun import library
from components.hostrun.step import RUNNER, Step, command_line, payload
from components.hostrun.target import Target
from lab import paths
from lab.hosts import faults, inventory, lab

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Of the processes that pytest-xdist runs beside each other, each with what is its own."""
HOST = inventory.host(f"steps-{WORKER + 1}")
STAGED = "/run/library.tar.gz"


@dataclass(frozen=True)
class LabHost:
    """Runs gpu-metal on a host of the lab, as root."""

    machine: inventory.Host

    def bash(self, script: str, stdin: str = "") -> str:
        """What the script prints; the test fails when it fails."""
        return faults.run_in(self.machine, ["bash", "-euc", script], stdin=stdin, deadline=600).stdout

    def gpu_metal(self, words: str, stdin: str = "") -> CompletedProcess[str]:
        command = ["bash", "-c", f"gpu-metal {words}"]
        return faults.run_in(self.machine, command, stdin=stdin, check=False, deadline=1200)

    def install(self) -> None:
        """The library, as pulumi up brings it."""
        self.bash(f"base64 -d >{STAGED}", base64.b64encode(library.archive()).decode())
        self.bash(f"bash -s -- install {library.digest()} {STAGED} {self.machine.name}", library.INSTALL)

    def run(self, layer: str, steps: Sequence[Step], secrets: Mapping[str, str] | None = None) -> CompletedProcess[str]:
        words = command_line(layer, steps).removeprefix(f"{RUNNER} ")
        return self.gpu_metal(words, payload(steps, secrets or {}))

    def apply(self, layer: str, steps: Sequence[Step], secrets: Mapping[str, str] | None = None) -> dict[str, str]:
        """`changed` or `unchanged` for each step."""
        done = self.run(layer, steps, secrets)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stderr.splitlines() if line.startswith(f"{layer} ") and "/" in line]
        return {line[2]: line[3] for line in lines}

    def check(self) -> dict[str, Any]:
        """What does not hold, by step: (status, says)."""
        answer = json.loads(self.gpu_metal("check --json").stdout)
        found = {s["step"]: (s["status"], s["says"]) for layer in answer["layers"] for s in layer["steps"]}
        return {step: what for step, what in found.items() if what[0] != "ok"}

    def questions(self, steps: Sequence[Step]) -> dict[str, str]:
        """What each failed check says, from a host where nothing is installed."""
        words = command_line("preflight", steps).removeprefix(f"{RUNNER} apply ")
        text = library.streamed(f"try --json {words}", payload(steps, {}))
        done = faults.run_in(self.machine, ["bash", "-s"], stdin=text.decode(), check=False, deadline=600)
        layers = json.loads(done.stdout)["layers"]
        assert [layer["layer"] for layer in layers] == ["preflight"]
        assert {step["status"] for step in layers[0]["steps"]} <= {"ok", "drift"}, done.stdout
        return {step["step"]: step["says"] for step in layers[0]["steps"] if step["status"] != "ok"}

    def remove(self) -> None:
        done = self.gpu_metal("remove")
        assert done.returncode == 0, done.stderr

    def snapshot(self, *, times: bool = False) -> Mapping[str, Any]:
        return faults.snapshot(self.machine, times=times)

    def files(self) -> dict[str, Any]:
        """All files of steps, with content and time: not the runner's own records."""
        found = self.snapshot(times=True)["files"]
        return {path: entry for path, entry in found.items() if not path.startswith("/var/lib/gpu-metal")}


@contextmanager
def fresh(machine: inventory.Host) -> Iterator[LabHost]:
    """A host as it is after installation; off again afterwards."""
    lab.serve(lambda _: None)
    lab.reset(machine)
    yield LabHost(machine)
    lab.stop(machine, grace=0)


def target(machine: inventory.Host) -> Target:
    """The host as the program reaches it."""
    known = (paths.LAB / "known_hosts").read_text().splitlines()
    [key] = [line.split(maxsplit=1)[1] for line in known if line.startswith(f"{machine.address} ")]
    return Target(machine.name, machine.address, 22, inventory.USER, key, (paths.LAB / "id_ed25519").read_text())


def site_host(**more: Any) -> Host:
    """HOST as a site has it."""
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA", **more}
    return Host.model_validate(values)


def leaves_no_trace(host: LabHost, layers: Mapping[str, Sequence[Step]]) -> None:
    """Apply, apply again, check, cut every file, mend, remove: the host is as it was."""
    before = host.snapshot()
    host.install()
    for layer, steps in layers.items():
        assert set(host.apply(layer, steps)) == {step.id for step in steps}
    once = host.files()
    for layer, steps in layers.items():
        assert set(host.apply(layer, steps).values()) == {"unchanged"}
    assert host.files() == once
    assert host.check() == {}
    _cut_and_mend(host, layers, sorted(_written(before["files"], once)))
    host.remove()
    left = differences(before, host.snapshot())
    assert not left, left


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """But for /var/lib/ucf: the record of packages that keep their settings there."""
    return {
        name: (before[part].get(name), now[part].get(name))
        for part in before
        for name in {*before[part], *now[part]}
        if before[part].get(name) != now[part].get(name) and not name.startswith("/var/lib/ucf/")
    }


def _written(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The files that steps wrote, in part or whole; what packages brought is dpkg's affair."""
    changed = [path for path, entry in now.items() if path not in before or before[path].content != entry.content]
    return [path for path in changed if now[path].kind == "f" and _ours(path)]


def _ours(path: str) -> bool:
    return "gpu-metal" in path or path in {"/etc/hosts", "/etc/containerd/config.toml"} or path.endswith("/hosts.toml")


def _cut_and_mend(host: LabHost, layers: Mapping[str, Sequence[Step]], paths: Sequence[str]) -> None:
    """As a power cut leaves files: empty, or half of them, in turn."""
    assert paths
    names = shlex.join(paths)
    whole = host.bash(f"sha256sum {names}")
    host.bash(f"n=0; for file in {names}; do truncate -s $((n++ % 2 * $(stat -c %s $file) / 2)) $file; done")
    seen = host.check()
    assert {status for status, _ in seen.values()} == {"drift"}, seen
    done = {id_: what for layer, steps in layers.items() for id_, what in host.apply(layer, steps).items()}
    # A mended file may cost its service a restart, in a later step.
    assert set(seen) <= {id_ for id_, what in done.items() if what == "changed"}
    assert host.bash(f"sha256sum {names}") == whole
    assert host.check() == {}
