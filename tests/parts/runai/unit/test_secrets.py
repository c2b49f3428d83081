"""Secrets that cannot be what the site says, and versions that cannot be reached."""

import json

import pytest

from components.platforms.runai.config import Registry
from components.platforms.runai.secrets import (
    ExpiredError,
    UnfitSecretError,
    login,
    must_be_in_time,
    must_belong,
    must_do,
)
from components.platforms.runai.versions import hop
from tests.parts.runai.authority import FILES, Authority

GOOD = "Long-enough-1"


@pytest.mark.row("R3")
@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Abcd!234", "is the first password of Run:ai's guides, which everybody knows"),
        ("password", "is the first password of Run:ai's guides, which everybody knows"),
        ("Ab!2", "lacks 8 signs or more, which Run:ai asks of a password"),
        ("long-enough", "lacks an upper-case letter, a digit, which Run:ai asks of a password"),
        ("LONGENOUGH1", "lacks a lower-case letter, a sign, which Run:ai asks of a password"),
    ],
)
def test_a_password_that_run_ai_refuses_or_everybody_knows_is_refused_first(password: str, why: str) -> None:
    with pytest.raises(UnfitSecretError) as error:
        must_do(password, "runaiAdmin")
    fix = "Nothing was changed. Fix: pulumi config set --secret runaiAdmin, with another one"
    assert str(error.value) == f"the secret runaiAdmin (admin.passwordSecret) {why}. {fix}"


def test_any_other_is_taken() -> None:
    must_do(GOOD, "runaiAdmin")


@pytest.mark.row("R1")
def test_a_key_of_another_certificate_is_refused() -> None:
    one, two = (Authority().sign("ai.example.org") for _ in range(2))
    must_belong(one.key, one.text, "siteKey", "runai: keySecret")
    with pytest.raises(UnfitSecretError, match=r"siteKey \(runai: keySecret\) is the key of another certificate than"):
        must_belong(two.key, one.text, "siteKey", "runai: keySecret")


@pytest.mark.row("R1")
def test_an_expired_certificate_is_not_put_into_the_cluster() -> None:
    must_be_in_time(FILES / "ai.example.org.pem", "runai: certificate")
    told = r'"expired.pem" \(runai: certificate\) has a certificate that expired on 20.* Nothing was changed'
    with pytest.raises(ExpiredError, match=told):
        must_be_in_time(FILES / "expired.pem", "runai: certificate")


@pytest.mark.row("R4")
def test_a_login_is_for_the_registrys_host() -> None:
    made = json.loads(login(Registry(images="nvcr.io/nvidia/runai", username="$oauthtoken"), "a:key"))
    auth = "JG9hdXRodG9rZW46YTprZXk="
    assert made == {"auths": {"nvcr.io": {"username": "$oauthtoken", "password": "a:key", "auth": auth}}}


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("2.25.0", "3.0.0", None),
        ("2.25.0", "2.25.4", None),
        ("2.22.3", "2.26.0", None),
        (
            "2.21.0",
            "3.0.0",
            "2.21.0 is installed, and an upgrade goes 4 releases at most. Go to 2.25 first, then to 3.0.0",
        ),
        ("3.0.0", "2.25.0", '3.0.0 is installed, and Run:ai has no way back to 2.25.0. Write version: "3.0.0"'),
    ],
)
def test_an_upgrade_goes_four_releases_and_never_back(old: str, new: str, why: str | None) -> None:
    assert hop(old, new) == why
