"""The administrator's password, and those that are told once.

Does not prove: that the documented calls are those of a real control plane.
"""

import pytest

from components.platforms.runai.kinds import AdminKind, UserKind
from components.rest.error import RestError
from components.rest.kind import ensure
from tests.parts.runai.unit.control_plane import ADMIN, TEMPORARY
from tests.parts.runai.unit.world import World
from tests.unit.https import PASSWORD

ADMINISTRATOR = {"username": ADMIN}


def test_a_first_password_is_changed(world: World) -> None:
    world.there.password = "Abcd!234"
    ensure(AdminKind(), world.client(), ADMINISTRATOR, {"initial": ["other", "Abcd!234"]})
    assert world.there.password == PASSWORD


def test_one_that_holds_is_left_alone(world: World) -> None:
    ensure(AdminKind(), world.client(), ADMINISTRATOR, {"initial": ["Abcd!234"]})
    assert world.server.calls == ["POST /api/v2/token"]


def test_the_former_one_is_changed(world: World) -> None:
    world.there.password = "the-former-1A"
    AdminKind().update(world.client(), ADMIN, ADMINISTRATOR, {}, {"password": "the-former-1A"})
    assert world.there.password == PASSWORD


def test_a_change_that_ended_late_is_seen(world: World) -> None:
    world.there.password = "Abcd!234"
    world.server.fault("POST .*/me/password", "late")
    ensure(AdminKind(), world.client(), ADMINISTRATOR, {"initial": ["Abcd!234"]})
    assert world.there.password == PASSWORD


def test_an_unknown_one_is_told_without_any(world: World) -> None:
    world.there.password = "by-hand-1A"
    with pytest.raises(RestError) as caught:
        ensure(AdminKind(), world.client(), ADMINISTRATOR, {"initial": ["Abcd!234"]})
    assert "takes neither the site's password of admin@site.example nor any former one. Fix" in str(caught.value)
    assert "Abcd!234" not in str(caught.value)
    assert AdminKind().read(world.client(), ADMIN, ADMINISTRATOR) is None


def test_a_users_first_password_is_told_once(world: World) -> None:
    want = {"email": "anna@site.example"}
    assert ensure(UserKind(), world.client(), want, {}).outputs == {"password": TEMPORARY}
    assert ensure(UserKind(), world.client(), want, {}).outputs == {}
