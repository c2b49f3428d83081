"""Shifter's runtime by its steps on an emulated host: source, build, links, folders, udiRoot.conf, the module gpu.

The source is the lab's stand-in with upstream's build interface; compiler, autotools, tar, git and mounts are real.
Not proven here: upstream's own source, its sshd, Slurm's plugin, RHEL's names; that a driver works in a container.
"""

import base64
import io
import shlex
import tarfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.shifter import runtime
from components.platforms.shifter.config import Shifter
from lab.hosts import gpus
from lab.parts.shifter import depot
from tests.scripts.lab_host import HOST, LabHost, differences

pytestmark = pytest.mark.lab

NEW, OLD = "22.02.1", "16.08.5"
IMAGES = "/srv/images"
RUN = "setpriv --reuid 65534 --regid 65534 --clear-groups shifter --image=local:/"


def source(version: str = NEW) -> dict[str, Any]:
    archive = depot.archive(version)
    return {"version": version, "archive": {"url": archive.url, "sha256": archive.sha256}}


def config(**values: Any) -> Shifter:
    base = {
        "kind": "shifter",
        "system": "greina",
        "source": source(),
        "gateway": {"host": "gate"},
        "runtimes": [HOST.name],
        "images": {"path": IMAGES, "shared": False},
        "mungeSecret": "mungeKey",
    }
    return Shifter.model_validate({**base, **values})


def site(**more: Any) -> dict[str, Host]:
    named = {"gate": {"address": "10.3.0.1"}, HOST.name: {"address": "10.3.0.2", **more}}
    key = {"hostKey": "ssh-ed25519 AAAA"}
    return {name: Host.model_validate({"name": name, **key, **values}) for name, values in named.items()}


def wanted(of: Shifter, **more: Any) -> list[Step]:
    """All of the runtime on one host."""
    hosts = site(**more)
    return [*runtime.source(of), *runtime.steps(of, hosts[HOST.name], hosts), *runtime.ready(of, hosts[HOST.name])]


def changed(host: LabHost, of: Shifter, **more: Any) -> list[str]:
    done = host.apply("shifter", wanted(of, **more))
    return [step for step, what in done.items() if what == "changed"]


def refused(host: LabHost, of: Shifter) -> str:
    done = host.run("shifter", wanted(of))
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def before(spare: LabHost) -> Mapping[str, Any]:
    """The host has GPUs and came with their driver."""
    gpus.fit(spare.machine, "8 dgx-a100", gpus.DRIVER)
    return spare.snapshot()


@pytest.fixture(scope="module")
def host(spare: LabHost, before: Mapping[str, Any]) -> Iterator[LabHost]:  # noqa: ARG001
    """With the runtime."""
    spare.install()
    spare.apply("shifter", wanted(config()))
    yield spare
    spare.gpu_metal("remove")


def archive_of(files: Mapping[str, str]) -> bytes:
    """A tarball with one folder at its top."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"shifter-0/{name}")
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


MINI = {
    "autogen.sh": "#!/bin/sh\n[ -e fine ] || { echo 'configure.ac:1: error: no munge' >&2; exit 1; }\n",
    "configure.ac": "",
    "configure": """#!/bin/sh
