"""Hosts that answer as the runner and kubectl do, without any host: for the tests of sitectl."""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from typer.testing import CliRunner, Result

from components.hostrun import fleet, ssh
from components.hostrun.target import SshError, Target
from ops import orphans
from ops import site as sites
from ops.cli import app

SITE = """\
config:
  gpu-metal:site:
    ssh: {user: deploy}
    hosts:
      cp-1: {address: 192.0.2.11, roles: [control-plane]}
      gpu-1: {address: 192.0.2.21, gpu: {model: A100, count: 2}, labels: {tier: fast}}
      gpu-2: {address: 192.0.2.22, gpu: {model: A100, count: 2}}
    kubernetes: {version: "1.34.2"}
    projects:
      vision: {cpu: "4", memory: 8Gi, gpus: 4}
"""
NAMES = ("cp-1", "gpu-1", "gpu-2")
SINCE = "2026-11-29T21:40:12Z"
GPU = "82:00.0 3D controller: NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)"


def key(seed: str) -> str:
    """A host key, another for each seed."""
    public = asyncssh.generate_private_key("ssh-ed25519", comment=seed).export_public_key().decode()
    return " ".join(public.split()[:2])


@dataclass
class FakeHosts:
    """What each host would say; a test changes what it is about."""

    errors: dict[str, SshError] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    skew: dict[str, float] = field(default_factory=dict)
    untrue: dict[tuple[str, str], str] = field(default_factory=dict)
    """(host, step) → what it says, both in preflight and in the ledger's layer base."""
    more_steps: tuple[str, ...] = ()
    """Steps in each ledger beyond the common ones."""
    bare: set[str] = field(default_factory=set)
    """Hosts without a runner."""
    damaged: set[str] = field(default_factory=set)
    """Hosts whose runner lacks a part."""
    forgot: set[str] = field(default_factory=set)
    """Hosts with a runner, whose ledger is gone."""
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    """The files of /var/lib/gpu-metal that `adopt` reads, by host."""
    told: dict[str, str] = field(default_factory=dict)
    """What a host was told by `gpu-metal adopt`."""
    owners: dict[str, str] = field(default_factory=dict)
    """Who has a host: PROJECT STACK SITE STATE."""
    units: dict[tuple[str, str], str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    """Node → the value of its Ready condition."""
    pressed: dict[str, str] = field(default_factory=dict)
    """Node → other conditions of it that are true."""
    evicted: str = ""
    """Rows of EVICTED in ops/pods.py."""
    lasting: str = ""
    """Rows of LASTING there."""
    running: str = ""
    """Rows of PODS in ops/project_pods.py."""
    ending: dict[str, str] = field(default_factory=dict)
    """Node → rows of ENDING there."""
    dns: str = "2/2"
    quotas: dict[str, dict[str, str]] = field(default_factory=lambda: {"vision": {"requests.nvidia.com/gpu": "4"}})
    members: set[tuple[str, str]] = field(default_factory=set)
    """Who may do what members may, and where."""
    locks: list[ssh.Result] = field(default_factory=list)
    """What gpu-1 answers when its lock is tried, one after the other; then it is free."""
    stopped: dict[str, str] = field(default_factory=dict)
    """Host → what its ledger and lock say after a run that failed, as rows of ops/unfinished.py."""
    admin_conf: ssh.Result = field(default_factory=lambda: ssh.Result(0, "kind: Config\n", ""))
    asked: list[tuple[str, str]] = field(default_factory=list)
    reached: list[Target] = field(default_factory=list)
    when_asked: Callable[[], object] = lambda: None
    """What happens elsewhere meanwhile."""

    async def ask(self, target: Target, command: str, *, stdin: bytes = b"", **_: object) -> ssh.Result:
        self.asked.append((target.name, command))
        self.reached.append(target)
        self.when_asked()
        if target.name in self.errors:
            raise self.errors[target.name]
        text = f"{command}\n{stdin.decode()}"
        answers: dict[str, Callable[[], ssh.Result]] = {
            "for file in owner": lambda: ssh.Result(0, self._files(target.name), ""),
            "cd /var/lib/gpu-metal": lambda: ssh.Result(0, self.stopped.get(target.name, ""), ""),
            "flock": lambda: self.locks.pop(0) if target.name == "gpu-1" and self.locks else ssh.Result(0, "", ""),
            "admin.conf\n": lambda: self.admin_conf,
            "gpu-metal adopt": lambda: self._told(target.name, stdin.decode()),
            "date +": lambda: ssh.Result(0, f"{time.time() + self.skew.get(target.name, 0):.9f}\n", ""),
            "SubjectAccessReview": lambda: self._reviews(json.loads(stdin)["items"]),
            "get nodes,resourcequotas": lambda: ssh.Result(0, self._nodes() + self._quotas(), ""),
            "get nodes": lambda: ssh.Result(0, self._nodes(), ""),
            '"name": "coredns"': lambda: ssh.Result(0, deployment("coredns", "kube-system", self.dns), ""),
            "restartPolicy!=Always": lambda: ssh.Result(0, self.lasting, ""),
            "status.phase=Running": lambda: ssh.Result(0, self.running, ""),
            "status.phase=Failed": lambda: ssh.Result(0, self.evicted, ""),
            "selector=spec.nodeName=": lambda: ssh.Result(0, self._ending(command), ""),
            "try --json preflight": lambda: self._tried(target.name, text),
            "\\036": lambda: self._verified(target.name, text),
            "facts --json": lambda: self._runner(target.name, self._facts(target.name)),
            "check --json": lambda: self._runner(target.name, self._ledger(target.name)),
        }
        return next(answer for words, answer in answers.items() if words in text)()

    def _ending(self, command: str) -> str:
        node, _, _ = command.partition("spec.nodeName=")[2].partition(" ")
        return self.ending.get(node, "")

    def _told(self, name: str, line: str) -> ssh.Result:
        self.told[name] = line
        return ssh.Result(0, "adopted\n", "")

    def _files(self, name: str) -> str:
        return "".join(f"\x1e{file}\x1f{text}" for file, text in self.files.get(name, {}).items())

    def _facts(self, name: str) -> dict[str, Any]:
        found = [GPU] * 2 if name.startswith("gpu") else []
        devices = [{"bus": "0000:82:00.0", "ids": "10de:20b2", "name": one, "model": None} for one in found]
        gpus = {"count": len(found), "names": found, "devices": devices}
        return {
            "hostname": name,
            "os": {"id": "debian", "version": "12"},
            "kernel": "6.1.0",
            "cpus": 64,
            "memory_bytes": 512 << 30,
            "machine_id": f"id-of-{name}",
            "product_uuid": None,
            "gpus": {**gpus, "driver": None, "driver_says": None, "pci_says": None},
            "disks": [],
            "containerd": "1.6.20",
            "kubelet": "1.34.2",
            **self.facts.get(name, {}),
        }

    def _ledger(self, name: str) -> dict[str, Any]:
        names = ("swap_off", "sysctl", "hosts_file", *self.more_steps)
        said = _layers("base", {step: self.untrue.get((name, step)) for step in names})
        words = self.owners[name].split() if name in self.owners else []
        keys = ("project", "stack", "site", "state", "since")
        if name in self.forgot:
            said = {"ok": False, "layers": []}
        return {**said, "owner": dict(zip(keys, [*words, SINCE], strict=True)) if words else None}

    def _tried(self, name: str, text: str) -> ssh.Result:
        steps = re.findall(r":: (\w+)@", text)
        return ssh.Result(0, json.dumps(_layers("preflight", {s: self.untrue.get((name, s)) for s in steps})), "")

    def _runner(self, name: str, answer: dict[str, Any]) -> ssh.Result:
        if name in self.bare:
            return ssh.Result(1, "", "sudo: /usr/local/sbin/gpu-metal: command not found\n")
        if name in self.damaged:
            says = "gpu-metal itself is damaged there: check.sh is lost or changed. Nothing was changed."
            return ssh.Result(1, "", f"✗ {name} [runner] {says} Fix: sitectl drift --record, then pulumi up\n")
        return ssh.Result(0 if answer.get("ok", True) else 1, json.dumps(answer), "")

    def _verified(self, name: str, text: str) -> ssh.Result:
        def section(part: str, out: str, status: int) -> str:
            return f"\x1e{part}\x1f{out}\x1f{status}"

        sections = []
        for part in re.findall(r"printf '\\036%s\\037' (\w+)", text):
            if part in {"check", "facts"}:
                answer = self._ledger(name) if part == "check" else self._facts(name)
                sections.append(section(part, *(("", 127) if name in self.bare else (json.dumps(answer), 0))))
            else:
                first = f"{time.time() + 300.5 * 86400:.0f} pki/apiserver.crt"
                signs_in = f"{time.time() - 65 * 86400:.0f}\n{time.time() + 300.5 * 86400:.0f}"
                others = {
                    "etcd": "9000\n20480\n2147483648",
                    "certificates": first,
                    "sign_in": signs_in,
                    "name_servers": "host 192.0.2.53 answers",
                }
                usual = others.get(part, "active")
                sections.append(section(part, self.units.get((name, part), usual) + "\n", 0))
        return ssh.Result(0, "".join(sections), "")

    def _nodes(self) -> str:
        labels = {
            "cp-1": {"node-role.kubernetes.io/control-plane": ""},
            "gpu-1": {"node-role.kubernetes.io/worker": "", "tier": "fast"},
            "gpu-2": {"node-role.kubernetes.io/worker": ""},
        }
        ready = {**dict.fromkeys(NAMES, "True"), **self.nodes}
        true = {n: f"{self.pressed.get(n, '')} Ready" if ready[n] == "True" else "" for n in NAMES}
        has = json.dumps({"cpu": "4", "memory": "16Gi"})
        cells = {n: [n, ready[n], true[n], "v1.34.2", json.dumps(labels[n]), has] for n in NAMES}
        return "".join("\t".join(cells[n]) + "\n" for n in NAMES if ready[n] != "gone")

    def _reviews(self, asked: list[dict[str, Any]]) -> ssh.Result:
        """Whether each one may; in the order of the questions."""
        allowed = [
            (each["spec"]["user"], each["spec"]["resourceAttributes"]["namespace"]) in self.members for each in asked
        ]
        return ssh.Result(0, "".join(f"{str(may).lower()}\n" for may in allowed), "")

    def _quotas(self) -> str:
        return "".join(f"{name}\t{json.dumps(hard)}\n" for name, hard in self.quotas.items())


def deployment(name: str, namespace: str, counts: str) -> str:
    """One as kubectl prints it; `counts` is AVAILABLE/WANTED."""
    available, wanted = ({"n": int(count)} if count else {} for count in counts.split("/"))
    status = {"availableReplicas": available["n"]} if available else {}
    metadata = {"name": name, "namespace": namespace}
    return json.dumps({"kind": "Deployment", "metadata": metadata, "spec": {"replicas": wanted["n"]}, "status": status})


def _layers(layer: str, steps: dict[str, str | None]) -> dict[str, Any]:
    rows = [{"step": step, "status": "drift" if says else "ok", "says": says or ""} for step, says in steps.items()]
    return {"host": "x", "ok": not any(steps.values()), "layers": [{"layer": layer, "steps": rows}]}


@dataclass
class Sitectl:
    """sitectl in a folder with the site of three hosts, talking to fake ones."""

    hosts: FakeHosts
    folder: Path

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [*words, "-C", str(self.folder)], input=stdin, env={"PULUMI_STACK": "dev"})

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)


