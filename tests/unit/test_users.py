"""Accounts of the site's users on front ends, as data. That a host gets them: tests/scripts/test_accounts.py."""

from pathlib import Path
from typing import Any

import pytest

from components.host.machine import Person
from components.hostrun.step import Step
from stacks import plan
from stacks.checks import notes
from stacks.former import former
from stacks.load import site_from
from stacks.model import Site

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGLWm1 ana@desk"


def site_with(folder: Path, **more: Any) -> Site:
    """Two front ends and another host; the second has words of its own about ben."""
    hosts = {
        "login-1": {"address": "10.0.0.1", "roles": [], "frontEnd": True},
        "login-2": {"address": "10.0.0.2", "roles": [], "frontEnd": True, "accounts": {"ben": {"groups": ["adm"]}}},
        "db-1": {"address": "10.0.0.3", "roles": []},
    }
    users = {"ana": {"uid": 20001, "keys": [KEY], "home": "/shared/ana"}, "ben": {"uid": 20002}}
    return site_from({"hosts": hosts, "users": users, **more}, stack="lab", folder=folder, keys=False)


def named(steps: list[Step], name: str) -> dict[str, Any]:
    return {step.label: step.inputs for step in steps if step.script.stem == name}


@pytest.mark.row("S6", "X14")
def test_front_ends_have_the_users_and_other_hosts_have_not(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    first, second, other = (site.hosts[name] for name in ("login-1", "login-2", "db-1"))
    assert other.accounts == {}
    assert {name: isinstance(account, Person) for name, account in first.accounts.items()} == {"ana": True, "ben": True}
    account = named(plan.base(site, first), "account")["ana"]
    assert account["own"] == "yes"
    assert (account["uid"], account["home"], account["keys"]) == ("20001", "/shared/ana", "yes")
    assert named(plan.preflight(site, first), "account_free") == {
        "ana": {"name": "ana", "uid": "20001", "home": "/shared/ana"},
        "ben": {"name": "ben", "uid": "20002"},
    }
    # What a host says of the account itself goes over the user's entry, and takes over one that others made.
    account = named(plan.base(site, second), "account")["ben"]
    assert ("own" in account, account["uid"], account["groups"]) == (False, "20002", "adm")
    assert set(named(plan.preflight(site, second), "account_free")) == {"ana"}
    assert named(plan.preflight(site, second), "account_adopted")[""] == {"password": "ben", "sudo": "ben"}


@pytest.mark.row("X14")
def test_users_in_no_project_are_a_note(tmp_path: Path) -> None:
    fix = "Write them into projects.NAME.members, or take them out of users."
    text = f"users: ana, ben are in no project, so nothing in the cluster opens to them. {fix}"
    assert text in notes(site_with(tmp_path))
    assert f"users: ben is in no project, so nothing in the cluster opens to it. {fix.replace('them', 'it')}" in notes(
        site_with(
            tmp_path,
            hosts={"one": {"address": "10.0.0.1", "roles": ["control-plane"]}},
            kubernetes={},
            projects={"vision": {"members": ["ana"]}},
        )
    )


def test_members_whom_a_sign_in_gives_another_name_are_a_note(tmp_path: Path) -> None:
    oidc = {"issuer": "https://id.example.org/realms/ai", "client": "kubernetes", "usernameClaim": "name"}
    of: dict[str, Any] = {
        "hosts": {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}},
        "users": {"ana": {}, "ben": {"subject": "oidc:ben@example.org"}, "eve": {}},
        "projects": {"vision": {"members": ["ana", "ben"]}},
    }
    says = (
        "kubernetes.oidc: the API server calls people who sign in oidc:X, where X is their name. ana has no such name"
    )
    for more, wanted in (({}, 1), ({"usernamePrefix": ""}, 0)):
        found = notes(site_with(tmp_path, **of, kubernetes={"oidc": {**oidc, **more}}))
        assert sum(line.startswith(says) for line in found) == wanted
    assert not any("sign in" in line for line in notes(site_with(tmp_path, **of, kubernetes={})))


def test_two_subjects_of_a_former_site_never_become_one_user() -> None:
    members = ["ana@a.org", "ana@b.org", "Ana@c.org", "ana", "7@d.org"]
    [problem] = former({"tenants": {"vision": {"quota": {}, "members": members}}})
    assert problem.text.partition("Write ")[2].partition(" and projects: ")[0] == (
        "users: {ana: {subject: ana@a.org}, ana-2: {subject: ana@b.org}, ana-3: {subject: Ana@c.org}, "
        'ana-4: {subject: ana}, user: {subject: "7@d.org"}}'
    )
