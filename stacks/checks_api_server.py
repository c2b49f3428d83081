"""Rules for the arguments of the API server that name files. Each problem names the key and the fix.

They read the files of the operator's machine.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from components.kubernetes import api_server
from components.kubernetes.api_server import ApiServerFile
from components.problem import Problem
from stacks.model import Site


def arguments(site: Site) -> Iterator[Problem]:
    """An argument names no file that the API server's pod does not see."""
    for name, value in site.kubernetes.api_server.items() if site.kubernetes else ():
        if text := api_server.wrong(name, value):
            yield Problem(("kubernetes", "apiServer", name), text)


def files(site: Site) -> Iterator[Problem]:
    """The files are what their argument takes; audit rules have a log."""
    config = site.kubernetes
    if config is None:
        return
    for name, path in config.api_server_files.items():
        if text := _unfit(name, path):
            yield Problem(("kubernetes", "apiServerFiles", name), text)
    logs = {"audit-log-path", "audit-webhook-config-file"} & {*config.api_server}
    if "audit-policy-file" in config.api_server_files and not logs:
        text = 'has nowhere to log to. Write apiServer: {audit-log-path: "/var/log/kubernetes/audit.log"}.'
        yield Problem(("kubernetes", "apiServerFiles", "audit-policy-file"), text)


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
    return None if seen == kind else f"{path.name} has kind {seen or 'none'}. This argument takes kind: {kind}."


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (arguments, files)
