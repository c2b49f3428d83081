"""A real etcd, kube-apiserver and kube-controller-manager on loopback, without nodes."""

import base64
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from tests.plugins.sshd import free_port
from tests.plugins.tools import tool

_CONTROLLERS = "garbage-collector-controller,namespace-controller,endpointslice-controller,deployment-controller"


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def _certificates(folder: Path) -> None:
    """One authority, the server's certificate and the administrator's, and the key of service accounts."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test", "-days", "2")
    for name, subject, usage in (
        ("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1"),
        ("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth"),
    ):
        (folder / "extension").write_text(f"{usage}\n")
        _openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        signing = ["-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
        _openssl(folder, "x509", *signing, "-extfile", "extension", "-out", f"{name}.crt")
    _openssl(folder, "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "sa.key")


def _kubeconfig(folder: Path, port: int) -> str:
    """As kubeadm writes it: certificates as data."""

    def data(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": data("ca.crt")}
    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
    )


@contextmanager
def _running(folder: Path, name: str, *arguments: str) -> Iterator[None]:
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen([tool(name), *arguments], cwd=folder, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def apiserver(folder: Path) -> Iterator[str]:
    """Yields the administrator's kubeconfig."""
    for name in ("etcd", "kube-apiserver", "kube-controller-manager"):
        tool(name)
    _certificates(folder)
    etcd, peer, port = free_port(), free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(
            _running(
                folder, "etcd", "--data-dir=etcd", "--unsafe-no-fsync",
                f"--listen-client-urls=http://127.0.0.1:{etcd}", f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
            )
        )  # fmt: skip
        stack.enter_context(
            _running(
                folder, "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}",
                "--bind-address=127.0.0.1", f"--secure-port={port}", "--service-cluster-ip-range=10.0.0.0/24",
                "--tls-cert-file=server.crt", "--tls-private-key-file=server.key", "--client-ca-file=ca.crt",
                "--authorization-mode=RBAC", "--service-account-issuer=https://test",
                "--service-account-key-file=sa.key", "--service-account-signing-key-file=sa.key",
                "--disable-admission-plugins=ServiceAccount",
            )
        )  # fmt: skip
        kubeconfig = _kubeconfig(folder, port)
        (folder / "kubeconfig").write_text(kubeconfig)
        _wait(folder, port)
        stack.enter_context(
            _running(
                folder, "kube-controller-manager", "--kubeconfig=kubeconfig", "--leader-elect=false",
                f"--controllers={_CONTROLLERS}", "--secure-port=0",
            )
        )  # fmt: skip
        yield kubeconfig


def _wait(folder: Path, port: int) -> None:
    words = [tool("kubectl"), f"--kubeconfig={folder}/kubeconfig", "get", "--raw=/readyz"]
    for _ in range(1200):
        with socket.socket() as sock:
            listening = sock.connect_ex(("127.0.0.1", port)) == 0
        if listening and subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.25)
    raise AssertionError((folder / "kube-apiserver.log").read_text()[-3000:])
