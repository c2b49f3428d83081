"""The depot as hosts see it: on the bridge, with the tools' real output.

Does not prove: that these images make a cluster (test_site does), or that upstream's repositories behave the same.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.depot import debs, images, oci, process, service, signing
from lab.hosts import faults, lab
from lab.hosts.inventory import LabError
from lab.paths import SIGNING_KEY, TOOLS_BIN
from tests.scripts.lab_host import HOST, LabHost, fresh
from versions import KUBERNETES

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("running")]

REGISTRY = "10.213.77.1:5000"
APT = "http://10.213.77.1:8080/apt"
DEBIAN = "http://10.213.77.1:8080/debian"
CHARTS = "http://10.213.77.1:8080/charts"


@pytest.fixture(scope="module")
def running() -> None:
    """The depot runs; no host is needed for most of these tests."""
    lab.serve(lambda _: None)


@pytest.fixture(scope="module")
def spare() -> Iterator[LabHost]:
    """A host as it is after installation."""
    with fresh(HOST) as host:
        yield host


def _run(*argv: str | Path, status: int = 0) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def test_second_start_changes_nothing() -> None:
    before = service.status()
    service.start()
    assert service.status() == before
    assert before.count("on (process") == 2


def test_registry_has_every_image_that_kubeadm_names() -> None:
    wanted = _run(TOOLS_BIN / "kubeadm", "config", "images", "list", "--kubernetes-version", f"v{KUBERNETES}").split()
    assert len(wanted) == 7
    for image in [*wanted, f"registry.k8s.io/{images.BUSYBOX}"]:
        name = image.removeprefix("registry.k8s.io/")
        seen = json.loads(_run("skopeo", "inspect", "--tls-verify=false", f"docker://{REGISTRY}/{name}"))
        assert (seen["Os"], seen["Architecture"]) == ("linux", _run("dpkg", "--print-architecture").strip())


def test_programs_are_what_the_image_names_say() -> None:
    tags = dict(name.rsplit(":", 1) for name in images.names())
    etcd = re.search(r"etcd Version: (\S+)", _run(TOOLS_BIN / "etcd", "--version"))
    coredns = re.search(r"CoreDNS-(\S+)", _run(TOOLS_BIN / "coredns", "-version"))
    assert etcd and tags["etcd"].startswith(f"{etcd[1]}-")
    assert coredns and tags["coredns/coredns"] == f"v{coredns[1]}"
    assert _run(TOOLS_BIN / "kube-apiserver", "--version") == f"Kubernetes {tags['kube-apiserver']}\n"


def test_kube_proxy_image_holds_all_that_kube_proxy_calls(tmp_path: Path) -> None:
    root = _unpack("kube-proxy", f"v{KUBERNETES}", tmp_path)
    assert "nf_tables" in _run("chroot", root, "iptables", "--version")
    assert "nf_tables" in _run("chroot", root, "ip6tables-restore", "--version")
    assert "conntrack" in _run("chroot", root, "conntrack", "--version")
    # Loads every match and target that its rules use: a missing extension is an error here, without a rule being set.
    for module in ("comment", "conntrack", "mark", "statistic", "recent", "multiport"):
        assert f"{module} match options" in _run("chroot", root, "iptables", "-m", module, "--help")
    assert _run("chroot", root, "/usr/local/bin/kube-proxy", "--version") == f"Kubernetes v{KUBERNETES}\n"


def test_busybox_image_has_a_shell_and_its_applets(tmp_path: Path) -> None:
    root = _unpack("busybox", images.BUSYBOX.rpartition(":")[2], tmp_path)
    assert _run("chroot", root, "sh", "-c", "echo $((6 * 7)) | wc -l") == "1\n"


def test_same_tools_give_the_same_digest(tmp_path: Path) -> None:
    name = next(name for name in images.names() if name.startswith("pause:"))
    files, entrypoint = images.content(name)
    oci.layout(tmp_path / "pause", "x", files, entrypoint, _run("dpkg", "--print-architecture").strip())
    made = json.loads((tmp_path / "pause" / "index.json").read_text())["manifests"][0]["digest"]
    assert json.loads(_run("skopeo", "inspect", "--tls-verify=false", f"docker://{REGISTRY}/{name}"))["Digest"] == made


def test_apt_repository_is_signed_by_the_key_that_sites_get(tmp_path: Path) -> None:
    signed, ring = tmp_path / "InRelease", tmp_path / "key.gpg"
    signed.write_bytes(_get(f"{APT}/InRelease"))
    assert _get(f"{APT}/key.asc") == SIGNING_KEY.read_bytes()
    _run("gpg", "--homedir", tmp_path, "--dearmor", "--output", ring, SIGNING_KEY)
    _run("gpgv", "--keyring", ring, signed)
    signed.write_text(signed.read_text().replace("gpu-metal lab", "somebody else"))
    _run("gpgv", "--keyring", ring, signed, status=1)


def test_apt_index_matches_what_is_served() -> None:
    release = _get(f"{APT}/Release").decode()
    packages = _get(f"{APT}/Packages")
    assert f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n" in release
    entries = re.findall(r"^Filename: \./(\S+)\nSize: (\d+)\nSHA256: (\S+)$", packages.decode(), re.M)
    assert {"kubeadm", "kubelet", "nvidia-open"} <= {name.partition("_")[0] for name, _, _ in entries}
    assert len(entries) == packages.count(b"Package: ")
    for name, size, digest in entries:
        content = _get(f"{APT}/{name}")
        assert (str(len(content)), hashlib.sha256(content).hexdigest()) == (size, digest)


def test_debians_packages_are_the_mirrors_and_fetched_when_asked_for() -> None:
    packages = _get(f"{DEBIAN}/dists/bookworm/main/binary-{signing.architecture()}/Packages").decode()
    [hello] = [stanza for stanza in packages.split("\n\n") if stanza.startswith("Package: hello\n")]
    said = dict(line.split(": ", 1) for line in hello.splitlines() if line[0] != " ")
    kept = service.POOL / said["Filename"]
    kept.unlink(missing_ok=True)
    assert hashlib.sha256(_get(f"{DEBIAN}/{said['Filename']}")).hexdigest() == said["SHA256"]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == said["SHA256"]
    for other in ("pool/main/h/hello/hello_0_all.deb", "pool/../../../apt/gnupg/trustdb.gpg"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            _get(f"{DEBIAN}/{other}")


def test_private_key_is_root_only_and_not_served() -> None:
    assert (signing.FOLDER / "gnupg").stat().st_mode & 0o077 == 0
    served = [Path(folder) / name for folder, _, names in os.walk(service.SITE, followlinks=True) for name in names]
    assert SIGNING_KEY.name in {file.name for file in served}
    assert not [file for file in served if b"PRIVATE KEY" in file.read_bytes() or "gnupg" in str(file.resolve())]


@pytest.mark.parametrize("key", ["ours", "another"])
def test_host_installs_kubernetes_only_from_the_signed_repository(key: str, spare: LabHost) -> None:
    text = SIGNING_KEY.read_text() if key == "ours" else _another_key()
    version = debs.VERSION
    script = f"""
        set -eu
        folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; chmod 755 "$folder"
        cat > "$folder/key.asc"
        printf 'deb [signed-by=%s] {APT} ./\\n' "$folder/key.asc" > "$folder/list"
        cat /etc/apt/sources.list >> "$folder/list"
        mkdir -p "$folder/lists/partial"
        options="-o Dir::Etc::SourceList=$folder/list -o Dir::Etc::SourceParts=/dev/null"
        options="$options -o Dir::State::Lists=$folder/lists"
        apt-get $options -o APT::Update::Error-Mode=any -qq update
        # As if nothing were installed: the answer does not depend on what this host has.
        options="$options -o Dir::State::Status=/dev/null"
        apt-get $options -qq install --simulate kubeadm={version} kubelet={version} kubectl={version}
    """
    done = faults.run_in(spare.machine, ["bash", "-c", script], stdin=text, check=False)
    if key == "ours":
        assert done.returncode == 0, done.stderr
        assert {f"Inst {name}" for name in ("kubeadm", "kubelet", "kubectl", "kubernetes-cni", "conntrack")} <= {
            " ".join(line.split()[:2]) for line in done.stdout.splitlines()
        }
    else:
        assert done.returncode != 0
        assert "NO_PUBKEY" in done.stderr


def test_packages_have_the_modes_and_units_of_a_host(tmp_path: Path) -> None:
    (kubelet,) = debs.repository().glob("kubelet_*.deb")
    (kubeadm,) = debs.repository().glob("kubeadm_*.deb")
    listed = _run("dpkg-deb", "--contents", kubelet)
    assert re.search(r"^drwxr-xr-x root/root .* \./var/lib/kubelet/$", listed, re.M)
    assert re.search(r"^-rwxr-xr-x root/root .* \./usr/bin/kubelet$", listed, re.M)
    for deb in (kubelet, kubeadm):
        _run("dpkg-deb", "-x", deb, tmp_path)
    units = tmp_path / "usr" / "lib" / "systemd" / "system"
    for target in Path("/lib/systemd/system").glob("*.target"):
        shutil.copy(target, units)
    _run("systemd-analyze", "verify", "--root", tmp_path, "--man=no", units / "kubelet.service")


def test_chart_repository_serves_charts_that_render(tmp_path: Path) -> None:
    helm = (TOOLS_BIN / "helm", "--repository-config", tmp_path / "none", "--repository-cache", tmp_path)
    _run(*helm, "pull", "smoke", "--repo", CHARTS, "--version", "0.1.0", "--destination", tmp_path)
    shown = _run(*helm, "template", "probe", tmp_path / "smoke-0.1.0.tgz")
    assert f"image: registry.k8s.io/{images.BUSYBOX}" in shown


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A depot of the test's own on a loopback address; it serves the real packages."""
    monkeypatch.setattr(process, "RUN", tmp_path / "run")
    monkeypatch.setattr(process, "LOG", tmp_path / "log")
    monkeypatch.setattr(service, "SITE", tmp_path / "site")
    monkeypatch.setattr(service, "DATA", tmp_path / "data")
    monkeypatch.setattr(service, "CONFIG", tmp_path / "registry.yml")
    monkeypatch.setattr(images, "push", lambda *_: None)
    yield "127.77.0.1"
    service.stop()


