"""The stand-in of MLflow: its chart, rendered by helm with what a site sets; and its server, as the program and a
training job speak to it.

Does not prove: MLflow itself. Names of values are those of the upstream's schema, answers those of MLflow 3.15.1.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.platforms.runai import tracking, versions
from components.platforms.runai.mlflow_users import USERS
from lab.parts.runai import depot
from tests.parts.runai.sites import parts_of, site_of
from tests.parts.runai.standin import free, process
from tests.plugins.api_server import until
from tests.plugins.tools import tool
from tests.samples import ROOT

pytestmark = pytest.mark.row("R9")

CHART = ROOT / "lab/parts/runai/charts/mlflow"
READ = YAML(typ="safe", pure=True)
SITE = {"repository": "r.example.org/m", "server": {"passwordSecret": "mlflowAdmin", "projects": {"vision": "mine"}}}
NAME, ADMIN, OWN = "mlflow.ai.example.org", "admin:Lab-of-mlflow-1", "vision:Vision-of-lab-1"


def rendered(folder: Path, **more: Any) -> tuple[bool, str]:
    """Whether helm renders it with a site's values, and what it says."""
    values = {**tracking.settings(*parts_of(site_of(folder, mlflow=SITE))), **more}
    (folder / "values.json").write_text(json.dumps(values))
    words = [tool("helm"), "template", "mlflow", str(CHART), "-n", "mlflow", "-f", str(folder / "values.json")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_the_chart_takes_what_a_site_sets_and_nothing_unknown(tmp_path: Path) -> None:
    assert READ.load(CHART / "Chart.yaml")["version"] == versions.MLFLOW
    assert "stand-in" in READ.load(CHART / "Chart.yaml")["description"]
    good, text = rendered(tmp_path)
    assert good, text
    made = {each["kind"]: each for each in READ.load_all(text)}
    assert set(made) == {"Service", "Deployment", "Ingress"}
    [rule] = made["Ingress"]["spec"]["rules"]
    assert rule["host"] == NAME
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "mlflow", "port": {"number": 80}}
    [container] = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == depot.MLFLOW
    for key, value in (("storage", {}), ("auth", {"enabled": True, "user": "x"})):
        good, text = rendered(tmp_path, **{key: value})
        assert not good
        assert "not allowed" in text


@dataclass
class Server:
    """A server that runs."""

    port: int

    def ask(self, method: str, path: str, login: str, body: Any = None, host: str = NAME) -> tuple[int, Any]:
        """Status and answer."""
        token = base64.b64encode(login.encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json", "Host": host}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as seen:
                status, text = seen.status, seen.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text[:1] == b"{" else text.decode()

    def code(self, *words: Any, **more: Any) -> tuple[int, str]:
        """Status and error code of a call that fails."""
        status, answer = self.ask(*words, **more)
        return status, answer["error_code"] if isinstance(answer, dict) else answer


def words(*more: str) -> list[str]:
    return [sys.executable, str(ROOT / "lab/parts/runai/mlflow/command.py"), *more]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("mlflow"), free()
    name, _, password = ADMIN.partition(":")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "AUTH_DATABASE": str(folder / "users.db"), "AUTH_ADMIN": name}
    env |= {"AUTH_PASSWORD": password, "AUTH_DEFAULT_PERMISSION": "NO_PERMISSIONS"}
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    subprocess.run(words("db", "upgrade", uri), env=env, check=True)
    options = ["--app-name=basic-auth", "--host=127.0.0.1", f"--port={port}", f"--backend-store-uri={uri}"]
    with process(words("server", *options, f"--allowed-hosts={NAME}"), env, folder / "server.log"):
        found = Server(port)
        until(lambda: found.ask("GET", "/health", "")[0] == 200, folder)
        yield found


def test_a_project_logs_a_run_that_it_alone_sees(server: Server) -> None:
    user, _, password = OWN.partition(":")
    assert server.ask("POST", f"{USERS}/create", ADMIN, {"username": user, "password": password})[0] == 200
    api = "/api/2.0/mlflow"
    status, made = server.ask("POST", f"{api}/experiments/create", OWN, {"name": "vision"})
    assert status == 200
    _, run = server.ask("POST", f"{api}/runs/create", OWN, made)
    key = {"run_id": run["run"]["info"]["run_id"]}
    assert server.ask("POST", f"{api}/runs/log-metric", OWN, {**key, "key": "loss", "value": 0.25})[0] == 200
    assert server.ask("POST", f"{api}/runs/log-parameter", OWN, {**key, "key": "alpha", "value": "5"})[0] == 200
    assert server.ask("POST", f"{api}/runs/update", OWN, {**key, "status": "FINISHED"})[0] == 200
    _, seen = server.ask("GET", f"{api}/runs/get?run_id={key['run_id']}", OWN)
    assert seen["run"]["data"]["metrics"] == [{"key": "loss", "value": 0.25}]
    assert seen["run"]["info"]["status"] == "FINISHED"
    server.ask("POST", f"{USERS}/create", ADMIN, {"username": "audio", "password": "Audio-of-lab-1"})
    other = "audio:Audio-of-lab-1"
    assert server.code("GET", f"{api}/runs/get?run_id={key['run_id']}", other) == (403, "PERMISSION_DENIED")
    changed = {**key, "key": "alpha", "value": "6"}
    assert server.code("POST", f"{api}/runs/log-parameter", OWN, changed) == (400, "INVALID_PARAMETER_VALUE")


def test_it_refuses_what_the_real_one_refuses(server: Server) -> None:
    short = {"username": "short", "password": "twelve-signs"}
    assert server.code("POST", f"{USERS}/create", ADMIN, short) == (400, "INVALID_PARAMETER_VALUE")
    again = {"username": "admin", "password": "Lab-of-mlflow-2"}
    assert server.code("POST", f"{USERS}/create", ADMIN, again) == (400, "RESOURCE_ALREADY_EXISTS")
    assert server.code("GET", f"{USERS}/get?username=nobody", ADMIN) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert server.code("GET", f"{USERS}/current", "admin:wrong") == (401, "UNAUTHENTICATED")
    status, text = server.code("GET", f"{USERS}/current", ADMIN, host="10.0.0.1")
    assert (status, text.startswith("Invalid Host header")) == (403, True)
