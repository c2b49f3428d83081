"""The lab's form of the sample is the sample: only where things are, and what the lab alone needs, is otherwise."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.hosts.inventory import host as lab_host
from stacks.load import site_from
from tests.lab.names import answer
from tests.parts.runai.lab import as_printed
from tests.parts.runai.lab.as_printed import ADDRESS, DOMAIN, PLACES

pytestmark = pytest.mark.row("R1", "R2")

PLACED = {
    *("knownHosts", "ssh.user", "ssh.keyFile", "dns", "repositories", "registry"),
    *(f"engine.mirrors.{name}" for name in ("nvcr.io", "registry.k8s.io", "quay.io", "docker.io", "ghcr.io")),
    *("engine.registryCertificates", "engine.logins", "storage.charts"),
    *(f"network.loadBalancer.{key}" for key in ("pool", "repository", "version", "values")),
    *(f"{part}.repository" for part in ("network.ingress", "gpuOperator", "monitoring")),
    *("platforms.0.package.sha256", "platforms.0.controlPlane.chart", "platforms.0.cluster.chart"),
    *("kubernetes.oidc.caFile", "network.ingress.certificate", "platforms.0.certificate", "platforms.0.authority"),
    *(
        "platforms.0.registry.images",
        "platforms.0.mlflow.repository",
        "platforms.0.mlflow.server.chart",
        "platforms.0.jumpBox.cli.sha256",
    ),
}
"""Where hosts, packages, images, charts and files are, and what is in the files."""
EMULATED = {
    *("os", "allowUntested", "minimum", "packages"),
    *(f"engine.{key}" for key in ("package", "cgroupDriver", "restrictOomScoreAdj")),
    *(f"kubernetes.{key}" for key in ("version", "kubelet", "kubeProxy", "ignorePreflightErrors")),
    *("network.pods", "network.ingress.replicas", "network.ingress.values", "monitoring.values"),
    *("storage.nfs.server", "storage.nfs.versions", "storage.mountOptions"),
    *("platforms.0.nodes.least", "platforms.0.package.freeGb"),
}
"""What hosts in containers are not, and small ones."""


def differing(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """The keys at which two values are not the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {*one, *other}:
            yield from differing(one.get(key), other.get(key), f"{at}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other) and at == ".platforms":
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differing(*pair, f"{at}.{index}")
    elif one != other:
        yield at[1:]


def back(value: Any) -> Any:
    """The sample's words for hosts."""
    names = {place: name for name, place in PLACES.items()}
    if isinstance(value, dict):
        return {key: back(each) for key, each in value.items()}
    if isinstance(value, list):
        return [back(each) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def test_nothing_else_differs(tmp_path: Path) -> None:
    sample, ours = as_printed.printed(), as_printed.site(tmp_path, "5" * 64)
    hosts, places = sample.pop("hosts"), ours.pop("hosts")
    assert set(differing(sample, back(ours))) == PLACED | EMULATED
    written = {f"{name.partition('-[')[0]}": host for name, host in hosts.items()}
    assert len(places) == len(PLACES)
    for name, place in PLACES.items():
        own = written.get(name) or written[name.rpartition("-")[0]]
        assert places[place] == {**own, "address": lab_host(place).address}, name


@pytest.mark.usefixtures("lab_folder")
def test_the_program_takes_it(tmp_path: Path) -> None:
    as_printed.files(tmp_path)
    site = site_from(as_printed.site(tmp_path, "5" * 64), stack="ai", folder=tmp_path, keys=False)
    assert {host.name for host in site.active} == {*PLACES.values()}


def question(name: str, kind: int = 1) -> bytes:
    words = b"".join(bytes([len(word)]) + word.encode() for word in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + words + b"\0" + struct.pack("!HH", kind, 1)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (DOMAIN, ADDRESS),
        (f"mlflow.{DOMAIN}", ADDRESS),
        ("example.org", None),
        (f"not-{DOMAIN}", None),
    ],
)
def test_its_name_server_knows_the_domain(name: str, address: str | None) -> None:
    told = answer(question(name), as_printed.lookup)
    assert told[:2] == struct.pack("!H", 7)
    assert (told[3] & 15, told[7]) == ((0, 1) if address else (3, 0))
    assert told.endswith(socket.inet_aton(address) if address else struct.pack("!HH", 1, 1))
    assert answer(question(name, 28), as_printed.lookup)[7] == 0
