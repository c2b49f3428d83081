"""Drives the lab's stack as an operator does, by the CLI; its site is an edited copy of Pulumi.dev.yaml."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.hosts import cgroups, faults
from lab.hosts.inventory import USER
from lab.hosts.inventory import host as lab_host
from lab.paths import LAB, TOOLS_BIN

ROOT = Path(__file__).parents[2]
HOSTS = ("cp-1", "cpu-1", "gpu-1")
SPARE_HOST = "spare-1"
yaml = YAML()
yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
"""None is written as `null`: the loader refuses a key without a value that stands before another key."""


@dataclass(frozen=True)
class Ran:
    """A process that ended: exit status, both streams, seconds."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err

    def ok(self) -> "Ran":
        """Itself, when the status is 0; else the test fails with what was printed."""
        assert self.status == 0, f"exit {self.status} after {self.seconds:.0f} s\n{self.text[-6000:]}"
        return self


@dataclass
class Stack:
    """A stack with its own state and stack file in `folder`."""

    name: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    root: Path = ROOT
    """The checkout whose program runs."""

    def __post_init__(self) -> None:
        state, tmp = self.folder / "state", self.folder / "tmp"
        for made in (state, tmp):
            made.mkdir(parents=True, exist_ok=True)
        self.env = {
            **os.environ,
            "GPU_METAL_LAB": str(LAB),
            "PULUMI_HOME": str(LAB / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(LAB / "passphrase"),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "1",
            "VIRTUAL_ENV": str(ROOT / ".venv"),
            "PATH": f"{ROOT}/.venv/bin:{TOOLS_BIN}:{os.environ['PATH']}",
            "TMPDIR": str(tmp),
            **self.env,
        }
        (self.folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())

    @property
    def file(self) -> Path:
        """The stack file: site and secrets."""
        return self.folder / f"Pulumi.{self.name}.yaml"

    def create(self, site: Mapping[str, Any], *more: str) -> None:
        """A new, empty stack of that site."""
        with self.file.open("w") as file:
            yaml.dump({"config": {"gpu-metal:site": site}}, file)
        self.run("pulumi", "-C", str(self.folder), "stack", "init", self.name, *more).ok()

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the site in the stack file."""
        whole = yaml.load(self.file)
        change(whole["config"]["gpu-metal:site"])
        with self.file.open("w") as file:
            yaml.dump(whole, file)

    def tell(self, name: str, value: str) -> None:
        """Sets a secret of the stack."""
        words = ["pulumi", "config", "set", "--secret", "--config-file", str(self.file), "--stack", self.name, name]
        self.run(*words, stdin=value).ok()

    def go_on_as(self, other: "Stack") -> None:
        """Takes another state of the same stack for its own, with the stack file that the state's secrets need."""
        shutil.rmtree(self.folder / "state")
        shutil.copytree(other.folder / "state", self.folder / "state")
        shutil.copy(other.file, self.file)

    def command(self, verb: str, *more: str) -> list[str]:
        """The CLI's words for a verb on this stack."""
        return ["pulumi", verb, "--stack", self.name, "--config-file", str(self.file), "--non-interactive", *more]

    def up(self, *more: str) -> Ran:
        """`pulumi up`, without a preview of its own."""
        return self.run(*self.command("up", "--yes", "--skip-preview", "--suppress-outputs", *more))

    def preview(self, *more: str) -> Ran:
        """`pulumi preview`."""
        return self.run(*self.command("preview", "--suppress-outputs", *more))

    def destroy(self) -> Ran:
        """`pulumi destroy`."""
        return self.run(*self.command("destroy", "--yes", "--skip-preview"))

    def sitectl(self, *words: str) -> Ran:
        """`sitectl` on this stack's site."""
        return self.run(sys.executable, "-m", "ops", *words, "--stack", self.name, "--cwd", str(self.folder))

    def works(self, *more: str, limit: float = 240) -> Ran:
        """Waits until `sitectl verify` says that the site works; fails with what it said last."""
        end = time.monotonic() + limit
        while (said := self.sitectl("verify", *more)).status != 0:
            assert time.monotonic() < end, f"not within {limit:.0f} s:\n{said.text}"
            time.sleep(max(2, said.seconds))  # it costs the site what the site needs to come up
        return said

    def export(self) -> dict[str, Any]:
        """The state, secrets encrypted."""
        words = ["pulumi", "stack", "export", "--stack", self.name]
        return dict(json.loads(self.run(*words).ok().out))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A session of its own, to be killed."""
        log = (self.folder / "killed.log").open("wb")
        return subprocess.Popen(words, cwd=self.root, env=self.env, stdout=log, stderr=log, start_new_session=True)

    def hold(self, host: str) -> subprocess.Popen[bytes]:
        """The lock of the host's runner, as long as the session lives: a run waits for it in its middle."""
        inside = ("nsenter", "-t", str(cgroups.init(lab_host(host))), "-a", "--")
        held = self.start(*inside, "flock", "/run/gpu-metal/lock", "sleep", "600")
        until(
            lambda: "held" in on(host, ["sh", "-c", "flock -n /run/gpu-metal/lock true || echo held"]), what="the lock"
        )
        return held

    def run(self, *words: str, stdin: str | None = None, limit: float = 3600) -> Ran:
        """Runs to the end."""
        begun = time.monotonic()
        done = subprocess.run(
            words, cwd=self.root, env=self.env, input=stdin, capture_output=True, text=True, timeout=limit, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)


def kill_session(process: subprocess.Popen[Any]) -> None:
    """SIGKILL to the CLI, the program and the plugins, each in a process group of its own: no one can tidy up.

    All are stopped first: a CLI that outlives its plugin by a moment writes into its state that the step has failed.
    """
    for deadly in (signal.SIGSTOP, signal.SIGKILL):
        for pid in of_session(process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, deadly)
    process.wait()


def of_session(process: subprocess.Popen[Any]) -> list[int]:
    """The processes of a session that `Stack.start` began."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if _session(pid) == process.pid]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


TOKEN = r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"
"""A kubeadm bootstrap token."""


@contextlib.contextmanager
def watched(hosts: Sequence[str]) -> Iterator[list[str]]:
    """Looks at all command lines and environments on the hosts all the time; the list has the tokens seen there."""
    words = [sys.executable, "-m", "tests.lab.watch"]
    watchers = [subprocess.Popen([*words, h, TOKEN], cwd=ROOT, stdout=subprocess.PIPE, text=True) for h in hosts]
    found: list[str] = []
    try:
        yield found
    finally:
        for watcher in watchers:
            watcher.terminate()
            *tokens, looked = watcher.communicate()[0].splitlines()
            assert int(looked.removeprefix("looked ")) > 10, "the watcher did not watch"
            found += tokens


def until(true: Callable[[], bool], *, what: str, limit: float = 240, pause: float = 0.2) -> None:
    """Asks again after each pause until `true`; the test fails after `limit` seconds.

    A question that takes long is followed by a pause twice as long: it would take the processors from what it is about.
    """
    end = time.monotonic() + limit
    while True:
        asked = time.monotonic()
        if true():
            return
        answered = time.monotonic()
        assert answered < end, f"not within {limit:.0f} s: {what}"
        time.sleep(max(pause, 2 * (answered - asked)))


def on(host: str, words: Sequence[str], limit: float = 60) -> str:
    """What root on that host gets to see, past its network and sshd."""
    return faults.run_in(lab_host(host), words, deadline=limit).stdout


def password_only(host: str, password: str) -> None:
    """From now on, sshd there takes passwords and no keys; this is that of the lab's user."""
    script = """\
printf 'PasswordAuthentication yes\\nPubkeyAuthentication no\\n' >/etc/ssh/sshd_config.d/00-lab.conf
systemctl restart ssh
chpasswd
"""
    faults.run_in(lab_host(host), ["bash", "-euc", script], stdin=f"{USER}:{password}\n")


def but_owner(host: str) -> Mapping[str, Any]:
    """A snapshot of the host without the file that says whose it is."""
    seen = faults.snapshot(lab_host(host))
    return {**seen, "files": {path: of for path, of in seen["files"].items() if path != "/var/lib/gpu-metal/owner"}}


def ledger(host: str, layer: str) -> str:
    """The layer's ledger on the host, empty when there is none."""
    return on(host, ["sh", "-c", f"cat /var/lib/gpu-metal/ledger/{layer} 2>/dev/null || true"])
