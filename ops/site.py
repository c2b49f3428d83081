"""Loads the site for a verb, picks the named hosts, and says how to reach them."""

import json
import os
import subprocess
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ruamel.yaml import YAML

from components.host.config import Host
from components.host.targets import targets
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, unreachable
from components.hostrun.target import SshError, Target
from ops.flags import Flags
from ops.stop import Code, Stop
from stacks.faults import NoSiteError, SiteError
from stacks.load import load_site
from stacks.model import Site


def load(flags: Flags, *, keys: bool = True) -> Site:
    """The site of the flags' stack. Raises Stop with every fault of its file."""
    try:
        return load_site(flags.stack, flags.folder, keys=keys)
    except NoSiteError as error:
        raise Stop(Code.NO_SITE, error.lines) from None
    except SiteError as error:
        raise Stop(Code.WRONG, error.lines) from None


def pick(site: Site, names: Sequence[str]) -> dict[str, Host]:
    """The named hosts; all if none is named. Raises Stop for an unknown name."""
    return {name: site.hosts[name] for name in named(site.hosts, names)}


def named(known: Collection[str], names: Sequence[str]) -> list[str]:
    """The members of `known` that `names` name, as ranges, in the site's order. Raises Stop for an unknown name."""
    if not names:
        return list(known)
    try:
        wanted = [str(name) for name in NodeSet(",".join(names), resolver=RESOLVER_NOGROUP)]
    except NodeSetException as error:
        raise Stop(Code.WRONG, [f"{' '.join(names)}: {error}. A range is written gpu-[1-4]."]) from None
    lines = []
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, 1)
            lines.append(f"{name}: no such host in the site. {f'Did you mean {near[0]}?' if near else ''}".rstrip())
    if lines:
        raise Stop(Code.WRONG, lines)
    return [name for name in known if name in wanted]


def reach(flags: Flags, hosts: dict[str, Host]) -> tuple[Fleet, list[Check]]:
    """The fleet of the active hosts, and a check for each host that is not asked: it is gone or has no host key."""
    reveal = revealer(flags.stack, flags.folder)
    found: dict[str, Target] = {}
    checks = []
    for name, host in hosts.items():
        if host.state == "gone":
            checks.append(Check("reachable", name, "skipped", "state is gone"))
            continue
        try:
            found |= targets({name: host}, reveal)
        except SshError as error:
            checks.append(unreachable(error))
    return Fleet(found, flags.parallel, flags.timeout), checks


def revealer(stack: str, folder: Path) -> Callable[[str], str]:
    """Gives a secret of the stack by name, asking Pulumi once for each. Raises Stop if it cannot be read."""

    @cache
    def reveal(name: str) -> str:
        return pulumi(["config", "get", f"gpu-metal:{name}"], stack, folder).removesuffix("\n")

    return reveal


