"""What the state has of an object behind an API, and what of it makes a change.

Does not prove: what Pulumi does with it; the tests of Run:ai's objects do, in the real one.
"""

from typing import Any

import pytest
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc

from components.rest.access import Access
from components.rest.error import RestError
from components.rest.kind import holds, of_place, plain
from components.rest.provider import Provider

KIND = "components.platforms.runai.orgs:ProjectKind"
WANT = {"name": "vision", "cluster": "u", "quotas": {"default": {"gpus": 2}}, "gpusElsewhere": 0}
FIXED = "gASVLAAAAAAAAACMGGNvbXBvbmVudHMucmVzdC5wcm92aWRlcpSMCFByb3ZpZGVylJOUKYGULg=="
"""By reference: base64 of a pickle that has the name of our module and class, and nothing of their code."""


def diff(before: dict[str, Any], now: dict[str, Any]) -> tuple[bool, list[str]]:
    result = Provider().diff("1", before, now)
    return bool(result.changes), list(result.replaces or [])


def test_the_state_has_the_providers_name_and_nothing_of_our_code() -> None:
    assert serialize_provider(Provider()) == FIXED


def test_code_that_changed_changes_no_object() -> None:
    before = {"kind": KIND, "want": WANT, "__provider": FIXED, "namespace": "runai-vision"}
    assert diff(before, {"kind": KIND, "want": WANT, "__provider": "another"}) == (False, [])
    assert diff(before, {"kind": KIND, "want": {**WANT, "description": None}, "__provider": FIXED}) == (False, [])


def test_pulumis_numbers_are_no_change() -> None:
    floats = {**WANT, "quotas": {"default": {"gpus": 2.0}}, "gpusElsewhere": 0.0}
    assert diff({"kind": KIND, "want": floats}, {"kind": KIND, "want": WANT}) == (False, [])
    assert plain({"a": [2.0, 0.5], "b": None}) == {"a": [2, 0.5]}


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"quotas": {"default": {"gpus": 3}}}, []),
        ({"name": "sound"}, ["want.name"]),
        ({"cluster": rpc.UNKNOWN}, ["want.cluster"]),
        ({"description": "new"}, []),
    ],
)
def test_what_the_site_changes_is_a_change(change: dict[str, Any], replaces: list[str]) -> None:
    before = {"kind": KIND, "want": WANT}
    assert diff(before, {"kind": KIND, "want": {**WANT, **change}}) == (True, replaces)
    assert diff({"kind": KIND, "want": {**WANT, **change}}, before) == (True, replaces)


def test_a_secret_that_changed_is_a_change() -> None:
    before = {"kind": KIND, "want": WANT, "private": {"password": "a"}}
    assert diff(before, {**before, "private": {"password": "b"}}) == (True, [])


def test_an_api_that_is_gone_takes_no_changes_and_every_removal() -> None:
    access = Access("https://api.site.example", "admin", server="127.0.0.1:9", gone=True)
    provider = Provider()
    inputs = {**access.public(), "rest:secret": access.secret("a")}
    provider.configure(ConfigureRequest(Config(inputs, "site")))
    props = {"kind": KIND, "want": WANT}
    provider.delete("1", props)
    for change in (lambda: provider.create(props), lambda: provider.update("1", props, props)):
        with pytest.raises(
            RestError, match=r"the site says that https://api\.site\.example is gone\. Fix: take the objects"
        ):
            change()


@pytest.mark.parametrize("place", ["os:system", "components.rest.access:Access", "components.rest.kind:none"])
def test_only_kinds_of_this_program_are_taken_from_a_state(place: str) -> None:
    with pytest.raises(ValueError, match="is no kind of object"):
        of_place(place)


@pytest.mark.parametrize(
    ("want", "seen", "same"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": 1}}, {"a": None}, False),
        ({"a": ""}, {}, True),
        ({"a": 0}, {}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
    ],
)
def test_only_what_is_wanted_is_compared(want: Any, seen: Any, same: bool) -> None:
    assert holds(want, seen) is same
