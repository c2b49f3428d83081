"""The private registry by its steps on an emulated host, and containerd that pulls from it: trust, login, mirrors.

One host is the registry and its client. Not proven here: docker-distribution (RHEL's), other hosts than its own,
certificates of a real authority.
"""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.engine import steps
from components.engine.config import Containerd, Registry
from components.engine.registry import registry, registry_checks
from components.host.config import Host
from components.hostrun.step import Step
from lab.depot import oci
from lab.hosts import faults
from lab.tools.debian import unpacked
from tests.scripts.lab_host import LabHost, differences

pytestmark = [pytest.mark.lab, pytest.mark.row("C3")]

PASSWORD = "correct horse $1"
SECRETS = {"registry": PASSWORD}
ARCHIVE = "/srv/true.tar"
DATA = "/srv/registry"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An OCI archive whose image runs to its end."""
    folder = tmp_path_factory.mktemp("image")
    program = unpacked("busybox-static") / "bin" / "busybox"
    oci.layout(folder / "oci", "1", {"bin/true": program}, ["/bin/true"], "amd64")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder / "oci", arcname=".")
    return packed.getvalue()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any], archive: bytes) -> Iterator[LabHost]:  # noqa: ARG001
    """With the registry and two tags of one image."""
    spare.bash(f"base64 -d >{ARCHIVE}", base64.b64encode(archive).decode())
    spare.install()
    made(spare, images(archive, "tools/true:1", "tools/true:2"))
    yield spare
    spare.gpu_metal("remove")


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    return spare.snapshot()


def images(archive: bytes, *names: str, **more: Any) -> dict[str, Any]:
    entry = {"archive": ARCHIVE, "sha256": hashlib.sha256(archive).hexdigest(), **more}
    return {"images": dict.fromkeys(names, entry)}


def wanted(host: LabHost, values: Mapping[str, Any], certificate: str | None = None) -> list[Step]:
    base = {"host": host.machine.name, "passwordSecret": "registry", "folder": DATA, "port": 5001}
    config = Registry.model_validate({**base, **values})
    machine = {"name": host.machine.name, "address": host.machine.address, "hostKey": "ssh-ed25519 AAAA"}
    return registry(config, Host.model_validate(machine), certificate=certificate)


def made(host: LabHost, values: Mapping[str, Any], **more: Any) -> dict[str, str]:
    """`changed` or `unchanged` for each step."""
    return host.apply("registry", wanted(host, values), {**SECRETS, **more})


def refused(host: LabHost, values: Mapping[str, Any]) -> str:
    done = host.run("registry", wanted(host, values), SECRETS)
    assert done.returncode == 1
    return done.stderr


def authority(host: LabHost) -> str:
    return host.bash("cat /etc/gpu-metal-registry/ca.crt")


def tags(host: LabHost) -> set[str]:
    """What the registry says itself."""
    folder = "/etc/gpu-metal-registry"
    asked = f"skopeo list-tags --cert-dir {folder}/client --authfile {folder}/auth.json"
    return set(json.loads(host.bash(f"{asked} docker://$(cat {folder}/address)/tools/true"))["Tags"])


def test_images_are_pushed_over_tls_with_a_password_and_nothing_twice(
    before: Mapping[str, Any], host: LabHost, archive: bytes
) -> None:
    assert DATA not in before["files"]
    assert tags(host) == {"1", "2"}
    assert set(made(host, images(archive, "tools/true:1", "tools/true:2")).values()) == {"unchanged"}
    assert host.check() == {}
    inspect = f"skopeo inspect --cert-dir /etc/gpu-metal-registry/client docker://{host.machine.name}:5001/tools/true:1"
    assert "authentication required" in host.bash(f"{inspect} 2>&1 || true")
    strange = f"skopeo inspect --creds site:wrong docker://{host.machine.name}:5001/tools/true:1"
    assert "certificate signed by unknown authority" in host.bash(f"{strange} 2>&1 || true")
    assert host.bash("systemctl is-active docker-registry || true") == "inactive\n"


def test_no_secret_is_readable(host: LabHost) -> None:
    logs = host.bash("cat /var/lib/gpu-metal/log/*/* /var/lib/gpu-metal/ledger/*; journalctl -o cat")
    assert PASSWORD not in logs
    assert base64.b64encode(f"site:{PASSWORD}".encode()).decode() not in logs
    open_files = host.bash("find /etc/gpu-metal-registry -perm /o+r -type f -printf '%f\\n' | sort").split()
    assert open_files == ["address", "ca.crt", "ca.crt", "config.yml", "tls.crt"]


@pytest.mark.row("C1", "C2", "C4")
def test_containerd_pulls_from_it_by_login_and_authority_and_as_a_mirror(host: LabHost) -> None:
    name = f"{host.machine.name}:5001"
    values = {"package": "containerd", "cgroupDriver": "cgroupfs", "verifyImage": f"{name}/tools/true:1"}
    login = {"logins": {name: {"user": "site", "passwordSecret": "registry"}}}
    config = Containerd.model_validate({**values, **login, "mirrors": {"example.org": [f"https://{name}"]}})
    made_of = steps.engine(config, authorities={name: authority(host)})
    done = host.run("engine", made_of, SECRETS)
    assert done.returncode == 0, done.stderr
    assert host.check() == {}
    pull = "ctr images pull --hosts-dir /etc/containerd/certs.d example.org/tools/true:2"
    assert "done" in host.bash(pull)
    modes = host.bash("stat -c '%a %n' /etc/containerd/certs.d/*/hosts.toml /var/lib/kubelet/config.json")
    assert {line.split()[0] for line in modes.splitlines()} == {"600"}
    host.bash("rm /etc/containerd/certs.d/*/hosts.toml /var/lib/gpu-metal/container-ran")
    failed = host.run("engine", made_of, {"registry": "wrong"})
    assert "tools/true:1 does not run as root: " in failed.stderr
    assert "401 Unauthorized" in failed.stderr


@pytest.mark.row("C2")
def test_an_insecure_registry_is_asked_by_any_means(host: LabHost) -> None:
    name = f"{host.machine.name}:5001"
    config = {"package": "containerd", "insecureRegistries": ["10.213.77.1:5000", name]}
    login = {name: {"user": "site", "passwordSecret": "registry"}}
    done = host.run("engine", steps.engine(Containerd.model_validate({**config, "logins": login})), SECRETS)
    assert done.returncode == 0, done.stderr
    for image in ("10.213.77.1:5000/busybox:1.36", f"{name}/tools/true:1"):
        assert "done" in host.bash(f"ctr images pull --hosts-dir /etc/containerd/certs.d {image}")
    host.bash("ctr images rm $(ctr images ls -q)")
    assert host.gpu_metal("undo engine").returncode == 0


def test_a_dropped_tag_goes_alone_and_the_last_with_its_layers(host: LabHost, archive: bytes) -> None:
    made(host, images(archive, "tools/true:2"))
    assert tags(host) == {"2"}
    blobs = f"find {DATA}/docker/registry/v2/blobs -name data | wc -l"
    assert int(host.bash(blobs)) == 3
    made(host, {})
    assert host.bash(blobs) == "0\n"
    made(host, images(archive, "tools/true:1", "tools/true:2"))


def test_drift_is_what_the_registry_says(host: LabHost, archive: bytes) -> None:
    both = images(archive, "tools/true:1", "tools/true:2")
    host.bash(f"rm -r {DATA}/docker/registry/v2/repositories/tools/true/_manifests/tags/1")
    assert host.check()["registry_images"][1].startswith("the registry has nothing as tools/true:1, wants sha256:")
    made(host, both)
    host.bash("sed -i 's/delete: {enabled: true}/delete: {enabled: false}/' /etc/gpu-metal-registry/config.yml")
    says = "/etc/gpu-metal-registry/config.yml does not let images be deleted, and the site's registry does"
    assert host.check()["registry"][1].startswith(says)
    made(host, both)
    host.bash("systemctl stop gpu-metal-registry")
    assert host.check()["registry"][1].startswith("gpu-metal-registry does not run. Fix: journalctl -u ")
    made(host, both)
    assert host.check() == {}


def test_bad_archives_push_nothing(host: LabHost, archive: bytes) -> None:
    wrong = images(archive, "tools/new:1", sha256="0" * 64)
    says = refused(host, wrong)
    assert f"{ARCHIVE} has SHA-256 {hashlib.sha256(archive).hexdigest()}, wants {'0' * 64}. Nothing was pushed." in says
    assert "Fix: copy the archive again, or correct registry.images.tools/new:1.sha256" in says
    said = host.questions(registry_checks(Registry.model_validate(_config(host, "/srv/none.tar"))))
    assert said["registry_ports"].startswith("has no file /srv/none.tar, which registry.images names. Fix: copy it")
    made(host, images(archive, "tools/true:1", "tools/true:2"))


def _config(host: LabHost, archive: str) -> dict[str, Any]:
    image = {"archive": archive, "sha256": "0" * 64}
    return {"host": host.machine.name, "passwordSecret": "registry", "port": 5001, "images": {"a:1": image}}


def test_a_full_disk_is_told_before_the_push(host: LabHost, archive: bytes) -> None:
    host.bash("systemctl stop gpu-metal-registry")
    with faults.full_disk(host.machine, DATA, size="512k", inodes=200):
        says = refused(host, images(archive, "tools/true:1"))
        host.bash("systemctl stop gpu-metal-registry")
    assert f"{DATA} has 0 MB free, {ARCHIVE} needs " in says
    assert "Fix: free some space there, or give registry.folder another disk" in says
    made(host, images(archive, "tools/true:1", "tools/true:2"))


def test_the_hosts_certificate_is_renewed_under_the_same_authority(host: LabHost, archive: bytes) -> None:
    both = images(archive, "tools/true:1", "tools/true:2")
    folder, trusted = "/etc/gpu-metal-registry", authority(host)
    short = "openssl x509 -req -in - -CA ca.crt -CAkey ca.key -CAcreateserial -days 9 -out tls.crt 2>/dev/null"
    host.bash(f"cd {folder}; openssl req -new -key tls.key -subj /CN=x | {short}")
    assert "the registry's certificate ends on " in host.check()["registry_certificate"][1]
    assert {"registry_certificate", "registry"} <= {k for k, v in made(host, both).items() if v == "changed"}
    assert authority(host) == trusted
    assert host.check() == {}


def test_a_certificate_of_the_site_must_be_for_the_host(host: LabHost, archive: bytes, tmp_path: Path) -> None:
    both = images(archive, "tools/true:1", "tools/true:2")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=x -keyout /run/k -out /run/c -addext"
    for name, right in (("other.example.org", False), (host.machine.name, True)):
        host.bash(f"{make} subjectAltName=DNS:{name} 2>/dev/null")
        secrets = {**SECRETS, "key": host.bash("cat /run/k")}
        site = wanted(host, {**both, "certificate": str(tmp_path), "keySecret": "key"}, host.bash("cat /run/c"))
        done = host.run("registry", site, secrets)
        assert done.returncode == (0 if right else 1), done.stderr
        if not right:
            assert f"is for DNS:other.example.org, wants one of {host.machine.name} " in done.stderr
    assert host.check() == {}
    host.bash("rm /run/k /run/c")


def test_the_registry_goes_and_leaves_what_others_pushed(
    before: Mapping[str, Any], host: LabHost, archive: bytes
) -> None:
    made(host, images(archive, "tools/true:1"))
    folder = "/etc/gpu-metal-registry"
    copy = f"skopeo --insecure-policy copy --dest-cert-dir {folder}/client --dest-authfile {folder}/auth.json"
    host.bash(f"{copy} oci-archive:{ARCHIVE} docker://$(cat {folder}/address)/people/own:1")
    done = host.gpu_metal("remove")
    assert done.returncode == 0
    assert f"[registry] left: images in {DATA}" in done.stderr
    left = host.bash(f"find {DATA} -name '*.json' -o -name data | wc -l")
    assert int(left) == 3
    host.bash(f"rm -r {DATA} {ARCHIVE}")
    assert differences(before, host.snapshot()) == {}
