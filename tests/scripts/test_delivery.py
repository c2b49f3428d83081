"""A vendor's archive by its steps on an emulated host, which has the registry too: unpacked, pushed, gone on, gone.

Not proven here: a real vendor's archive, gigabytes, a registry on another host, an engine's trust.
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

from components.delivery.config import Delivery
from components.delivery.steps import Target, ready, steps
from components.engine.config import Registry
from components.engine.registry import registry
from components.hostrun.step import Step
from lab.depot import oci
from lab.tools.debian import unpacked
from tests.scripts.lab_host import LabHost, differences, site_host

pytestmark = [pytest.mark.lab, pytest.mark.row("R2")]

ARCHIVE, FOLDER = "/srv/vendor.tar.gz", "/srv/deliveries"
SECRETS = {"registry": "correct horse"}


def packed(folder: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if (folder / "deploy").exists() else "w") as tar:
        tar.add(folder, arcname=".")
    return out.getvalue()


def saved(folder: Path, name: str) -> bytes:
    """As docker save writes it: the blobs of an OCI layout, by a manifest.json."""
    [entry] = json.loads((folder / "index.json").read_text())["manifests"]
    blob = folder / "blobs" / "sha256"
    manifest = json.loads((blob / entry["digest"].partition(":")[2]).read_text())
    layers = [f"blobs/sha256/{each['digest'].partition(':')[2]}" for each in manifest["layers"]]
    config = f"blobs/sha256/{manifest['config']['digest'].partition(':')[2]}"
    (folder / "manifest.json").write_text(json.dumps([{"Config": config, "RepoTags": [name], "Layers": layers}]))
    return packed(folder)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two images, one of each kind, and a chart; a note that is neither."""
    folder = tmp_path_factory.mktemp("vendor")
    program = {"bin/true": unpacked("busybox-static") / "bin" / "busybox"}
    oci.layout(folder / "a", "none", program, ["/bin/true"], "amd64")
    oci.layout(folder / "b", "vendor.example.org/team/tool:2", program, ["/bin/true", "b"], "amd64")
    for name in ("images", "chart/control-plane"):
        (folder / "whole/deploy" / name).mkdir(parents=True)
    deploy = folder / "whole/deploy"
    (deploy / "images/a.tar").write_bytes(saved(folder / "a", "nvcr.io/vendor/app:1"))
    (deploy / "images/b.tar").write_bytes(packed(folder / "b"))
    (deploy / "chart/control-plane/Chart.yaml").write_text('name: control-plane\nversion: "3.0.0" # the newest\n')
    with tarfile.open(deploy / "chart/control-plane-3.0.0.tgz", "w:gz") as tar:
        tar.add(deploy / "chart/control-plane", arcname="control-plane")
    (deploy / "setup.sh").write_text("exit 1\n")
    return packed(folder / "whole")


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any], archive: bytes) -> Iterator[LabHost]:  # noqa: ARG001
    """With the registry, and the vendor's archive."""
    spare.bash(f"base64 -d >{ARCHIVE}", base64.b64encode(archive).decode())
    spare.install()
    own = {"host": spare.machine.name, "passwordSecret": "registry", "folder": "/srv/registry", "port": 5001}
    spare.apply("registry", registry(Registry.model_validate(own), site_host()), SECRETS)
    yield spare


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    return spare.snapshot()


def delivery(host: LabHost, archive: bytes, **more: Any) -> Delivery:
    values = {"host": host.machine.name, "file": ARCHIVE, "sha256": hashlib.sha256(archive).hexdigest()}
    return Delivery.model_validate({**values, "folder": FOLDER, "freeGb": 0, **more})


def wanted(host: LabHost, archive: bytes, *charts: str, **more: Any) -> list[Step]:
    to = Target(f"{host.machine.name}:5001/vendor", "site", "registry")
    return steps(delivery(host, archive, **more), "app", charts or ("control-plane=3.0.0",), to)


def refused(host: LabHost, of: list[Step], secrets: Mapping[str, str] = SECRETS) -> str:
    done = host.run("app", of, secrets)
    assert done.returncode == 1, done.stderr
    return done.stderr


def tags(host: LabHost, name: str) -> set[str]:
    folder = "/etc/gpu-metal-registry"
    asked = f"skopeo list-tags --cert-dir {folder}/client --authfile {folder}/auth.json"
    return set(json.loads(host.bash(f"{asked} docker://$(cat {folder}/address)/{name}"))["Tags"])


def pushed(host: LabHost) -> str:
    return host.bash("cat $(ls -t /var/lib/gpu-metal/log/app/*delivery_images*) | grep -m 1 ^pushed")


