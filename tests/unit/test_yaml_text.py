"""Edits of a YAML text: only the entry changes. Does not prove: that a site is right afterwards (test_users.py)."""

import pytest
from ruamel.yaml import YAML

from ops.yaml_text import CannotEditError, append, drop, put, take

SITE = """\
# a site,  with blanks that a YAML writer would not keep
config:
  other:key:   {secure: "v1:abc"}
  gpu-metal:site:
    hosts:   {"gpu-[1-4]": {address: "10.0.0.[1-4]"}}   # a range
    users:            # people

      # the first
      ana: {email: ana@example.org, uid: 20001}    # leads
      ben:
        email: 'ben@example.org'
        # his second address is not known
    # between

    projects:
      vision:
        gpus:   2
        members: [ana,   ben]   # both
      text: {gpus: 1, members:
        - ana
        , pods: 3}
  gpu-metal:adminPassword: {secure: "v1:def"}
"""
SITE = SITE.replace(
    "      text: {gpus: 1, members:\n        - ana\n        , pods: 3}\n",
    "      text:\n        members:\n        - ana   # alone\n        gpus: 1\n",
)
TOP = ("config", "gpu-metal:site")


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that are gone, and lines that came; all others must be in the same order."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    gone = [line for line in old if line not in new]
    came = [line for line in new if line not in old]
    assert [line for line in old if line in new] == [line for line in new if line in old]
    return gone, came


def test_an_entry_goes_after_the_last_one_of_its_map() -> None:
    text = put(SITE, (*TOP, "users", "carl"), {"email": "carl@example.org", "uid": 20003, "keys": ["ssh-ed25519 A c"]})
    gone, came = changed(SITE, text)
    assert gone == []
    assert came == ['      carl: {email: carl@example.org, uid: 20003, keys: ["ssh-ed25519 A c"]}\n']
    lines = text.splitlines()
    assert lines[lines.index(came[0].rstrip()) - 1] == "        # his second address is not known"


def test_a_map_that_is_not_there_comes_with_the_entry() -> None:
    text = put("config:\n  gpu-metal:site:\n    id: x  # why\n  k: 1", (*TOP, "users", "ana"), {})
    assert text == "config:\n  gpu-metal:site:\n    id: x  # why\n    users:\n      ana: {}\n  k: 1"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    assert put("id: x", ("users", "ana"), {}) == "id: x\nusers:\n  ana: {}\n"


def test_line_ends_of_the_file_are_kept() -> None:
    assert put("users:\r\n  ana: {}\r\n", ("users", "ben"), {}) == "users:\r\n  ana: {}\r\n  ben: {}\r\n"
    assert take("users:\r\n  ana: {}\r\n  ben: {}\r\n", ("users", "ana")) == "users:\r\n  ben: {}\r\n"


def test_an_entry_goes_with_its_own_comments_only() -> None:
    gone, came = changed(SITE, take(SITE, (*TOP, "users", "ana")))
    assert (gone, came) == (["      ana: {email: ana@example.org, uid: 20001}    # leads\n"], [])
    gone, came = changed(SITE, take(SITE, (*TOP, "users", "ben")))
    second = "        # his second address is not known\n"
    assert (gone, came) == (["      ben:\n", "        email: 'ben@example.org'\n", second], [])


def test_the_last_entry_leaves_an_empty_map_which_opens_again() -> None:
    text = take("users:  # people\n  ana: {}\nid: x\n", ("users", "ana"))
    assert text == "users: {}  # people\nid: x\n"
    assert put(text, ("users", "ben"), {"uid": 1}) == "users:  # people\n  ben: {uid: 1}\nid: x\n"


def test_items_come_and_go_in_brackets_and_in_lines() -> None:
    vision, alone = (*TOP, "projects", "vision", "members"), (*TOP, "projects", "text", "members")
    assert "        members: [ana,   ben, carl]   # both\n" in append(SITE, vision, "carl")
    assert "        - ana   # alone\n        - carl\n" in append(SITE, alone, "carl")
    assert "        members: [ben]   # both\n" in drop(SITE, vision, "ana")
    assert "        members: [ana]   # both\n" in drop(SITE, vision, "ben")
    assert "      text:\n        members: []\n        gpus: 1\n" in drop(SITE, alone, "ana")
    assert append("p: {v: {gpus: 1}}\n", ("p", "v", "members"), "yes") == 'p: {v: {gpus: 1, members: ["yes"]}}\n'


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("u: {a: 1, b: 2, c: 3}\n", "a", "u: {b: 2, c: 3}\n"),
        ("u: {a: 1, b: 2, c: 3}\n", "b", "u: {a: 1, c: 3}\n"),
        ("u: {a: 1, b: 2, c: 3} # x\n", "c", "u: {a: 1, b: 2} # x\n"),
        ("u: {a: 1}\n", "a", "u: {}\n"),
        ("u: {a: 1, }\n", "a", "u: { }\n"),
        ("u: {\n  a: 1,  # one\n  b: 2  # two\n}\n", "b", "u: {\n  a: 1,  # one\n}\n"),
        ("u: {\n  a: 1,  # one\n  b: 2,  # two\n}\n", "a", "u: {\n  b: 2,  # two\n}\n"),
        ("u: {\n  a: 1,  # one\n  b: 2,  # two\n}\n", "b", "u: {\n  a: 1,  # one\n}\n"),
        ("u: {\n  a: 1,  # one\n  # of b\n\n  b: 2,\n}\n", "a", "u: {\n  # of b\n\n  b: 2,\n}\n"),
        ("u: {a: 1,  # one\n  # of b\n  b: 2}\n", "a", "u: {\n  # of b\n  b: 2}\n"),
        ("u: {a: 1,\r\n  b: 2}\r\n", "a", "u: {b: 2}\r\n"),
        ("u: {a: 1,\n  b: 2}\n", "b", "u: {a: 1,\n  }\n"),
    ],
)
def test_an_entry_in_braces_goes(before: str, name: str, after: str) -> None:
    assert take(before, ("u", name)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("u: {a: 1}\n", "u: {a: 1, z: {}}\n"),
        ("u: {\n  a: 1,  # one\n}\n", "u: {\n  a: 1, z: {},  # one\n}\n"),
        ("{u: {}}\n", "{u: {z: {}}}\n"),
    ],
)
def test_an_entry_in_braces_comes(before: str, after: str) -> None:
    assert put(before, ("u", "z"), {}) == after


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {k: {}}\nu: *x\n",
        "a: &x {k: {}}\nu: {<<: *x}\n",
        "u: &x {k: {}, m: 1}\nb: *x\n",
        "u: &x\n  k: {}\nb: *x\n",
    ],
)
def test_what_is_repeated_from_an_anchor_is_not_edited(text: str) -> None:
    with pytest.raises(CannotEditError, match="anchor"):
        take(text, ("u", "k"))


def test_nothing_is_added_behind_an_alias() -> None:
    with pytest.raises(CannotEditError, match="alias"):
        put("a: &x {k: 1}\nu:\n  b: *x\n", ("u", "z"), {})


@pytest.mark.parametrize("name", ["yes", "~", "20001", "ä", "a: b", "#1", "null", "1.30", "0x1f", "2026-11-30", "é𝄞"])
def test_a_name_is_read_back_as_it_was_given(name: str) -> None:
    text = put(SITE, (*TOP, "users", name), {"subject": name})
    assert YAML(typ="safe", pure=True).load(text)["config"]["gpu-metal:site"]["users"][name] == {"subject": name}
    assert take(text, (*TOP, "users", name)) == SITE
