"""The stand-in of Rancher beside a real API server: its controller, its webhook and its REST API, all on loopback."""

import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.depot.parts import FOLDER
from lab.kube import CORE, Kube
from lab.parts.rancher.depot import VERSION
from lab.parts.rancher.standin import builtin, controller, server
from tests.plugins.api_server import TOKEN, ApiServer, api_server
from tests.plugins.tools import tool

CHART = FOLDER / "rancher" / "charts" / "rancher"
BOOTSTRAP, PASSWORD = "Bootstrap-of-lab", "Lab-of-Rancher-1"
Body = dict[str, Any]


@dataclass
class Rancher:
    """One that runs."""

    api: ApiServer
    kube: Kube
    url: str
    https: str
    """HOST:PORT, with a certificate for rancher.lab that `authority` signed."""
    authority: str

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """Status and answer of a call of the REST API."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - http
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def login(self, username: str = "admin", password: str = BOOTSTRAP) -> str:
        """A token."""
        body = {"type": "localProvider", "username": username, "password": password}
        status, answer = self.call("POST", "/v1-public/login", body)
        assert status == 201, answer
        return str(answer["token"])

    def apply(self, path: str, body: Body) -> Body:
        """The object after a server-side apply, as Pulumi does it; a field that its kind does not have is an error."""
        kind = "application/apply-patch+yaml"
        return self.kube.ask("PATCH", f"{path}?fieldManager=test&force=true&fieldValidation=Strict", body, kind)

    def may(self, user: str, verb: str, resource: str, namespace: str = "") -> bool:
        """Whether Kubernetes lets the user do it."""
        return self.api.may(user, verb, resource, namespace)


def rendered(*values: str) -> list[Body]:
    """The chart's objects, as helm renders them. Raises CalledProcessError."""
    words = [word for value in (*values, "hostname=rancher.lab") for word in ("--set", value)]
    command = [tool("helm"), "template", "rancher", str(CHART), "-n", builtin.SYSTEM, "--kube-version", "1.34.2"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=True)
    return [each for each in YAML(typ="safe").load_all(done.stdout) if each]


@contextmanager
def rancher(folder: Path) -> Iterator[Rancher]:
    """Starts everything, and ends it after."""
    with api_server(folder) as api:
        config = json.loads(api.kubeconfig.read_text())["clusters"][0]["cluster"]
        kube = Kube(config["server"], config["certificate-authority"], TOKEN)
        metadata = {"name": "bootstrap-secret"}
        kube.ask("POST", f"{CORE}/namespaces", {"metadata": {"name": builtin.SYSTEM}})
        secret = {"metadata": metadata, "stringData": {"bootstrapPassword": BOOTSTRAP}}
        kube.ask("POST", f"{CORE}/namespaces/{builtin.SYSTEM}/secrets", secret)
        builtin.begin(kube, VERSION)
        plain, secure = server.serve(kube, 0, 0, _certificate(folder), "127.0.0.1")
        _webhooks(kube, folder, secure.server_address[1])
        ended = threading.Event()
        threading.Thread(target=controller.run, args=(kube, ended), daemon=True).start()
        http, https = (f"127.0.0.1:{each.server_address[1]}" for each in (plain, secure))
        yield Rancher(api, kube, f"http://{http}", https, (folder / "tls.crt").read_text())
        ended.set()


def _certificate(folder: Path) -> str:
    made = ("-newkey", "rsa:2048", "-nodes", "-keyout", folder / "tls.key", "-out", folder / "tls.crt")
    named = ("-subj", "/CN=rancher-webhook", "-addext", "subjectAltName=IP:127.0.0.1,DNS:rancher.lab")
    subprocess.run(["openssl", "req", "-x509", *made, *named], check=True, capture_output=True)
    return str(folder)


def _webhooks(kube: Kube, folder: Path, port: int) -> None:
    """Those of the chart; they reach us at an address instead of by a Service, and are asked of our own calls, too."""
    certificate = subprocess.run(["base64", "-w0", folder / "tls.crt"], check=True, capture_output=True, text=True)
    for body in rendered():
        if "webhooks" not in body:
            continue
        for each in body["webhooks"]:
            path = each["clientConfig"]["service"]["path"]
            each["clientConfig"] = {"caBundle": certificate.stdout, "url": f"https://127.0.0.1:{port}{path}"}
        plural = f"{body['kind'].lower()}s"
        kube.ask("POST", f"/apis/admissionregistration.k8s.io/v1/{plural}", body)
