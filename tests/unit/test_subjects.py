"""What the API server calls the users of a site: in the role bindings of projects, in `verify`, in kubeconfigs."""

from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.oidc import Oidc
from components.tenancy.config import User
from components.tenancy.subjects import EMAIL, subjects
from ops import oidc_kubeconfig
from stacks.checks import notes
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site

pytestmark = pytest.mark.row("S4", "X14", "R7")

ISSUER, MAIL = "https://id.example.org/realms/ai", "ana@example.org"


def provider(claim: str, prefix: str) -> dict[str, str]:
    return {"issuer": ISSUER, "client": "kubernetes", "usernameClaim": claim, "usernamePrefix": prefix}


@pytest.mark.parametrize(
    ("claim", "prefix", "user", "name"),
    [
        (None, "", {}, "ana"),
        (None, "", {"email": MAIL}, "ana"),
        (None, "", {"email": MAIL, "subject": "Ana"}, "Ana"),
        ("email", "", {"email": MAIL}, MAIL),
        ("email", "oidc:", {"email": MAIL}, f"oidc:{MAIL}"),
        ("email", "oidc:", {}, "ana"),
        ("email", "oidc:", {"email": MAIL, "subject": "Ana"}, "Ana"),
        ("preferred_username", "", {"email": MAIL}, "ana"),
        ("preferred_username", "oidc:", {"email": MAIL}, "ana"),
        ("sub", "", {"email": MAIL}, "ana"),
        ("sub", "", {"email": MAIL, "subject": "7f1c"}, "7f1c"),
    ],
)
def test_a_user_is_called_as_tokens_say_and_else_as_in_the_site(
    claim: str | None, prefix: str, user: dict[str, str], name: str
) -> None:
    oidc = Oidc.model_validate(provider(claim, prefix)) if claim else None
    assert subjects({"ana": User.model_validate(user)}, oidc, {EMAIL}) == {"ana": name}


def test_a_claim_of_a_parts_own_tokens_is_an_email_address_too() -> None:
    users = {"ana": User(email=MAIL), "ben": User()}
    oidc = Oidc.model_validate(provider("sub", ""))
    assert subjects(users, oidc, {EMAIL, "sub"}) == {"ana": MAIL, "ben": "ben"}


def site(folder: Path, oidc: dict[str, str] | None, users: dict[str, Any]) -> Site:
    more = {"oidc": oidc} if oidc else {}
    hosts = {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}}
    of = {"hosts": hosts, "kubernetes": more, "users": users, "projects": {"vision": {"members": sorted(users)}}}
    return site_from(of, stack="lab", folder=folder, keys=False)


def test_a_member_whom_tokens_cannot_name_is_a_note_with_the_fix(tmp_path: Path) -> None:
    users = {"ana": {"email": MAIL}, "ben": {}, "eve": {"subject": "eve"}}
    lines = [line for line in notes(site(tmp_path, provider("email", "oidc:"), users)) if "sign in" in line]
    says = "kubernetes.oidc: the API server calls people who sign in oidc:X, where X is their email."
    opens = "so that signing in opens no project to them."
    assert lines == [
        f"{says} ben has none, {opens} Write users.NAME.email, as the provider has it.",
        f'{says} eve has no such name, {opens} Write users.NAME.subject: "oidc:X".',
    ]
    # Without a prefix, any name may be one: an email address that is missing is not.
    [line] = [line for line in notes(site(tmp_path, provider("email", ""), users)) if "sign in" in line]
    assert "sign in X, where X is their email. ben has none" in line


def test_one_email_of_two_users_is_refused_only_where_tokens_say_it(tmp_path: Path) -> None:
    # The refusal: tests/sites/bad/users-email.yaml.
    users = {"ana": {"email": MAIL}, "ben": {"email": MAIL}}
    assert ground(site(tmp_path, provider("sub", ""), users)).subjects == {"ana": "ana", "ben": "ben"}


def test_the_kubeconfig_for_signing_in_says_whom_tokens_cannot_name() -> None:
    oidc = Oidc.model_validate(provider("email", ""))
    assert oidc_kubeconfig.remark(oidc, "ana", MAIL, by_email=True) == ""
    assert oidc_kubeconfig.remark(oidc, "ben", "ben", by_email=True) == (
        "tokens name people by their email, and ben is known to the cluster as ben. "
        "Fix: users.ben.email, then pulumi up; or --certificate"
    )
    assert oidc_kubeconfig.remark(oidc, "eve", "eve", by_email=False) == ""