for word; do case $word in --prefix=*) p=${word#*=} ;; --sysconfdir=*) s=${word#*=} ;; esac; done
cat >Makefile <<END
all:
	test ! -e slow || sleep 60
install:
	mkdir -p \\$(DESTDIR)$p/bin \\$(DESTDIR)$p/libexec/shifter \\$(DESTDIR)$s
	install -m 4755 program \\$(DESTDIR)$p/bin/shifter
	for name in bin/shifterimg libexec/shifter/mount; do install program \\$(DESTDIR)$p/\\$\\$name; done
	date >\\$(DESTDIR)$s/udiRoot.conf.example
END
""",
    "program": "#!/bin/sh\necho no image\n",
    "fine": "",
}
"""A source whose build is over at once."""


def put(host: LabHost, content: bytes, version: str = NEW) -> dict[str, Any]:
    """The source of this archive, which lies on the host."""
    host.bash("base64 -d >/srv/source", base64.b64encode(content).decode())
    return {"version": version, "archive": {"file": "/srv/source", "sha256": sha256(content).hexdigest()}}


@pytest.mark.row("F1", "F2")
def test_a_user_starts_a_container_and_nothing_is_done_twice(host: LabHost) -> None:
    assert host.bash(f"{RUN} -- cat /proc/self/mounts").count(" / ") >= 1
    assert host.bash(f"{RUN} -- sh -c 'id -u; echo $SHIFTER_RUNTIME'").split() == ["65534", "1"]
    assert host.bash("stat -c '%a %U' $(readlink -f /usr/bin/shifter)").strip() == "4755 root"
    for link in ("/usr/bin/shifterimg", "/usr/libexec/shifter/mount"):
        assert host.bash(f"readlink {link}").startswith("/opt/shifter/udiRoot/")
    assert changed(host, config()) == []
    assert host.check() == {}
    assert host.bash("ls -A /usr/src | grep -c gpu-metal || true").strip() == "0"


@pytest.mark.row("F6")
def test_the_module_gpu_brings_the_hosts_driver_and_devices(host: LabHost) -> None:
    gpu = {"gpu": {"model": "A100-SXM4-80GB", "count": 8}}
    library = f"/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{gpus.DRIVER}"
    link = library.replace(gpus.DRIVER, "1")
    host.bash(f"mv {library} /srv/away")
    done = host.run("shifter", wanted(config(), **gpu))
    assert "has no NVIDIA driver, which the module gpu brings into containers" in done.stderr
    host.bash(f"mv /srv/away {library}; ln -s {library} {link}")
    changed(host, config(), **gpu)
    inside = "ls -l /shifter-gpu/lib64; echo $LD_LIBRARY_PATH; command -v nvidia-smi; ls /dev/nvidia*"
    seen = host.bash(f"{RUN} --module=gpu -- sh -c {shlex.quote(inside)}")
    assert f"libnvidia-ml.so.1 -> libnvidia-ml.so.{gpus.DRIVER}" in seen
    assert "\n/shifter-gpu/lib64" in seen
    assert "\n/shifter-gpu/bin/nvidia-smi\n" in seen
    assert "/dev/nvidia7" in seen
    assert host.bash(f"{RUN} -- sh -c 'ls -d /shifter-gpu 2>&1 || true'").startswith("ls: ")
    assert changed(host, config(gpuDefault=True), **gpu) == ["shifter_udiroot"]
    assert "/shifter-gpu" in host.bash(f"{RUN} -- ls -d /shifter-gpu")
    assert host.check() == {}
    host.bash("mkdir /srv/mine; ln -s /srv/mine /shifter-gpu")  # an image's: of local:/ here
    assert "File exists" in host.bash(f"{RUN} -- true 2>&1 || true")
    assert host.bash("ls -A /srv/mine; rm /shifter-gpu; rmdir /srv/mine") == ""
    host.bash(f"rm {link}")
    changed(host, config())


@pytest.mark.row("F2")
def test_settings_that_the_version_refuses_are_said_with_its_own_words(host: LabHost) -> None:
    older = {**source(NEW), "archive": source(OLD)["archive"]}
    said = refused(host, config(source=older, udiRoot={"more": {"module_mpich_siteFs": "/srv:/mpich"}}))
    assert "shifter refuses /etc/shifter/udiRoot.conf: Couldn't understand key: module_mpich_siteFs. Fix:" in said
    assert changed(host, config(source=source(OLD))) == ["shifter_udiroot"]
    assert host.bash(f"{RUN} -- id -u").strip() == "65534"
    gone = config(source=source(OLD), udiRoot={"siteFs": ["/gpfs:/gpfs"]})
    assert "has no /gpfs, which udiRoot.siteFs mounts into containers" in refused(host, gone)


@pytest.mark.row("F1", "F2")
def test_it_is_built_again_for_another_source_or_switch_only(host: LabHost) -> None:
    quick = put(host, archive_of(MINI))
    assert changed(host, config(source=quick)) == ["shifter_source", "shifter_build", "shifter_udiroot"]
    assert host.bash("find /opt/shifter/udiRoot -type f | wc -l").strip() == "3"
    built = host.bash("cat /etc/shifter/udiRoot.conf.example")
    other = config(source=quick, system="daint", udiRoot={"more": {"gatewayTimeout": "10"}})
    assert changed(host, other) == ["shifter_udiroot"]
    assert host.bash("cat /etc/shifter/udiRoot.conf.example") == built
    assert changed(host, config(source={**quick, "configure": ["--enable-x"]})) == ["shifter_build", "shifter_udiroot"]
    git = {"url": depot.GIT, "revision": depot.revision(NEW)}
    host.apply("source", runtime.source(config(source={"version": NEW, "git": git})))
    assert host.bash("head -c 1 /usr/src/shifter/README.md; test ! -e /usr/src/shifter/.git")
    assert host.gpu_metal("undo source").returncode == 0
    changed(host, config(source=quick))


@pytest.mark.row("F1", "F2")
def test_what_was_cut_or_changed_is_said_and_mended(host: LabHost) -> None:
    of = config(source=put(host, archive_of(MINI)))
    changed(host, of)
    for damages in (
        {
            ": >/opt/shifter/udiRoot/bin/shifterimg": ("shifter_build", "has not what Shifter's build installed: "),
            "rm /usr/libexec/shifter/mount": ("shifter_links", "does not lead to"),
            "rmdir /var/udiMount": ("shifter_folders", "has no folder /var/udiMount"),
            "chmod g+w /etc/shifter/udiRoot.conf": ("shifter_udiroot", "is not root's with mode 644"),
            "useradd ana": ("shifter_etc", "/passwd differs from this host's"),
            f"rmdir {IMAGES}": ("shifter_images", "has no folder"),
        },
        {"chmod u-s /opt/shifter/udiRoot/bin/shifter": ("shifter_build", "is not root's with mode 4755")},
        {": >/usr/src/shifter/.gpu-metal": ("shifter_source", "is not Shifter's source of")},
        {"echo >>/usr/src/shifter/configure.ac": ("shifter_source", "is not as it was unpacked")},
    ):
        host.bash("; ".join(damages))
        seen = host.check()
        for damage, (step, says) in damages.items():
            assert says in seen[step][1], damage
        assert {step for step, _ in damages.values()} <= set(changed(host, of))
    assert host.check() == {}
    for mode in ("o+w", "g+w"):
        host.bash(f"chgrp games /opt/shifter; chmod {mode} /opt/shifter")
        says = "/opt/shifter can be changed by others than root, and root runs what is in /opt/shifter/udiRoot/libexec"
        assert host.check()["shifter_folders"][1].startswith(says)
        assert says in refused(host, of)
        host.bash("chmod go-w /opt/shifter; chgrp root /opt/shifter")
    host.bash("userdel -r ana 2>/dev/null")
    assert changed(host, of) == ["shifter_etc"]


@pytest.mark.row("F1")
def test_a_build_that_is_killed_or_fails_leaves_the_old_one_in_use(host: LabHost) -> None:
    good = put(host, archive_of(MINI))
    changed(host, config(source=good))
    slow = wanted(config(source=put(host, archive_of({**MINI, "slow": ""}))))
    words = "apply shifter " + " ".join(f":: {step.words()}" for step in slow)
    host.bash(
        f"systemd-run --quiet --collect --unit=cut bash -c {shlex.quote(f'gpu-metal {words} </dev/null')}\n"
        "until [ -e /usr/src/.shifter-build.gpu-metal/Makefile ]; do sleep 0.2; done; systemctl kill -s KILL cut"
    )
    assert host.bash("/usr/bin/shifter") == "no image\n"
    broken = {name: text for name, text in MINI.items() if name != "fine"}
    said = refused(host, config(source=put(host, archive_of(broken))))
    assert "Shifter does not build: configure.ac:1: error: no munge. Nothing was installed." in said
    assert host.bash("ls -A /usr/src | grep gpu-metal || true; /usr/bin/shifter") == "no image\n"
    changed(host, config(source=put(host, archive_of(MINI))))
    assert host.check() == {}


@pytest.mark.row("F1")
def test_another_source_than_the_named_one_is_not_used(host: LabHost) -> None:
    of = config(source=put(host, archive_of(MINI)))
    changed(host, of)
    right = source()
    wrong = {**right, "archive": {**right["archive"], "sha256": "0" * 64}}
    said = refused(host, config(source=wrong))
    assert f"has SHA-256 {right['archive']['sha256']}, wants {'0' * 64}. It was not used. Fix: compare with" in said
    strange = {"version": NEW, "git": {"url": depot.GIT, "revision": "0" * 40}}
    assert f"{depot.GIT} has no commit {'0' * 40}. Nothing was changed." in refused(host, config(source=strange))
    nothing = put(host, archive_of({"README": "no source\n"}))
    assert "is not a source of Shifter: it lacks autogen.sh" in refused(host, config(source=nothing))
    assert "is not a tar archive that this host can read" in refused(host, config(source=put(host, b"no archive")))
    put(host, archive_of(MINI))
    assert changed(host, of) == []
    assert host.check() == {}
    host.bash("mv /usr/src/shifter /usr/src/mine; mkdir /usr/src/shifter")
    assert "has a folder /usr/src/shifter that is not ours" in refused(host, of)
    host.bash("rmdir /usr/src/shifter; mv /usr/src/mine /usr/src/shifter")


@pytest.mark.row("F2")
def test_hosts_see_the_gateways_images_or_say_that_they_do_not(host: LabHost) -> None:
    quick = put(host, archive_of(MINI))
    shared = config(source=quick, images={"path": "/srv/shared"})
    assert "has not the gateway's images in /srv/shared. Fix: mount the filesystem" in refused(host, shared)
    gate = config(images={"path": "/srv/shared"}, gateway={"host": HOST.name, "user": "nobody"})  # its group is nogroup
    host.bash("install -d -o nobody /srv/shared")
    # Here it stands for the host of the gateway.
    host.apply("gateway", runtime.images(gate, site()[HOST.name], {HOST.name: site()["gate"]}))
    changed(host, shared)
    assert host.check() == {}
    # Another site has a system of that name.
    mark = "/srv/shared/.gpu-metal"
    host.bash(f"cp -p {mark} /run/mark; echo 'Images of lab, by the gateway http://10.9.9.9:5000.' >{mark}")
    said = refused(host, shared)
    assert (
        "has other images in /srv/shared: 'Images of lab, by the gateway http://10.9.9.9:5000.', wants 'Images of"
        in said
    )
    host.bash(f"mv /run/mark {mark}")
    assert host.gpu_metal("undo gateway").returncode == 0
    assert host.bash("ls -A /srv/shared; rmdir /srv/shared") == ""


@pytest.mark.row("F1", "F2")
def test_taken_away_it_leaves_nothing(spare: LabHost, host: LabHost, before: Mapping[str, Any]) -> None:
    host.bash("rm -f /srv/source")
    host.remove()
    left = differences(before, spare.snapshot())
    assert set(left) <= {"perl-base:amd64"}, left  # autoconf's perl brings it in its own version; it is not taken back
    assert spare.bash("ls -A /opt") == ""