PULUMI = """\
#!/bin/sh
# A pulumi that answers from files, FOLDER/<first three or two words>.out, and keeps its words and stdin.
folder=$(dirname "$0")
echo "$*" >>"$folder/asked"
case "$1 $2" in
  "stack import") cat >"$folder/imported" ;;
  *) if [ -f "$folder/$1 $2 $3.out" ]; then cat "$folder/$1 $2 $3.out"
  elif [ -f "$folder/$1 $2.out" ]; then cat "$folder/$1 $2.out"; else
    echo "error: $1 $2: no such thing" >&2
    exit 255
  fi ;;
esac
"""


@dataclass
class FakePulumi:
    """A pulumi on PATH that prints what it is told to."""

    folder: Path

    def says(self, words: str, text: str) -> None:
        (self.folder / f"{words}.out").write_text(text)

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []


def pulumi(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """The fixture's making."""
    folder.mkdir()
    (folder / "pulumi").write_text(PULUMI)
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return FakePulumi(folder)


def sitectl(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    """The fixture's making."""
    hosts = FakeHosts()
    (folder / "Pulumi.dev.yaml").write_text(SITE)
    (folder / "Pulumi.yaml").write_text("name: gpu-metal\nruntime: python\n")
    (folder / "known_hosts.dev").write_text("".join(f"{name} {key(name)}\n" for name in NAMES))
    monkeypatch.setattr(sites, "Fleet", partial(fleet.Fleet, ask=hosts.ask))
    # Where a real pulumi is on PATH, it has no state of the lab's.
    (folder / "state").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{folder / 'state'}")
    # No test ends what another run on this machine may have left.
    monkeypatch.setattr(orphans, "orphans", list)
    return Sitectl(hosts, folder)
