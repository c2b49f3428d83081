"""`sitectl init`: a first site file from addresses alone. Shows host keys, asks the hosts for facts, writes the file.

Rows: H1.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import versions
from components.host.preflight import look
from components.hostrun.report import Report
from components.registry import REGISTERED
from ops import asking, files, render, scan
from ops import site as sites
from ops.flags import Flags
from ops.site_text import Wanted, site_text
from ops.stop import Code, Stop, code_of
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.model import Site

STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""Names that Pulumi takes for a stack."""
BASTION = re.compile(r"(?P<user>[^@\s]+)@(?P<address>[^@\s]+?)(:(?P<port>\d+))?")


@dataclass(frozen=True)
class Login:
    """How to reach all the hosts: the file's `ssh`."""

    user: str = "root"
    port: int = 22
    key_file: Path | None = None
    bastion: str | None = None

    def written(self) -> dict[str, Any]:
        """The form for the site file, without default values. Raises Stop."""
        found: dict[str, Any] = {"user": self.user}
        if self.port != 22:
            found["port"] = self.port
        if self.key_file:
            # relative to the site's folder it would be another file
            path, home = self.key_file.expanduser().absolute(), Path.home()
            found["keyFile"] = f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
        if self.bastion:
            match = BASTION.fullmatch(self.bastion)
            if not match:
                raise Stop(Code.WRONG, [f"--bastion {self.bastion}: write USER@ADDRESS or USER@ADDRESS:PORT."])
            found["bastion"] = {key: text for key, text in match.groupdict().items() if text}
            if match["port"]:
                found["bastion"]["port"] = int(match["port"])
        return found


@dataclass(frozen=True)
class Wish:
    """What the site has besides its hosts, as the flags say it."""

    control_planes: Sequence[str] = ()
    kubernetes: str | None = None
    endpoint: str | None = None
    platforms: Sequence[str] = ()

    def of(self, site: Site) -> Wanted:
        """For that site's hosts. Raises Stop for a wish that cannot be met."""
        samples = {each.kind: each.sample for each in REGISTERED if each.room == "platforms"}
        for kind in self.platforms:
            if kind not in samples:
                raise Stop(Code.WRONG, [f"--platform {kind}: there is none. There are: {', '.join(samples)}."])
        found = [(kind, samples[kind].read_text()) for kind in self.platforms]
        if not self.control_planes:
            if self.kubernetes or self.endpoint:
                fix = f"Fix: --control-plane {next(iter(site.hosts))}, or three of them."
                raise Stop(Code.WRONG, [f"A cluster needs a host that is its control plane. {fix}"])
            return Wanted(samples=found)
        cluster = {"version": self.kubernetes or versions.KUBERNETES}
        cluster |= {"endpoint": self.endpoint} if self.endpoint else {}
        return Wanted(sites.named(site.hosts, self.control_planes), cluster, found)


@dataclass
class Draft:
    """The site before its hosts are asked for facts."""

    flags: Flags
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the file will be written."""
        return self.flags.folder / f"Pulumi.{self.flags.stack}.yaml"

    def site(self, *, keys: bool) -> Site:
        """The site as loaded from this draft. Raises Stop with every fault of the call."""
        try:
            return site_from(self.data, stack=self.flags.stack, folder=self.flags.folder, keys=keys)
        except SiteError as error:
            lines = [line.replace("gpu-metal:site ", "") for line in error.lines]
            raise Stop(Code.WRONG, [*lines, "Nothing was written."]) from None


def init(flags: Flags, words: Sequence[str], login: Login, wish: Wish) -> Code:
    """Write Pulumi.STACK.yaml, and known_hosts.STACK where it lacks a key. Raises Stop; never overwrites a site.

    Keeps the lines that `pulumi stack init` has written into the file.
    """
    draft = Draft(flags)
    if not STACK.fullmatch(flags.stack):
        raise Stop(Code.WRONG, [f"{flags.stack}: not a stack's name. Use letters, digits, '-', '_' and '.'."])
    fix = f"Fix: another name, or edit it; sitectl facts -s {flags.stack} shows what its hosts say."
    before = salt(draft.path, fix)
    draft.data = {"ssh": login.written(), "hosts": _hosts(words)}
    wanted = wish.of(draft.site(keys=False))
    _add(draft, wanted)
    _agree(draft)
    site = draft.site(keys=True)
    fleet, unasked = sites.reach(flags, dict(site.hosts))
    flags.say(f"Asking {render.plural(len(fleet.targets), 'host')} …")
    found = asyncio.run(look(fleet))
    answer = Report([*unasked, *found.checks], found.facts)
    if not answer.ok:
        lines = [f"? {check}" for check in answer.untrue]
        raise Stop(code_of(answer), [*lines, f"{draft.path} was not written."])
    files.write(draft.path, site_text(draft.data["ssh"], site.hosts, answer.facts, wanted) + before, 0o644)
    sites.load(flags)
    hosts = render.plural(len(site.hosts), "host")
    flags.say(f"{draft.path} is written: {hosts}, {_gpus(answer.facts)}. Commit it, with {site.known_hosts.name}.")
    flags.say(f"Next: sitectl validate -s {flags.stack} && sitectl preflight -s {flags.stack}")
    return Code.YES


def salt(path: Path, fix: str) -> str:
    """The file's text if it has no `config` yet, as `pulumi stack init` leaves it. Raises Stop if it is a site."""
    if not path.exists():
        return ""
    text = path.read_text()
    if re.fullmatch(r"(#.*\n|\s*\n|(encryptionsalt|secretsprovider|encryptedkey): .*\n)*", text):
        return text
    raise Stop(Code.WRONG, [f"{path} is there already, and is never overwritten. {fix}"])


