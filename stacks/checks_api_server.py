"""Rules for what the API server is given: arguments, files, sign-in and audit. Each problem names the key and the fix.

They read the files of the operator's machine.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from components.kubernetes import api_server, given
from components.kubernetes.api_server import ApiServerFile
from components.kubernetes.audit import wrong_policy
from components.kubernetes.oidc import CONFIGURED
from components.problem import Problem
from stacks.model import Site


def arguments(site: Site) -> Iterator[Problem]:
    """An argument has a value, is decided by no other key, and names no file that the API server's pod does not see."""
    if site.kubernetes is None:
        return
    taken = given.taken(site.kubernetes)
    for name, value in site.kubernetes.api_server.items():
        key = ("kubernetes", "apiServer", name)
        if name in taken:
            yield Problem(key, _taken(taken[name]))
        elif not value.strip():
            yield Problem(
                key, "is empty. Write a value, or take the line out: the API server then has its own default."
            )
        elif "\n" in value:
            yield Problem(key, "has more than one line, which no argument can have. Write one.")
        elif text := api_server.wrong(name, value):
            yield Problem(key, text)


def files(site: Site) -> Iterator[Problem]:
    """The files are what their argument takes; audit rules have a log."""
    config = site.kubernetes
    if config is None:
        return
    taken = given.taken(config)
    for name, path in config.api_server_files.items():
        if text := _taken(taken[name]) if name in taken else _unfit(name, path):
            yield Problem(("kubernetes", "apiServerFiles", name), text)
    logs = {"audit-log-path", "audit-webhook-config-file"} & {*config.api_server}
    if given.POLICY in config.api_server_files and not logs and not config.audit:
        text = 'has nowhere to log to. Write apiServer: {audit-log-path: "/var/log/kubernetes/audit.log"}.'
        yield Problem(("kubernetes", "apiServerFiles", given.POLICY), text)


def audit(site: Site) -> Iterator[Problem]:
    """The policy is one, or a level."""
    config = site.kubernetes.audit if site.kubernetes else None
    if config and isinstance(config.policy, Path) and (text := _unfit(given.POLICY, config.policy)):
        yield Problem(("kubernetes", "audit", "policy"), text)


def oidc(site: Site) -> Iterator[Problem]:
    """Nobody gets a name of Kubernetes itself: versions that cannot refuse such names need prefixes."""
    config = site.kubernetes
    if config is None or config.oidc is None or config.minor >= CONFIGURED:
        return
    of = config.oidc
    for key, prefix in (("usernamePrefix", of.username_prefix), ("groupsPrefix", of.groups_prefix)):
        if not prefix and (key == "usernamePrefix" or of.groups_claim):
            text = (
                f"is empty, and Kubernetes {config.version} then takes a name such as system:masters from the provider."
            )
            yield Problem(
                ("kubernetes", "oidc", key), f'{text} Write one such as "oidc:", or use Kubernetes 1.30 or later.'
            )


def _taken(key: str) -> str:
    return f"is decided by kubernetes.{key}. Take one of the two away."


def _unfit(name: ApiServerFile, path: Path) -> str | None:
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None  # components/local.py tells
    if name == api_server.CERTIFICATE:
        if "-----BEGIN CERTIFICATE-----" in text:
            return None
        return f"{path.name} has no certificate. Write one in PEM form: it begins with -----BEGIN CERTIFICATE-----."
    kind = api_server.KINDS[name]
    try:
        found = YAML(typ="safe").load(text)
    except YAMLError as error:
        return f"{path.name} is not YAML: {' '.join(str(error).split())[:200]}. Correct it."
    seen = found.get("kind") if isinstance(found, dict) else None
    if seen != kind:
        return f"{path.name} has kind {seen or 'none'}. This argument takes kind: {kind}."
    wrong = wrong_policy(found) if name == given.POLICY else api_server.locks_out(name, found)
    return f"{path.name} {wrong}" if wrong else None


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (arguments, files, audit, oidc)
