"""People sign in to a real API server with tokens of the lab's stand-in of Run:ai, its realm behind TLS: whom it takes
for whom, what they may do in their project and elsewhere, and which tokens it refuses.

Does not prove: the real Run:ai's tokens. That their `sub` is the name that it binds roles to, is taken from its
documentation, whose arguments name no other claim.
"""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from components.kubernetes.oidc import Oidc, configuration
from components.platforms.runai import places
from lab.parts.runai.standin import pg
from lab.parts.runai.standin.grants import REALM
from lab.parts.runai.standin.keys import Key
from tests.parts.runai.standin import ADMIN, PASSWORD, Backend, backend, free
from tests.plugins.api_server import ApiServer, api_server, until
from tests.unit.https import Answer, Asked, authority, https

pytestmark = pytest.mark.row("R7")

ANA, NEW = "ana@example.org", "Vision!2026"
PODS = "/api/v1/namespaces/{}/pods"


@dataclass
class World:
    """The realm, and an API server that takes its tokens."""

    runai: Backend
    api: ApiServer
    issuer: str

    def tokens(self, username: str, password: str) -> dict[str, Any]:
        """As kubectl's plugin gets them."""
        status, answer = self.runai.form(
            f"{REALM}/protocol/openid-connect/token", grant_type="password", username=username, password=password
        )
        assert status == 200, answer
        return dict(answer)

    def ask(self, token: str, method: str, path: str, body: Any = None) -> int:
        """Status of a call of who has this token."""
        context = ssl.create_default_context(cafile=str(self.api.kubeconfig.parent / "certs/apiserver.crt"))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api.url}{path}", data, headers, method=method)  # noqa: S310 - https
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With Ana, to whom a role is bound in the namespace of her project as Run:ai binds it."""
    folder, port = tmp_path_factory.mktemp("sign-in"), free()
    with ExitStack() as running:
        runai = running.enter_context(backend(folder, RUNAI_DOMAIN=f"localhost:{port}"))

        def forward(asked: Asked) -> Answer:
            return runai.ask(asked.method, asked.path, asked.body, token="")

        running.enter_context(https(forward, folder, "localhost", port))
        issuer = f"https://localhost:{port}{REALM}"
        oidc = Oidc(issuer=issuer, client=places.CLIENT_ID, usernamePrefix="")
        (folder / "sign-in.yaml").write_text(configuration(oidc, (1, 34), authority()[0]))
        api = running.enter_context(api_server(folder, f"--authentication-config={folder / 'sign-in.yaml'}"))
        _ana(runai)
        _project(api)
        found = World(runai, api, issuer)
        token = found.tokens(ANA, NEW)["id_token"]
        until(lambda: found.ask(token, "GET", PODS.format("vision")) == 200, folder)
        yield found


def _ana(runai: Backend) -> None:
    made = runai.do("POST", "/api/v1/users", {"email": ANA})
    token = runai.log_in(ANA, made["tempPassword"])
    change = {"currentPassword": made["tempPassword"], "newPassword": NEW}
    assert runai.ask("POST", "/api/v1/me/password", change, token=token)[0] == 200


def _project(api: ApiServer) -> None:
    group = "rbac.authorization.k8s.io"
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "vision"}}
    api.ask("POST", "/api/v1/namespaces", body)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    api.ask("POST", "/api/v1/namespaces/vision/serviceaccounts", account, status=(201, 409))
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "runai-of-ana"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": ANA}],
    }
    api.ask("POST", f"/apis/{group}/v1/namespaces/vision/rolebindings", body)


def test_a_researcher_submits_to_the_own_project_and_to_nothing_else(world: World) -> None:
    token = world.tokens(ANA, NEW)["id_token"]
    spec = {"containers": [{"name": "main", "image": "busybox"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "train"}, "spec": spec}
    assert world.ask(token, "POST", PODS.format("vision"), pod) == 201
    assert world.ask(token, "POST", PODS.format("default"), pod) == 403
    for path in ("/api/v1/nodes", "/api/v1/namespaces", "/api/v1/namespaces/kube-system/secrets"):
        assert world.ask(token, "GET", path) == 403, path


def test_who_administers_run_ai_is_nobody_in_the_cluster(world: World) -> None:
    token = world.tokens(ADMIN, PASSWORD)["id_token"]
    assert world.ask(token, "GET", PODS.format("vision")) == 403


def test_a_token_that_is_not_for_it_is_refused(world: World) -> None:
    """Of another client, at its end, of another realm, with another's signature, for another use, and a changed one."""
    second = int(time.time())
    good = {"iss": world.issuer, "aud": places.CLIENT_ID, "sub": ANA, "iat": second, "exp": second + 600}
    key, other = _key(world.runai), Key.new()
    assert world.ask(key.signed(good), "GET", PODS.format("vision")) == 200
    head, content, signature = key.signed(good).split(".")
    bad = {
        "client": key.signed({**good, "aud": "grafana"}),
        "end": key.signed({**good, "iat": second - 700, "exp": second - 60}),
        "realm": key.signed({**good, "iss": world.issuer.replace("/runai", "/master")}),
        "signature": other.signed(good),
        "system": key.signed({**good, "sub": "system:admin"}),
        "use": world.tokens(ANA, NEW)["refresh_token"],
        "changed": f"{head}.{content[:-2]}AA.{signature}",
        "none": f"{head}.{content}.",
    }
    assert {what: world.ask(token, "GET", PODS.format("vision")) for what, token in bad.items()} == dict.fromkeys(
        bad, 401
    )


def _key(runai: Backend) -> Key:
    """The realm's, as its database has it."""
    asked = pg.Connection(pg.Address("127.0.0.1", runai.database, "postgres", "secret", "backend"))
    try:
        [row] = asked.query("SELECT value FROM settings WHERE key = $1", "key")
    finally:
        asked.close()
    return Key(**json.loads(row["value"] or ""))