def _add(draft: Draft, wanted: Wanted) -> None:
    """Adds the cluster to the draft: the site's checks then refuse a wrong one before `init` connects to a host."""
    if not wanted.kubernetes:
        return
    hosts = {name: {"address": str(host.address)} for name, host in draft.site(keys=False).hosts.items()}
    roles = {name: {**hosts[name], "roles": ["control-plane"]} for name in wanted.control_planes}
    draft.data |= {"hosts": hosts | roles, "kubernetes": dict(wanted.kubernetes)}


def _hosts(words: Sequence[str]) -> dict[str, Any]:
    """`gpu-[1-2]=10.0.0.[11-12]` → `hosts` of the site file. Raises Stop."""
    found: dict[str, Any] = {}
    for word in words:
        name, sign, address = word.partition("=")
        if not (name and sign and address):
            raise Stop(Code.WRONG, [f"{word}: write HOST=ADDRESS, or a range: 'gpu-[1-4]=10.0.0.[11-14]'."])
        if name in found:
            raise Stop(Code.WRONG, [f"{name}: is there twice."])
        found[name] = {"address": address}
    return found


def _agree(draft: Draft) -> None:
    """Makes the keys of all bastions, then of all hosts, known. Raises Stop if the operator refuses a key."""
    flags = draft.flags
    site = draft.site(keys=False)
    bastions = {str(host.ssh.bastion.address) for host in site.hosts.values() if host.ssh.bastion}
    for chosen in (bastions, set(site.hosts)) if bastions else (set(site.hosts),):
        # read anew: a bastion's key has just become known
        site = draft.site(keys=False)
        ways = scan.addressed(site.hosts, sites.revealer(flags.stack, flags.folder))
        found = asyncio.run(
            scan.scan({n: way for n, way in ways.items() if n in chosen}, flags.parallel, flags.timeout)
        )
        if all(one.state == "known" for one in found.values()):
            continue
        new = any(one.state == "new" for one in found.values())
        if new and (flags.yes or not asking.somebody()):
            scan.show(flags, found)
            text = "lacks the new keys, and nobody can compare them here. Nothing was written."
            fix = f"Fix: repeat without --yes in a terminal, or put the keys that you know into {site.known_hosts}."
            raise Stop(Code.WRONG, [f"{site.known_hosts} {text} {fix}"])
        if code := scan.settle(flags, site.known_hosts, found, replace=False):
            differs = [name for name, one in found.items() if one.state == "differs"]
            fix = f"Fix: compare at their consoles; if they are right, take theirs out of {site.known_hosts}."
            lines = [f"Other keys are known for {render.fold(differs)}. {fix}"] if differs else []
            raise Stop(code, [*lines, f"{draft.path} was not written."])


def _gpus(facts: Mapping[str, Mapping[str, Any]]) -> str:
    models: dict[str, int] = defaultdict(int)
    for own in facts.values():
        for name in own["gpus"]["names"]:
            models[render.model(name)] += 1
    return ", ".join(f"{count} × {model}" for model, count in models.items()) or "no GPU"
