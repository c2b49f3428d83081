"""Shifter's stand-in as hosts get it: sources, package index, database; udiRoot.conf's keys by version.

Does not prove: that Shifter itself behaves so (the keys and messages were read in its sources), nor that the stand-in
works on a host: that is tests/parts/shifter/scripts and tests/parts/shifter/lab/test_story.py.
"""

import hashlib
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from lab.parts.shifter import depot as shifter
from lab.paths import TOOLS_BIN
from lab.tools import wheels
from tools import pyenv

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("running")]

FULL = """
udiMount=/var/udiMount
loopMount = /var/udiLoopMount
imagePath=/images
udiRootPath=/opt/shifter/udiRoot
etcPath=/etc/shifter/shifter_etc_files
rootfsType=tmpfs
siteFs=/home:/home;\\
       /scratch:/scratch:rec
# a remark
modprobePath=/bin/sh
insmodPath=/bin/sh
cpPath=/bin/sh
mvPath=/bin/sh
chmodPath=/bin/sh
ddPath=/bin/sh
"""


@pytest.fixture(scope="module")
def running() -> None:
    """The lab runs; its hosts stay as they are."""
    _run(sys.executable, "-m", "lab", "up")


def _run(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


@pytest.mark.parametrize("version", shifter.VERSIONS)
def test_sources_are_served_under_their_sum_and_say_what_they_are(version: str, tmp_path: Path) -> None:
    archive = shifter.archive(version)
    content = _get(archive.url)
    assert hashlib.sha256(content).hexdigest() == archive.sha256
    (tmp_path / "tarball").write_bytes(content)
    _run("tar", "-xzf", tmp_path / "tarball", "-C", tmp_path)
    root = tmp_path / f"shifter-{version}"
    assert "This is not Shifter." in (root / "README.md").read_text()
    assert {"autogen.sh", "configure.ac", "imagegw", "src", "etc_files", "extra"} <= {
        file.name for file in root.iterdir()
    }
    _run("git", "clone", "--quiet", shifter.GIT, tmp_path / "clone")
    _run("git", "-C", tmp_path / "clone", "checkout", "--quiet", shifter.revision(version))
    assert (tmp_path / "clone" / "VERSION").read_text() == f"{version}\n"
    assert not _run("diff", "--recursive", "--exclude=.git", root, tmp_path / "clone")


@pytest.mark.parametrize("version", shifter.VERSIONS)
def test_index_has_all_that_the_gateway_requires(version: str, tmp_path: Path) -> None:
    _unpack(version, tmp_path)
    argv = [pyenv.uv().with_name("python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    argv += ["--index-url", shifter.INDEX, "--trusted-host", "10.213.77.1", "--no-cache-dir", "--only-binary=:all:"]
    argv += [f"--python-version={wheels.PYTHON}", "--platform=manylinux2014_x86_64", "--platform=manylinux_2_28_x86_64"]
    _run(*map(str, argv), "--dest", tmp_path / "got", "--requirement", tmp_path / "imagegw" / "requirements.txt")
    got = {wheel.name.partition("-")[0] for wheel in (tmp_path / "got").iterdir()}
    assert {"pymongo", "sanic" if version.startswith("22.") else "celery"} <= got


def test_index_pages_name_the_hashes_of_the_lock() -> None:
    page = _get(f"{shifter.INDEX}pymongo/").decode()
    (digest,) = re.findall(r"#sha256=([0-9a-f]{64})", page)
    assert f"--hash=sha256:{digest}" in wheels.LOCK.read_text()


@pytest.mark.parametrize(
    ("line", "knows"),
    [
        ("allowLocalChroot=1", "22 17 16"),
        ("autoLoadKernelModule=0", "22 17 16"),
        ("module_gpu_siteEnv=GPU=1", "22"),
        ("defaultModules=gpu", "22"),
        ("siteResources=/opt/shifter/site-resources", "17"),
        ("mkfsXfsPath=/sbin/not-there", ""),
        ("siteFs=/home /scratch", ""),
        ("somethingElse=1", ""),
    ],
)
def test_udiroot_conf_has_the_keys_of_its_version(line: str, knows: str, tmp_path: Path) -> None:
    for version in shifter.VERSIONS:
        check = Checker(version, tmp_path / version)
        needed = "siteResources=/x\n" if version.startswith("17.") else ""
        done = check(f"{FULL}{needed}{line}\n")
        assert done.returncode == (0 if version[:2] in knows.split() else 1), (version, done)
        if done.returncode:
            assert "FAILED to parse udiRoot configuration." in done.stderr
        if line.startswith(("siteResources", "somethingElse")) and done.returncode:
            assert f"Couldn't understand key: {line.partition('=')[0]}" in done.stdout


def test_incomplete_or_foreign_udiroot_conf_is_refused(tmp_path: Path) -> None:
    check = Checker("22.02.1", tmp_path)
    assert '"imagePath" is not defined' in check(FULL.replace("imagePath=", "#")).stderr
    assert 'Specified "ddPath" doesn\'t appear' in check(FULL.replace("ddPath=/bin/sh", "ddPath=/no")).stderr
    assert "writable by non-root users" in check(FULL, mode=0o664).stderr
    assert "IGNORING parameter autoLoadKernelModule" in check(f"{FULL}autoLoadKernelModule=0\n").stderr


def test_database_speaks_the_protocol_of_mongodb(tmp_path: Path) -> None:
    address = ("127.77.0.2", 27017)
    server = subprocess.Popen(
        [TOOLS_BIN / "ferretdb", f"-listen-addr={address[0]}:{address[1]}", f"-sqlite-folder={tmp_path}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert b"maxWireVersion" in _hello(address)
    finally:
        server.terminate()
        assert server.wait(timeout=60) == 0


def _unpack(version: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    _run("tar", "-xzf", shifter.archive(version).file, "-C", folder, "--strip-components=1")


class Checker:
    """setupRoot --check of one version, with a configuration file of the test's own."""

    def __init__(self, version: str, folder: Path) -> None:
        _unpack(version, folder)
        self._file, self._program = folder / "udiRoot.conf", folder / "check"
        source = folder / "src"
        (source / "config.h").write_text("#define _GNU_SOURCE\n")
        defined = {"22": ["-DWITH_MODULES"], "17": ["-DWITH_SITE_RESOURCES"], "16": []}[version[:2]]  # by configure.ac
        where = f'-DCONFIG_FILE="{self._file}"'
        _run("gcc", *defined, where, "-o", self._program, source / "setupRoot.c", source / "conf.c")

    def __call__(self, text: str, mode: int = 0o644) -> subprocess.CompletedProcess[str]:
        self._file.write_text(text)
        self._file.chmod(mode)
        return subprocess.run([self._program, "--check"], capture_output=True, text=True, check=False)


def _hello(address: tuple[str, int]) -> bytes:
    """The answer to the first question of every client: {hello: 1, $db: "admin"} as an OP_MSG."""
    fields = b"\x10hello\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
    document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
    body = struct.pack("<i", 0) + b"\0" + document
    message = struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body
    until = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(address, timeout=120) as connection:
                connection.sendall(message)
                return connection.recv(65536)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.1)