def test_what_is_wrong_with_an_archive_is_said_before_it_is_used(host: LabHost, archive: bytes) -> None:
    free = host.questions([ready(delivery(host, archive, freeGb=10**6), "app")])["delivery_ready#app"]
    assert (
        f"GB free for {FOLDER}, and the archive of app needs 1000000 GB. Nothing was unpacked. Fix: make room" in free
    )
    none = host.questions([ready(delivery(host, archive, file="/srv/none"), "app")])["delivery_ready#app"]
    assert none.startswith("has no file /srv/none, wants the archive of app there. Fix: copy it to this host, or")
    assert host.questions([ready(delivery(host, archive), "app")]) == {}
    says = refused(host, wanted(host, archive, sha256="0" * 64))
    assert f"has SHA-256 {hashlib.sha256(archive).hexdigest()}, wants {'0' * 64}. It was not used. Fix: copy" in says
    cut = archive[: len(archive) // 2]
    host.bash("base64 -d >/srv/cut", base64.b64encode(cut).decode())
    assert "The archive of app cannot be unpacked in" in refused(host, wanted(host, cut, file="/srv/cut"))
    assert host.bash(f"ls -A {FOLDER}; rm /srv/cut") == ""


def test_images_are_pushed_and_a_cut_run_goes_on(host: LabHost, archive: bytes) -> None:
    host.bash("systemctl stop gpu-metal-registry")
    says = refused(host, wanted(host, archive))
    assert "cannot push nvcr.io/vendor/app:1 to" in says
    assert "Images that were pushed stay. Fix: let this host reach" in says
    host.bash("systemctl start gpu-metal-registry; sleep 1")
    login = refused(host, wanted(host, archive), {"registry": "wrong"})
    assert "correct registry.username and the secret of registry.passwordSecret; then pulumi up" in login
    host.apply("app", wanted(host, archive), SECRETS)
    for names in (("vendor/app", "vendor/tool"), ("vendor/app", "team/tool")):
        assert [tags(host, name) for name in names] == [{"1"}, {"2"}]
    assert set(host.apply("app", wanted(host, archive), SECRETS).values()) == {"unchanged"}
    assert host.check() == {}
    host.bash("rm -r /srv/registry/docker/registry/v2/repositories/vendor/tool/_manifests/tags/2")
    assert "the registry has nothing as" in host.check()["delivery_images"][1]
    host.apply("app", wanted(host, archive), SECRETS)
    assert pushed(host).startswith("pushed 1 of 3 images to ")
    assert tags(host, "vendor/tool") == {"2"}


def test_what_was_unpacked_is_watched_and_charts_are_of_the_sites_version(host: LabHost, archive: bytes) -> None:
    place = delivery(host, archive).place("app")
    host.bash(f"truncate -s 1 {place}/deploy/setup.sh")
    assert host.check()["delivery_unpacked"][1] == f"{place} is not as it was unpacked"
    assert host.apply("app", wanted(host, archive), SECRETS)["delivery_unpacked"] == "changed"
    says = refused(host, wanted(host, archive, "control-plane=3.0.1"))
    assert "the archive of app has no chart control-plane 3.0.1 in it; it has control-plane 3.0.0. Fix: " in says


def test_a_fetched_archive_leaves_no_second_copy(host: LabHost, archive: bytes) -> None:
    host.apply("app", wanted(host, archive, file=None, url=f"file://{ARCHIVE}", folder="/srv/other"), SECRETS)
    assert host.bash("ls -A /srv/other").split() == [Path(delivery(host, archive).place("app")).name]
    assert host.bash(f"ls -d {FOLDER} 2>&1 || true").endswith("No such file or directory\n")
    assert host.bash(f"ls {ARCHIVE}") == f"{ARCHIVE}\n"


def test_two_images_of_one_name_need_their_paths(host: LabHost, archive: bytes) -> None:
    host.bash(
        "sed -i 's|vendor.example.org/team/tool:2|other.example.org/app:1|' /var/lib/gpu-metal/deliveries/app/images"
    )
    says = refused(host, wanted(host, archive, folder="/srv/other"))
    assert "nvcr.io/vendor/app:1 and other.example.org/app:1 would both be" in says
    assert "Nothing was pushed. Fix: package.names: path, and engine.mirrors with" in says


def test_gone_from_the_site_the_files_go_and_the_registry_keeps_the_images(
    before: Mapping[str, Any], host: LabHost
) -> None:
    done = host.gpu_metal("undo app")
    assert done.returncode == 0, done.stderr
    assert f"left: 3 images in {host.machine.name}:5001, which pods may need" in done.stdout + done.stderr
    assert tags(host, "vendor/app") == {"1"}
    assert SECRETS["registry"] not in host.bash("cat /var/lib/gpu-metal/log/*/* /var/lib/gpu-metal/ledger/*")
    host.remove()
    host.bash(f"rm -r /srv/registry {ARCHIVE}")
    assert differences(before, host.snapshot()) == {}
