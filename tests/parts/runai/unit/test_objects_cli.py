"""Objects behind an API in the real Pulumi: previews without the API, second runs, secrets, removal, a lost API.

Does not prove: anything of the connection through a host's SSH; tests/unit/test_stream.py does.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import apis, objects, record_objects
from ops.objects import Look
from tests.parts.runai.unit.control_plane import BOOTSTRAP, TEMPORARY, TOKEN, ControlPlane
from tests.plugins.stack import Stack
from tests.plugins.tools import CHECKOUT
from tests.unit.https import PASSWORD, Server, authority, https

NEW = "canary-Other-passw0rd"
PROGRAM = """
import json, sys
from pathlib import Path

import pulumi
from components.platforms.runai import objects
from components.rest.access import Access
from components.rest.resource import Api

given = json.loads(Path("given.json").read_text())
password = pulumi.Config().require_secret("password")
site = pulumi.ComponentResource("test:Site", "site")
access = Access(f"https://api.site.example", "admin@site.example", server=given["server"], ca=given["ca"],
                gone=given.get("gone", False), if_gone="state: gone in platforms.ai")
api = Api.of("api", access, password, parent=site)
if given.get("objects", True):
    admin = objects.AdminPassword("admin", api, initial=["canary-First-1"], parent=site)
    cluster = objects.ClusterRegistration("cluster", api, cluster="site", domain="https://ai", version="3.0.0",
                                          parent=site, after=[admin])
    quotas = [objects.Quota("default", gpus=given.get("gpus", 2), gpu_weight=2)]
    team = objects.Department("team", api, department="research", cluster=cluster.uid, quotas=quotas, parent=site)
    objects.Project("vision", api, project=given.get("name", "vision"), cluster=cluster.uid, department=team.uid,
                    quotas=quotas, parent=site)
    user = objects.PlatformUser("anna", api, email="anna@site.example", parent=site, after=[admin])
    pulumi.export("token", cluster.secret)
    pulumi.export("uid", cluster.uid)
    pulumi.export("first", user.password)
