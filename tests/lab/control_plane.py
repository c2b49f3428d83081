"""A control plane without hosts: etcd, API server and controllers on loopback, for tests of what kubectl is told.

Does not have: nodes, pods that run, kubeadm's own objects.
"""

import asyncio
import base64
import json
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.hostrun.ssh import Result
from components.hostrun.target import Target
from lab.paths import TOOLS_BIN

PATIENCE = 60.0
"""Seconds for a program to answer."""
ADMIN_CONF = "/etc/kubernetes/admin.conf"
CONTROLLERS = (
    "certificatesigningrequest-signing-controller",
    "clusterrole-aggregation-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "serviceaccount-controller",
)
PEM, PLAIN = serialization.Encoding.PEM, serialization.NoEncryption()


class ControlPlane:
    """One that runs."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server = folder, server
        self.asked: list[tuple[str, bytes]] = []
        """Each command line that came over what would be SSH, with its stdin."""

    @property
    def admin_conf(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "admin.conf"

    def kubectl(self, *words: str, stdin: str = "", config: Path | None = None) -> str:
        """What kubectl prints, by the administrator's or another kubeconfig; what it says on stderr if it fails."""
        command = [str(TOOLS_BIN / "kubectl"), "--kubeconfig", str(config or self.admin_conf), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *objects: dict[str, Any]) -> None:
        """Makes objects."""
        said = self.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )
        assert "rror" not in said, said

    async def ask(self, target: Target, command: str, *, stdin: bytes = b"", **_: object) -> Result:
        """As ssh.run on a control plane, for commands of kubectl."""
        self.asked.append((command, stdin))
        words = [str(self.admin_conf) if word == ADMIN_CONF else word for word in shlex.split(command)]
        assert words[0] == "kubectl", target
        process = await asyncio.create_subprocess_exec(
            str(TOOLS_BIN / "kubectl"), *words[1:], stdin=-1, stdout=-1, stderr=-1
        )
        out, said = await process.communicate(stdin)
        return Result(process.returncode or 0, out.decode(), said.decode())


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Starts one, and ends it after."""
    _certificates(folder)
    client, peer, port = _free(3)
    etcd, server = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{port}"
    plane = ControlPlane(folder, server)
    plane.admin_conf.write_text(_kubeconfig(folder, server))
    with ExitStack() as running:
        running.enter_context(_run(folder, "etcd", _etcd(folder, etcd, f"http://127.0.0.1:{peer}")))
        running.enter_context(_run(folder, "kube-apiserver", _api_server(folder, etcd, port)))
        until(lambda: plane.kubectl("get", "--raw", "/readyz") == "ok", folder / "kube-apiserver.log")
        running.enter_context(_run(folder, "kube-controller-manager", _controllers(folder)))
        edits = ("get", "clusterrole", "edit", "-o", "jsonpath={.rules[*].resources}")
        until(lambda: "pods" in plane.kubectl(*edits), folder / "kube-controller-manager.log")
        yield plane


def _etcd(folder: Path, client: str, peer: str) -> list[str]:
    listen = [f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}"]
    return [f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", *listen, "--log-level=error"]


def _api_server(folder: Path, etcd: str, port: int) -> list[str]:
    return [
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--client-ca-file={folder / 'ca.crt'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'server.crt'}",
        f"--service-account-signing-key-file={folder / 'server.key'}",
    ]


def _controllers(folder: Path) -> list[str]:
    return [
        f"--kubeconfig={folder / 'admin.conf'}",
        f"--cluster-signing-cert-file={folder / 'ca.crt'}",
        f"--cluster-signing-key-file={folder / 'ca.key'}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


@contextmanager
def _run(folder: Path, program: str, words: Sequence[str]) -> Iterator[None]:
    log = folder / f"{program}.log"
    with log.open("wb") as file:
        process = subprocess.Popen([TOOLS_BIN / program, *words], stdout=file, stderr=file, cwd=folder)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until(true: Callable[[], bool], log: Path) -> None:
    """Waits; a program that does not come to it is shown by the end of its log."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.2)


def _free(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _certificates(folder: Path) -> None:
    authority = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate(folder, "ca", authority, authority, None, [(NameOID.COMMON_NAME, "kubernetes")])
    for name, words in {
        "server": [(NameOID.COMMON_NAME, "kube-apiserver")],
        "admin": [(NameOID.ORGANIZATION_NAME, "system:masters"), (NameOID.COMMON_NAME, "kubernetes-admin")],
    }.items():
        _certificate(folder, name, ec.generate_private_key(ec.SECP256R1()), authority, ca, words)


def _certificate(
    folder: Path,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    words: Sequence[tuple[x509.ObjectIdentifier, str]],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in words])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    made = builder.sign(by, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(made.public_bytes(PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, PLAIN))
    (folder / f"{name}.key").chmod(0o600)
    return made


def _kubeconfig(folder: Path, server: str) -> str:
    def data(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    cluster = {"server": server, "certificate-authority-data": data("ca.crt")}
    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
        "current-context": "lab",
    }
    return json.dumps(config)