def test_stop_leaves_no_process_and_a_killed_one_comes_back(apart: str) -> None:
    service.start(address=apart)
    first = [process.running(name) for name in ("registry", "web")]
    assert all(first)
    subprocess.run(["kill", "-9", str(first[1])], check=True)
    while process.running("web"):
        time.sleep(0.01)
    service.start(address=apart)
    second = [process.running(name) for name in ("registry", "web")]
    assert second[0] == first[0]
    assert second[1] not in (None, first[1])
    service.stop()
    assert [pid for pid in (*first, *second) if pid and _alive(pid)] == []
    service.stop()


def test_pid_of_another_process_is_never_ended(apart: str) -> None:
    service.start(address=apart)
    service.stop()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (process.RUN / "web.pid").write_text(f"{other.pid} 1")
    service.stop()
    assert other.poll() is None
    other.communicate(b"\n")


def test_taken_port_and_missing_address_are_one_clear_line(apart: str) -> None:
    blocker = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", apart, "8080"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(1200):
            if service._answers(f"http://{apart}:8080/"):
                break
            time.sleep(0.05)
        with pytest.raises(
            LabError, match=r"^depot \[web\] port 8080 of 127\.77\.0\.1 is taken by another process\. Fix:"
        ):
            service.start(address=apart)
    finally:
        blocker.kill()
        blocker.wait()
    with pytest.raises(LabError, match=r"^depot \[web\] 192\.0\.2\.77 is not an address of this machine\. Fix: "):
        service.start(address="192.0.2.77")


def _unpack(name: str, tag: str, folder: Path) -> Path:
    _run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{REGISTRY}/{name}:{tag}", f"dir:{folder}/image")
    manifest = json.loads((folder / "image" / "manifest.json").read_text())
    root = folder / "root"
    root.mkdir()
    for layer in manifest["layers"]:
        _run("tar", "-xzf", folder / "image" / layer["digest"].removeprefix("sha256:"), "-C", root)
    return root


def _another_key() -> str:
    home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")  # the agent's socket may have 107 characters
    parameters = "%no-protection\nKey-Type: eddsa\nKey-Curve: ed25519\nName-Real: another\n%commit\n"
    try:
        subprocess.run(
            ["gpg", "--homedir", home, "--batch", "-q", "--gen-key"], input=parameters, text=True, check=True
        )
        return _run("gpg", "--homedir", home, "--armor", "--export")
    finally:
        _run("gpgconf", "--homedir", home, "--kill", "all")
        shutil.rmtree(home, ignore_errors=True)


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
