"""A real API server on loopback, with what judges and cleans up behind it, and no node: for what objects mean there.

Does not prove: anything of pods that run; nothing runs them.
"""

import json
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.tools import tool

PATIENCE = 120
"""Seconds until it must answer, also on a busy machine."""
TOKEN = "an-administrator-of-a-test"
CONTROLLERS = (
    *("clusterrole-aggregation", "resourcequota", "namespace", "serviceaccount", "garbage-collector"),
    *("certificatesigningrequest-signing", "persistentvolume-binder", "persistentvolumeclaim-protection"),
)
"""Roles that are made of others, use of quotas, the end of namespaces, the account of pods, and the end of objects;
client certificates; volumes that get their claims, and claims that may go."""


@dataclass(frozen=True)
class ApiServer:
    """Its address, and a kubeconfig of an administrator."""

    url: str
    kubeconfig: Path

    def ask(self, method: str, path: str, body: Any = None, *, status: Sequence[int] = (200, 201)) -> dict[str, Any]:
        """The answer to a request, whose status must be one of `status`."""
        context = ssl.create_default_context(cafile=str(self.kubeconfig.parent / "certs/apiserver.crt"))
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310 - https
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310
                code, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            code, text = error.code, error.read()
        assert code in status, f"{method} {path}: {code} {text.decode()}"
        found: dict[str, Any] = json.loads(text)
        return found

    def may(self, user: str, verb: str, resource: str, namespace: str, *groups: str) -> bool:
        """What `kubectl auth can-i` answers this user; `resource` as there, such as pods/exec or deployments.apps."""
        name, _, group = resource.partition(".")
        name, _, part = name.partition("/")
        asked = {"verb": verb, "resource": name, "subresource": part, "group": group, "namespace": namespace}
        spec = {"user": user, "groups": [*groups, "system:authenticated"], "resourceAttributes": asked}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = self.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])


@contextmanager
def api_server(folder: Path, *more: str) -> Iterator[ApiServer]:
    """Runs etcd, the API server and a few controllers, with all their data in `folder`; `more` are its arguments."""
    etcd, peer, port = _free(), _free(), _free()
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    subprocess.run(["openssl", "genrsa", "-out", folder / "sa.key", "2048"], check=True, capture_output=True)
    authority = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    subprocess.run(["openssl", "req", "-x509", *authority, "-subj", "/CN=test"], check=True, capture_output=True)
    server = ApiServer(f"https://127.0.0.1:{port}", folder / "kubeconfig")
    with ExitStack() as running:
        running.enter_context(_process(folder, "etcd", *_etcd(folder, etcd, peer)))
        running.enter_context(_process(folder, "kube-apiserver", *_apiserver(folder, etcd, port), *more))
        until(lambda: server.kubeconfig.exists() or _write_kubeconfig(server), folder)
        until(lambda: server.ask("GET", "/api/v1/namespaces/default"), folder)
        running.enter_context(_process(folder, "kube-controller-manager", *_controllers(folder)))
        edit = "/apis/rbac.authorization.k8s.io/v1/clusterroles/edit"
        until(lambda: server.ask("GET", edit)["rules"], folder)
        yield server


def _etcd(folder: Path, port: int, peer: int) -> list[str]:
    client, other = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    return [
        *(f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", f"--listen-client-urls={client}"),
        *(f"--advertise-client-urls={client}", f"--listen-peer-urls={other}"),
        *(f"--initial-advertise-peer-urls={other}", f"--initial-cluster=default={other}"),
    ]


def _apiserver(folder: Path, etcd: int, port: int) -> list[str]:
    return [
        *(f"--etcd-servers=http://127.0.0.1:{etcd}", "--bind-address=127.0.0.1", f"--secure-port={port}"),
        *("--advertise-address=127.0.0.1", f"--cert-dir={folder / 'certs'}", "--authorization-mode=RBAC"),
        *(f"--token-auth-file={folder / 'tokens.csv'}", "--service-cluster-ip-range=10.96.0.0/24"),
        *(f"--service-account-key-file={folder / 'sa.key'}", f"--service-account-signing-key-file={folder / 'sa.key'}"),
        *("--service-account-issuer=https://kubernetes.default.svc", f"--client-ca-file={folder / 'ca.crt'}"),
        "--feature-gates=ImageVolume=true",  # as later versions have it by default
    ]


def _controllers(folder: Path) -> list[str]:
    names = ",".join(f"{name}-controller" for name in CONTROLLERS)
    signs = (f"--cluster-signing-cert-file={folder / 'ca.crt'}", f"--cluster-signing-key-file={folder / 'ca.key'}")
    config = f"--kubeconfig={folder / 'kubeconfig'}"
    return [config, f"--controllers={names}", *signs, "--leader-elect=false", "--secure-port=0"]


def _write_kubeconfig(server: ApiServer) -> bool:
    certificate = server.kubeconfig.parent / "certs/apiserver.crt"
    if not certificate.exists():
        return False
    named = {"name": "test"}
    server.kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "clusters": [{**named, "cluster": {"server": server.url, "certificate-authority": str(certificate)}}],
                "users": [{**named, "user": {"token": TOKEN}}],
                "contexts": [{**named, "context": {"cluster": "test", "user": "test"}}],
            }
        )
    )
    return True


@contextmanager
def _process(folder: Path, name: str, *words: str) -> Iterator[None]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([tool(name), *words], stdout=log, stderr=log, cwd=folder, env={**os.environ})
    try:
        yield
        assert process.poll() is None, (folder / f"{name}.log").read_text()[-2000:]
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], object], logs: Path | None = None) -> None:
    """Waits until it holds, and shows the ends of the files in `logs` if it never does."""
    ends = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError, AssertionError):
            if holds():
                return
        if time.monotonic() > ends:
            pytest.fail(
                "\n\n".join(file.read_text()[-1500:] for file in logs.glob("*.log")) if logs else "waited in vain"
            )
        time.sleep(0.2)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port