def pulumi(words: Sequence[str], stack: str | None, folder: Path, *, stdin: str | None = None) -> str:
    """What `pulumi WORDS` prints; its stdout may be secret and is never shown. Raises Stop."""
    command = ["pulumi", *words, *(["--stack", stack] if stack else []), "--non-interactive"]
    try:
        # GOGC: as it starts, pulumi makes what it keeps to its end; Go would look through that again and again.
        env = {"GOGC": "400", **os.environ}
        done = subprocess.run(
            command, cwd=folder, env=env, input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
    except FileNotFoundError:
        raise Stop(
            Code.NO_ACCESS, ["pulumi is not on PATH, and this needs it. Fix: make tools && . tools/activate"]
        ) from None
    except subprocess.TimeoutExpired:
        raise Stop(Code.TIME_UP, [f"pulumi {words[0]} gave no answer within 120 s. Fix: check its backend."]) from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[0].removeprefix("error: ")
        if why := _passphrase(said):
            raise Stop(Code.NO_ACCESS, [f"The secrets of stack {stack} are locked: {why}"])
        code = Code.NO_SITE if done.returncode == Code.NO_SITE or "no stack named" in said else Code.NO_ACCESS
        text = f"pulumi {' '.join(words)}{f' for stack {stack}' if stack else ''}: {said}"
        raise Stop(code, [f"{text}{_way_out(said, words, stack, folder)}"])
    return done.stdout


_AGAIN = "sitectl recover, sitectl drift --record, pulumi up"
"""After an earlier state was brought back."""
_NO_COPY = (
    "bring back an earlier version of its file, as a bucket keeps them if it was told to; "
    "without any, the state is lost: docs/how-to/take-over.md"
)


def _passphrase(said: str) -> str:
    """What is wrong with the passphrase, if that is why pulumi failed: it calls it by its library's names."""
    export = "Fix: export PULUMI_CONFIG_PASSPHRASE_FILE=FILE, as when the stack was made"
    if "passphrase must be set" in said:
        return f"no passphrase is set in this shell. {export}."
    if "PULUMI_CONFIG_PASSPHRASE_FILE: " in said:
        return f"the passphrase cannot be read: {said.partition('_FILE: ')[2]}. {export}."
    if "incorrect passphrase" in said:
        return f"the passphrase of this shell is not the stack's. {export}; PULUMI_CONFIG_PASSPHRASE comes before it."
    return ""


def files(folder: Path) -> Path | None:
    """The folder of a backend of plain files; None for any other backend. Raises Stop."""
    url = os.environ.get("PULUMI_BACKEND_URL") or json.loads(pulumi(["whoami", "--json"], None, folder))["url"]
    return Path(url.removeprefix("file://").partition("?")[0]).expanduser() if url.startswith("file://") else None


def project(folder: Path) -> str:
    """The project of the site, by which a backend keeps its state."""
    return str(YAML(typ="safe", pure=True).load(folder / "Pulumi.yaml")["name"])


def _copy(stack: str | None, folder: Path) -> str:
    """The command that brings back the newest whole copy of a state's file; empty where there is none."""
    try:
        root = files(folder)
    except Stop:
        return ""
    if root is None or not stack:
        return ""
    name = project(folder)
    file = root / ".pulumi/stacks" / name / f"{stack}.json"
    # Pulumi keeps the file of the write before the last one, and one at the end of each run.
    copies = [file.with_suffix(".json.bak"), *(root / ".pulumi/history" / name / stack).glob("*.checkpoint.json")]
    for copy in sorted(filter(Path.exists, copies), key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(json.JSONDecodeError):
            json.loads(copy.read_bytes())
            return f"cp {copy} {file}"
    return ""


_FIXES = {
    "unable to open bucket": "mount that folder, or log in to the backend that has the state: pulumi login ADDRESS",
    # of the disk under the state, in Go's words
    "no space left on device": "make room on this machine (df -h, df -i); then again",
    "disk quota exceeded": "make room in your quota on this machine; then again",
    "read-only file system": "mount the folder of the state writable on this machine; then again",
    "input/output error": "this machine's disk fails (dmesg): copy the state to another one, then pulumi login ADDRESS",
}


def _way_out(said: str, words: Sequence[str], stack: str | None, folder: Path) -> str:
    """What to do about an answer of pulumi that names no way out; nothing for other answers."""
    if "PULUMI_ACCESS_TOKEN must be set" in said:
        return (
            ": this shell is not logged in to the backend that has the state. "
            "Fix: pulumi login --local, or the address of your backend; or export PULUMI_BACKEND_URL=ADDRESS."
        )
    if "failed to load checkpoint" in said:
        bring = _copy(stack, folder) or _NO_COPY
        return f": the file of the state is damaged. Nothing was changed. Fix: {bring}; then {_AGAIN}."
    if "no stack named" in said:
        lost = _copy(stack, folder)
        back = f"if its file was deleted, {lost}, then {_AGAIN}; " if lost else ""
        return (
            f" in the backend that this shell uses (pulumi whoami -v). Fix: {back}"
            "if pulumi stack ls shows the right one, export PULUMI_STACK=NAME; "
            f"if the state is elsewhere, pulumi login ADDRESS; else pulumi stack init {stack}."
        )
    if fix := next((fix for word, fix in _FIXES.items() if word in said), ""):
        return f". Fix: {fix}."
    if words[:2] == ["config", "get"] and "not found for stack" in said:
        return f". Fix: pulumi config set --secret {words[2].partition(':')[2]} --stack {stack} < FILE"
    return ""