"""


class Site:
    """A stack with objects of a control plane."""

    def __init__(self, stack: Stack, there: ControlPlane, server: Server) -> None:
        self.stack, self.there, self.server = stack, there, server

    def give(self, **given: object) -> None:
        """What the program reads."""
        server = {"server": f"127.0.0.1:{self.server.port}", "ca": authority()[0]}
        (self.stack.project / "given.json").write_text(json.dumps({**server, **given}))
        self.server.asked.clear()

    def changed(self) -> list[str]:
        """The calls that change something."""
        return [each for each in self.server.calls if not each.startswith("GET") and "token" not in each]

    def up(self, *words: str) -> str:
        return self.stack.run("up", "--yes", "--skip-preview", *words)

    def fails(self, *words: str) -> str:
        """What a run prints that must fail. The program that is interrupted prints a trace of its own."""
        argv = ["pulumi", "--non-interactive", "--color=never", *words, "--yes", "--skip-preview"]
        where, env = self.stack.project, self.stack.environment
        done = subprocess.run(argv, cwd=where, env=env, text=True, capture_output=True, timeout=300, check=False)
        assert done.returncode not in {0, None}, done.stdout
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("objects")
    stack = Stack.create(folder)
    stack.environment["PYTHONPATH"] = str(CHECKOUT)
    stack.run("config", "set", "--secret", "password", PASSWORD)
    stack.program(PROGRAM)
    there = ControlPlane()
    there.password = "canary-First-1"
    with https(there, folder) as server:
        yield Site(stack, there, server)


def test_a_first_preview_asks_nobody(site: Site) -> None:
    site.give()
    assert "+ 8 to create" in site.stack.run("preview")
    assert site.server.calls == []


def test_it_comes_up_and_a_second_run_changes_nothing_and_no_secret_is_plain(site: Site) -> None:
    site.give()
    site.up()
    assert site.there.password == PASSWORD
    [project] = site.there.of["projects"].values()
    assert project["parentId"] in site.there.of["departments"]
    site.give()
    said = site.up("--diff") + site.stack.stored()
    assert "8 unchanged" in said
    assert site.server.calls == []
    outputs = json.loads(site.stack.run("stack", "output", "--json", "--show-secrets"))
    assert outputs["token"].startswith(BOOTSTRAP)
    assert outputs["first"] == TEMPORARY
    for secret in (PASSWORD, "canary-First-1", TOKEN, BOOTSTRAP, TEMPORARY):
        assert secret not in said


def test_an_edit_shows_while_the_api_is_dark_and_is_one_call(site: Site) -> None:
    site.give(gpus=4, server="127.0.0.1:9")
    said = site.stack.run("preview", "--diff")
    assert len(re.findall("~ gpus +: 2 => 4", said)) == 2  # the department's, and the project's
    assert "replace" not in said
    site.give(gpus=4)
    site.up()
    put = [each for each in site.changed() if "project" in each]
    assert len(put) == 1
    assert put[0].startswith("PUT /api/v1/org-unit/projects/")


def test_another_name_is_another_project(site: Site) -> None:
    site.give(gpus=4, name="sound")
    assert "+-1 to replace" in site.stack.run("preview")
    site.up()
    assert [each["name"] for each in site.there.of["projects"].values()] == ["sound"]


def test_a_changed_password_is_changed_there_and_nothing_else_is(site: Site) -> None:
    site.stack.run("config", "set", "--secret", "password", NEW)
    site.give(gpus=4, name="sound")
    site.up()
    assert site.there.password == NEW
    assert site.changed() == ["POST /api/v1/me/password"]


def test_an_error_is_one_line(site: Site) -> None:
    site.give(name="sound", gpus=5)
    site.server.fault("PUT .*/projects", 400, body={"code": 400, "message": f"no {NEW} more than 4"})
    said = site.fails("up")
    assert "error: RestError: PUT /api/v1/org-unit/projects/" in said
    assert ": 400 Bad Request: no [secret] more than 4. Fix: correct the value in the site" in said
    assert "provider.py" not in said
    assert NEW not in said


def drifted(site: Site) -> tuple[list[str], list[str]]:
    """What drift says, and the resources that --record marks."""
    state = json.loads(site.stack.run("stack", "export", "--show-secrets"))
    checks, found = apis.look(state["deployment"]["resources"], objects._revealed)
    return [str(each) for each in checks], record_objects.record_objects(Look([], found), "dev", site.stack.project)


def test_drift_sees_what_was_changed_there_and_the_next_run_mends_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(words: list[str], _stack: str, folder: Path, *, stdin: str | None = None) -> str:
        done = ["pulumi", *words]
        env = site.stack.environment
        return subprocess.run(done, cwd=folder, env=env, input=stdin, text=True, capture_output=True, check=True).stdout

    monkeypatch.setattr(record_objects, "pulumi", run)
    site.give(name="sound", gpus=4)
    site.up()
    assert drifted(site) == (["api.site.example [api] 5 objects hold."], [])
    [project] = site.there.of["projects"].values()
    project["resources"][0]["gpu"]["deserved"] = 8
    site.there.of["users"].clear()
    said, marked = drifted(site)
    assert sorted(said) == [
        "api.site.example [api/Project/sound] quotas.default.gpus is 8. Wanted: 4. "
        "Fix: sitectl drift --record, then pulumi up.",
        "api.site.example [api/User/anna] is not there. Fix: sitectl drift --record, then pulumi up.",
    ]
    assert marked == ["anna", "vision"]
    seen = site.up("--diff")
    assert re.search("~ gpus +: 8 => 4", seen)
    assert project["resources"][0]["gpu"]["deserved"] == 4
    assert [user["username"] for user in site.there.of["users"].values()] == ["anna@site.example"]
    site.server.fault(".*", 403, 99)
    [unknown], nothing = drifted(site)
    assert unknown.startswith("api.site.example [api] 5 objects were not compared. ")
    assert "403 Forbidden: fault 403" in unknown
    assert nothing == []
    site.server.faults.clear()
    project["resources"][0]["gpu"]["deserved"] = 8
    site.up("--refresh")
    assert project["resources"][0]["gpu"]["deserved"] == 4


def test_a_dark_api_refuses_a_removal_and_one_that_is_gone_does_not(site: Site) -> None:
    site.give(objects=False, server="127.0.0.1:9")
    site.server.fault(".*", "cut")  # nobody asks
    said = site.fails("up")
    assert "error: DarkError: " in said
    assert "cannot be reached: Connection refused. Nothing was removed there. Fix: " in said
    assert "an API that is gone for good: state: gone in platforms.ai." in said
    site.give(objects=False, server="127.0.0.1:9", gone=True)
    site.up()
    assert set(site.stack.resources()) == {"test-dev", "site", "api"}
    assert site.server.calls == []


def test_up_again_takes_over_what_is_there(site: Site) -> None:
    before = {path: set(of) for path, of in site.there.of.items()}
    site.server.faults.clear()
    site.give(name="sound", gpus=5)
    site.up()
    assert {path: set(of) for path, of in site.there.of.items()} == before
    site.give(name="sound", gpus=5)
    site.stack.run("destroy", "--yes", "--skip-preview")
    assert [path for path, of in site.there.of.items() if path in {"clusters", "projects", "users"} and of] == []
