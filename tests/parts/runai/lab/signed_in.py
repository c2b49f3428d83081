"""The appliance of as_printed.py by its APIs, from this machine: Run:ai's, its realm's, the cluster's and MLflow's."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from components.platforms.runai.api import CLUSTERS, POOLS, PROJECTS, RULES, RunaiApi
from components.platforms.runai.places import BACKEND, DATABASE
from components.rest.access import Access
from components.rest.http import Call
from components.rest.retry import Patience, ask
from lab.hosts.inventory import host as lab_host
from lab.parts.runai.standin.grants import REALM
from tests.lab.stack import Stack, on
from tests.parts.runai.lab.as_printed import ADDRESS, DOMAIN, PASSWORDS, PLACES

ADMIN = f"admin@{DOMAIN.removeprefix('ai.')}"
MLFLOW = "/api/2.0/mlflow"


def access(stack: Stack, name: str, username: str, password: str) -> Access:
    """How to reach a name behind the ingress."""
    ca = (stack.folder / "files/authority.pem").read_text()
    return Access(f"https://{name}", username=username, password=password, server=f"{ADDRESS}:443", ca=ca)


def api(stack: Stack) -> RunaiApi:
    """The control plane's, as the administrator."""
    return RunaiApi.of(access(stack, DOMAIN, ADMIN, PASSWORDS["runaiAdmin"]))


def quotas(stack: Stack) -> dict[str, dict[str, float]]:
    """By project and node pool: how many GPUs it deserves, where it deserves some."""
    names = {each["id"]: each["name"] for each in api(stack).all(POOLS)}
    return {
        project["name"]: {
            names[str(each["nodePool"]["id"])]: each["gpu"]["deserved"]
            for each in project["resources"]
            if each["gpu"]["deserved"]
        }
        for project in api(stack).all(PROJECTS)
    }


def change_quota(stack: Stack, name: str, gpus: int) -> None:
    """By hand, as in the user interface."""
    [found] = [each for each in api(stack).all(PROJECTS) if each["name"] == name]
    resources = [{**each, "gpu": {**each["gpu"], "deserved": gpus}} for each in found["resources"]]
    api(stack).session.call("PUT", f"{PROJECTS}/{found['id']}/resources", body=resources)


def clusters(stack: Stack) -> list[tuple[str, str]]:
    """State and version of the clusters that the control plane knows."""
    return [(each["status"]["state"], each["version"]) for each in api(stack).all(CLUSTERS)]


def subjects(stack: Stack) -> set[str]:
    """Who has a role, by email; not the first administrator."""
    return {each["subjectId"] for each in api(stack).all(RULES)} - {ADMIN}


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in at Run:ai's realm, and has a token for the API server."""

    token: str

    @classmethod
    def of(cls, stack: Stack, email: str) -> "Person":
        """With the first password, which the administrator of the site gives, and which the person has kept."""
        words = ("pulumi", "stack", "export", "--show-secrets", "--stack", stack.name)
        state = json.loads(stack.run(*words).ok().out)["deployment"]["resources"]
        users = [each for each in state if each["type"].endswith(":RunaiUser")]
        [user] = [each for each in users if each["inputs"]["want"]["email"] == email]
        password = json.loads(user["outputs"]["password"]["plaintext"])
        _kept(email)
        form = {"grant_type": "password", "username": email, "password": password}
        call = Call("POST", f"{REALM}/protocol/openid-connect/token", form=form, harmless=True)
        return cls(ask(access(stack, DOMAIN, email, password), call, Patience()).data["id_token"])

    def may(self, verb: str, what: str, namespace: str) -> bool:
        """What `kubectl auth can-i` answers."""
        server = f"--server=https://{lab_host(PLACES['master']).address}:6443"
        authority = "--certificate-authority=/etc/kubernetes/pki/ca.crt"
        words = ["kubectl", "--kubeconfig=/dev/null", server, authority, f"--token={self.token}"]
        script = '"$@" || true'
        told = on(PLACES["master"], ["sh", "-c", script, "_", *words, "auth", "can-i", verb, what, "-n", namespace])
        assert told.strip() in ("yes", "no"), told
        return told.strip() == "yes"


def _kept(email: str) -> None:
    """The first password must be changed in a browser, at a page that the stand-in lacks: its database says now that
    this has happened."""
    sql = "UPDATE objects SET body = jsonb_set(body, '{temporary}', 'false') WHERE kind = 'user' AND name = :'name'"
    psql = f"PGPASSWORD=$POSTGRES_PASSWORD exec psql -q -U postgres -d backend -v ON_ERROR_STOP=1 -v name={email}"
    inside = ["exec", "-i", "-n", BACKEND, f"{DATABASE}-0", "--", "sh", "-c", psql]
    words = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *inside]
    on(PLACES["master"], ["sh", "-c", f"echo {shlex.quote(sql)} | {shlex.join(words)}"])


def logged(stack: Stack, metrics: dict[str, float]) -> dict[str, Any]:
    """A run of the project vision with what it measured, as its server has it afterwards."""
    of = access(stack, f"mlflow.{DOMAIN}", "vision", PASSWORDS["mlflowVision"])

    def call(method: str, path: str, **more: Any) -> Any:
        return ask(of, Call(method, f"{MLFLOW}/{path}", basic=True, **more), Patience()).data

    made = call("POST", "experiments/create", body={"name": "vision"})
    run = call("POST", "runs/create", body=made)["run"]["info"]["run_id"]
    for key, value in metrics.items():
        call("POST", "runs/log-metric", body={"run_id": run, "key": key, "value": value})
    call("POST", "runs/update", body={"run_id": run, "status": "FINISHED"})
    return dict(call("GET", "runs/get", query={"run_id": run})["run"])
