"""`sitectl registry` with its own script, on a real docker-registry of this machine.

Does not prove: that SSH carries the script, nor that systemd stops and starts the unit.
"""

import hashlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.hostrun import fleet
from components.hostrun.ssh import Result
from components.hostrun.target import Target
from lab.tools.debian import unpacked
from ops import site as sites
from tests.samples import ROOT
from tests.scripts.functions import shell
from tests.unit.fake_hosts import Sitectl

pytestmark = pytest.mark.row("N8", "C3")

KIND = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = 300_000


class Registry:
    """A registry with its configuration where the script looks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = unpacked("docker-registry") / "usr/bin/docker-registry"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.config = folder / "etc/gpu-metal-registry/config.yml"
        self.config.parent.mkdir(parents=True)
        self.config.write_text(
            f'version: 0.1\nstorage:\n  filesystem: {{rootdirectory: "{folder}/images"}}\n'
            f'  delete: {{enabled: true}}\nhttp: {{addr: "{self.address}"}}\n'
        )
        self.stub("systemctl", f'echo "$1" >>{folder}/asked; [ "$1" = start ] || kill $(cat {folder}/pid)')
        self.stub("runuser", 'shift 3; exec "$@"')
        self.stub("docker-registry", f'exec {self.program} "$@"')
        self.start()

    def stub(self, name: str, text: str) -> None:
        file = self.folder / "stub" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([self.program, "serve", self.config], stdout=log, stderr=log)
        (self.folder / "pid").write_text(str(self.process.pid))
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://{self.address}/v2/"):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def send(self, method: str, path: str, data: bytes, kind: str = "application/octet-stream") -> str:
        url = path if path.startswith("http") else f"http://{self.address}{path}"
        asked = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})  # noqa: S310 - its own
        with urllib.request.urlopen(asked) as answer:  # noqa: S310
            return str(answer.headers.get("Location") or "")

    def blob(self, name: str, data: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        place = self.send("POST", f"/v2/{name}/blobs/uploads/", b"")
        self.send("PUT", f"{place}&digest={digest}", data)
        return {"mediaType": "application/octet-stream", "digest": digest, "size": len(data)}

    def push(self, name: str, tag: str, *layers: bytes) -> dict[str, Any]:
        """An image; its descriptor."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": KIND,
            "config": self.blob(name, b"{}"),
            "layers": [self.blob(name, layer) for layer in layers],
        }
        return self.manifest(name, tag, manifest)

    def manifest(self, name: str, tag: str, manifest: dict[str, Any]) -> dict[str, Any]:
        data, kind = json.dumps(manifest).encode(), str(manifest["mediaType"])
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.send("PUT", f"/v2/{name}/manifests/{tag or digest}", data, kind)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def layers(self) -> int:
        """How many layers of ours are on the disk."""
        return len([file for file in (self.folder / "images").rglob("data") if file.stat().st_size == LAYER])

    async def ask(self, target: Target, command: str, *, stdin: bytes = b"", **_: object) -> Result:  # noqa: ARG002
        script = stdin.replace(b"/etc/", f"{self.folder}/etc/".encode())
        env = {"PATH": f"{self.folder / 'stub'}:{os.environ['PATH']}"}
        done = subprocess.run(shlex.split(command), input=script, env=env, capture_output=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def registry(ctl: Sitectl, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """With an image of the site, two tags of one image, and one for two kinds of processors."""
    if not unpacked("docker-registry").exists():
        pytest.skip("docker-registry is not here: python3 -m lab.tools.get debian")
    path = ctl.folder / "Pulumi.dev.yaml"
    image = f'images: {{"tools/own:1": {{archive: /srv/own.tar, sha256: {"a" * 64}}}}}'
    text = path.read_text().rstrip("\n")
    path.write_text(f"{text}\n    registry: {{host: cp-1, passwordSecret: registryPassword, {image}}}\n")
    made = Registry(ctl.folder)
    monkeypatch.setattr(sites, "Fleet", partial(fleet.Fleet, ask=made.ask))
    made.push("tools/own", "1", b"o" * LAYER)
    same = (b"a" * LAYER, b"b" * LAYER)
    made.push("jobs/ana", "1", *same)
    made.push("jobs/ana", "2", *same)
    parts = [made.push("jobs/ben", "", letter * LAYER) for letter in (b"x", b"y")]
    made.manifest("jobs/ben", "both", {"schemaVersion": 2, "mediaType": INDEX, "manifests": parts})
    yield made
    made.stop()
    shutil.rmtree(ctl.folder / "images")


def test_the_list_has_size_age_and_what_is_the_sites(ctl: Sitectl, registry: Registry) -> None:
    found = {each["name"]: each for each in ctl.json("registry", "list")["images"]}
    assert found.keys() == {"tools/own:1", "jobs/ana:1", "jobs/ana:2", "jobs/ben:both"}
    assert {name: each["site"] for name, each in found.items() if each["site"] == "yes"} == {"tools/own:1": "yes"}
    assert found["jobs/ana:1"]["days"] == "0"
    assert registry.layers() == 5


def test_space_comes_free_when_the_last_tag_goes(ctl: Sitectl, registry: Registry) -> None:
    done = ctl("registry", "clean", "jobs/ana:1", "--yes")
    assert done.exit_code == 0, done.stderr
    assert registry.layers() == 5  # the other tag has them still
    assert (registry.folder / "asked").read_text() == "stop\nstart\n"
    registry.process.wait()
    registry.start()
    done = ctl("registry", "clean", "jobs/*", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "goes: jobs/ana:2, 0.00 GiB, pushed 0 days ago" in done.stderr
    assert registry.layers() == 1  # those of both kinds of processors are gone, too
    assert [each["name"] for each in ctl.json("registry", "list")["images"]] == ["tools/own:1"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("tools/own:1", "--yes"), 0, "stays: tools/own:1, which the site names. To delete it, take it out of"),
        (("jobs/*", "--days", "3", "--yes"), 0, "No other image fits. Nothing was deleted."),
        (("jobs/eve:1", "--yes"), 2, "jobs/eve:1: the registry has no such image. Nothing was deleted. Fix: sitectl"),
        (("jobs/ana:1",), 2, "Nobody to ask here. Nothing was deleted."),
    ],
)
def test_what_must_stay_stays(ctl: Sitectl, registry: Registry, words: tuple[str, ...], code: int, says: str) -> None:
    done = ctl("registry", "clean", *words)
    assert (done.exit_code, says in done.stderr) == (code, True), done.stderr
    assert registry.layers() == 5
    assert not (registry.folder / "asked").exists()


def test_a_host_without_its_registry_is_named(ctl: Sitectl, registry: Registry) -> None:
    registry.config.rename(registry.folder / "away.yml")
    done = ctl("registry", "list")
    assert done.exit_code == 1
    assert "cp-1 [registry] has no registry of this project (" in done.stderr


@pytest.mark.parametrize(
    ("used", "says"), [(89, ""), (90, "the disk of the registry's folder /srv/images is 90 % full")]
)
def test_a_disk_that_fills_is_told(used: int, says: str) -> None:
    step = ROOT / "components/engine/steps/registry.sh"
    stub = f"df() {{ printf 'Filesystem\\n/dev/sdb 100 {used} {100 - used} {used}%% /srv\\n'; }}\n_growth"
    said = shell(step, stub, folder="/srv/images")
    assert said.startswith(says)
    assert bool(said) == bool(says)


def test_a_site_without_a_registry_says_so(ctl: Sitectl) -> None:
    done = ctl("registry", "list")
    assert done.exit_code == 2
    assert "The site has no registry. Fix: write registry into the site" in done.stderr
