"""First login, settings and users behind Rancher's API.

Does not prove: that the documented calls are those of a real Rancher.
"""

from typing import Any

import pytest

from components.platforms.rancher.kinds import AdminKind, SettingKind, UserKind
from components.rest.error import RestError
from components.rest.kind import ensure, holds
from tests.parts.rancher.unit.conftest import World
from tests.parts.rancher.unit.server import BOOTSTRAP, FIRST
from tests.unit.https import PASSWORD

ADMIN = {"username": "admin"}
ANA = {"username": "ana", "name": "ana", "enabled": True}
URL = {"name": "server-url", "value": "https://rancher.lps.example.org"}
SECRET = {"password": FIRST}


@pytest.mark.row("T5")
def test_the_bootstrap_password_is_replaced_and_opens_nothing_then(world: World) -> None:
    world.there.password = BOOTSTRAP
    ensure(AdminKind(), world.client(), ADMIN, {"bootstrap": BOOTSTRAP})
    assert world.there.password == PASSWORD
    with pytest.raises(RestError, match="401 Unauthorized"):
        world.client(password=BOOTSTRAP).session.log_in()


@pytest.mark.row("T5")
def test_a_password_that_holds_is_left_alone(world: World) -> None:
    ensure(AdminKind(), world.client(), ADMIN, {"bootstrap": BOOTSTRAP})
    assert world.server.calls == ["POST /v1-public/login"]


@pytest.mark.row("T5")
def test_a_new_password_of_the_site_is_set_by_the_former_one(world: World) -> None:
    world.there.password = "the-former-one-1"
    AdminKind().update(world.client(), "admin", ADMIN, {"bootstrap": BOOTSTRAP}, {"password": "the-former-one-1"})
    assert world.there.password == PASSWORD


@pytest.mark.row("T5")
def test_a_change_that_ended_late_is_seen(world: World) -> None:
    world.there.password = BOOTSTRAP
    world.server.fault("POST /v3/users", "late")
    ensure(AdminKind(), world.client(), ADMIN, {"bootstrap": BOOTSTRAP})
    assert world.there.password == PASSWORD


@pytest.mark.row("T5")
def test_an_unknown_password_is_told_without_any(world: World) -> None:
    world.there.password = "changed-by-hand-1"
    with pytest.raises(RestError) as caught:
        ensure(AdminKind(), world.client(), ADMIN, {"bootstrap": BOOTSTRAP})
    assert "Rancher takes neither the site's password of admin nor any former one. Fix: give the site" in str(
        caught.value
    )
    assert BOOTSTRAP not in str(caught.value)
    assert AdminKind().read(world.client(), "admin", ADMIN) is None


@pytest.mark.row("T5")
def test_a_setting_is_set_and_gets_its_default_again(world: World) -> None:
    seen = ensure(SettingKind(), world.client(), URL, {})
    assert (seen.id, world.there.settings["server-url"]) == ("server-url", URL["value"])
    world.there.settings["server-url"] = "https://by.hand.example.org"
    found = SettingKind().read(world.client(), "server-url", URL)
    assert found
    assert not holds(URL, found.values)
    SettingKind().update(world.client(), "server-url", URL, {}, {})
    assert world.there.settings["server-url"] == URL["value"]
    SettingKind().delete(world.client(), "server-url", URL)
    assert world.there.settings["server-url"] == ""


@pytest.mark.row("T5")
def test_a_setting_that_rancher_does_not_have_is_named(world: World) -> None:
    with pytest.raises(RestError) as caught:
        ensure(SettingKind(), world.client(), {"name": "telemetry", "value": "out"}, {})
    said = 'there is no setting "telemetry" in this Rancher. Fix: correct its name in settings, or take it out.'
    assert str(caught.value) == f"GET /v3/settings/telemetry: {said}"
    assert SettingKind().read(world.client(), "telemetry", {"name": "telemetry", "value": "out"}) is None
    SettingKind().delete(world.client(), "telemetry", {})


@pytest.mark.row("T5")
def test_a_user_is_made_with_a_first_password_that_must_be_changed(world: World) -> None:
    seen = ensure(UserKind(), world.client(), ANA, SECRET)
    made = world.there.users[seen.id]
    assert (made["password"], made["mustChangePassword"], seen.values) == (FIRST, True, ANA)


def hers(world: World) -> dict[str, Any]:
    """A user whom somebody made in Rancher."""
    own = {"id": "u-7", "username": "ana", "name": "Ana B.", "enabled": False, "labels": {"team": "a"}}
    world.there.users["u-7"] = own | {"password": "her-own", "mustChangePassword": False}
    return dict(world.there.users["u-7"])


