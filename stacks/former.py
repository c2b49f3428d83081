"""Keys that a site had in an earlier version, with what to write in their place."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

from components.problem import Problem
from stacks.yaml_words import word

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?")


def former(data: Mapping[str, Any]) -> Iterator[Problem]:
    """`tenants` became `users` and `projects`: the same entry in the new words, to paste."""
    if "tenants" not in data:
        return
    entries = data["tenants"] if isinstance(data["tenants"], dict) else {}
    users: dict[str, Any] = {}
    projects = {str(name): _project(entry, users) for name, entry in entries.items() if isinstance(entry, dict)}
    text = "is now users and projects, and the keys of quota stand beside the others."
    if projects:
        text += f" Write users: {word(users)} and projects: {word(projects)}; what they have in the cluster stays."
    yield Problem(("tenants",), text)


def _project(tenant: Mapping[str, Any], users: dict[str, Any]) -> dict[str, Any]:
    quota = tenant.get("quota")
    project = {**(quota if isinstance(quota, dict) else {}), **{k: v for k, v in tenant.items() if k != "quota"}}
    if isinstance(members := tenant.get("members"), list):
        project["members"] = [_user(str(subject), users) for subject in members]
    return project


def _user(subject: str, users: dict[str, Any]) -> str:
    """The name of the user who is this subject to the API server; it is added to `users`."""
    letters = re.sub("[^a-z0-9]+", "-", subject.partition("@")[0].lower()).lstrip("-0123456789")[:29].rstrip("-")
    plain = subject if _NAME.fullmatch(subject) else letters or "user"
    names = chain([plain], (f"{plain[:29]}-{number}" for number in count(2)))
    free = (name for name in names if users.get(name, _said(name, subject)) == _said(name, subject))
    name = next(free)
    users[name] = _said(name, subject)
    return name


def _said(name: str, subject: str) -> dict[str, str]:
    return {} if name == subject else {"subject": subject}