@pytest.mark.row("T5")
def test_a_user_whom_others_made_is_refused_and_nothing_of_it_changes(world: World) -> None:
    own = hers(world)
    with pytest.raises(RestError) as caught:
        ensure(UserKind(), world.client(), ANA, SECRET)
    assert str(caught.value) == (
        "GET /v3/users: Rancher has a user ana (u-7) already, whom this program did not make. Nothing was changed. "
        "Fix: another name in the site's users; or, to take this one over and give it back later, "
        "users.ana.adopt: true in Rancher's entry."
    )
    assert world.there.users["u-7"] == own


@pytest.mark.row("T5")
@pytest.mark.parametrize("still", [{"adopt": True}, {}], ids=["the word stays", "the word was taken away"])
def test_a_user_who_is_taken_over_keeps_the_own_password_and_is_given_back(
    world: World, still: dict[str, bool]
) -> None:
    own, word = hers(world), {**ANA, "adopt": True}
    seen = ensure(UserKind(), world.client(), word, SECRET)
    assert (seen.id, holds(word, seen.values)) == ("u-7", True)
    assert world.there.users["u-7"] == own | {"enabled": True, "labels": {"team": "a", "gpu-metal/taken": "false"}}
    assert ensure(UserKind(), world.client(), word, SECRET) == seen, "after a state was lost, too"
    UserKind().update(world.client(), "u-7", {**ANA, **still}, {"password": "another-first-one"}, SECRET)
    UserKind().delete(world.client(), "u-7", {**ANA, **still})
    assert world.there.users["u-7"] == own


@pytest.mark.row("T5")
def test_a_user_of_an_earlier_run_is_taken_over_without_a_word_and_deleted(world: World) -> None:
    seen = ensure(UserKind(), world.client(), ANA, SECRET)
    assert ensure(UserKind(), world.client(), {**ANA, "adopt": True}, SECRET).id == seen.id
    UserKind().delete(world.client(), seen.id, {**ANA, "adopt": True})
    assert seen.id not in world.there.users


@pytest.mark.row("T5")
def test_a_user_of_an_earlier_version_gets_the_mark_and_is_deleted(world: World) -> None:
    for changed in (True, False):
        world.there.users["u-8"] = {"id": "u-8", **ANA}
        if changed:
            UserKind().update(world.client(), "u-8", ANA, SECRET, SECRET)
            assert world.there.users["u-8"]["labels"] == {"gpu-metal/made": "true"}
        UserKind().delete(world.client(), "u-8", ANA)
        assert "u-8" not in world.there.users


@pytest.mark.row("T5")
def test_a_user_that_another_makes_at_the_same_time_is_taken_over(world: World) -> None:
    world.server.fault("POST /v3/users", "late")
    seen = ensure(UserKind(), world.client(), ANA, SECRET)
    assert [each for each in world.there.users.values() if each["username"] == "ana"] == [world.there.users[seen.id]]


@pytest.mark.row("T5")
def test_a_user_who_was_deleted_or_changed_by_hand_is_drift(world: World) -> None:
    seen = ensure(UserKind(), world.client(), ANA, SECRET)
    world.there.users[seen.id]["enabled"] = False
    found = UserKind().read(world.client(), seen.id, ANA)
    assert found
    assert not holds(ANA, found.values)
    UserKind().delete(world.client(), seen.id, ANA)
    UserKind().delete(world.client(), seen.id, ANA)
    assert UserKind().read(world.client(), seen.id, ANA) is None
    with pytest.raises(RestError, match=r"404 Not Found \[NotFound\].*sitectl drift --record, then pulumi up"):
        UserKind().update(world.client(), seen.id, ANA, SECRET, SECRET)


@pytest.mark.row("T5")
def test_what_rancher_refuses_is_told_without_the_password(world: World) -> None:
    with pytest.raises(RestError) as caught:
        ensure(UserKind(), world.client(), ANA, {"password": "short"})
    assert str(caught.value).startswith("POST /v3/users: the first password of ana has 5 characters. Nobody was made.")
    body = {"type": "error", "status": 422, "code": "InvalidBodyContent", "message": f"{FIRST} is the name"}
    world.server.fault("POST /v3/users", 422, body=body)
    with pytest.raises(RestError) as refused:
        ensure(UserKind(), world.client(), ANA, SECRET)
    assert "422" in str(refused.value)
    assert "[InvalidBodyContent]: [secret] is the name. Fix: correct the value in the site" in str(refused.value)
    world.server.fault("POST /v3/users", 409, body={"code": "Conflict", "message": "ana is being deleted"})
    with pytest.raises(
        RestError, match=r"409 Conflict \[Conflict\]: ana is being deleted. Fix: look what has this name"
    ):
        ensure(UserKind(), world.client(), ANA, SECRET)
    world.server.fault("GET /v3/users", 403, times=2, body={"code": "PermissionDenied", "message": "no"})
    with pytest.raises(RestError, match="403 Forbidden"):
        UserKind().find(world.client(), ANA)
