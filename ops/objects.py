"""Compares the objects that Pulumi put into the cluster with those that are there. Changes nothing.

The wanted values are the inputs in the stack's state. The CA identifies the cluster: if the control planes have
another CA or none, the state's objects belong to a cluster that is gone. One certificate in common is enough.

Rows: X22, X4.
"""

import asyncio
import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.hostrun.fleet import Fleet
from components.hostrun.report import Check
from components.hostrun.target import SshError, Target
from ops.flags import Flags
from ops.found import Found
from ops.in_cluster import Kubectl, UnansweredError
from ops.record import MEND, host_of
from ops.site import pulumi
from ops.stop import Stop
from ops.subset import Difference, Json, differences, shown
from stacks.model import Site

LIMIT = 90.0
"""Seconds for one control plane."""
AT_ONCE = 4
"""So many releases go into one request. A Secret has at most 1 MiB, an answer at most 8 MiB (hostrun/session.py)."""
RELEASE = "kubernetes:helm.sh/v3:Release"
MARK = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi marks a secret."""
KUBECONFIG = "cat /etc/kubernetes/admin.conf"
_CA_FILE = "/etc/kubernetes/pki/ca.crt"
_CA = f"sh -c 'if [ -e {_CA_FILE} ] || [ -e /var/lib/etcd/member ]; then cat {_CA_FILE}; fi'"
"""Prints nothing where there is no cluster; fails where there is one whose CA cannot be read."""


@dataclass(frozen=True)
class Wanted:
    """One object or Helm release in the state."""

    urn: str
    type: str
    inputs: Mapping[str, Any]
    secret: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace (none for one of the whole cluster) and name."""
        of = self.inputs if self.type == RELEASE else self.inputs.get("metadata") or {}
        kind = "Release" if self.type == RELEASE else str(self.inputs["kind"])
        return kind, str(of.get("namespace") or ""), str(of["name"])


@dataclass(frozen=True)
class Look:
    """The verdict, with the details that `record` needs."""

    checks: Sequence[Check]
    found: Sequence[Found] = ()
    gone: bool = False
    """No control plane has the cluster that the state is about."""
    renewed: bool = False
    """The state's kubeconfig is a former one of the same cluster: its certificate expires, or has."""


def of_site(flags: Flags, site: Site, fleet: Fleet) -> Look:
    """Like `look`, but if the state cannot be read, it prints why and the verdict covers the hosts only."""
    if site.kubernetes is None:
        return Look([])
    names = [host.name for host in site.control_planes]
    targets = {name: fleet.targets[name] for name in names if name in fleet.targets}
    planes = Fleet(targets, fleet.parallel, fleet.limit, fleet.ask)
    try:
        return asyncio.run(look(flags.stack, flags.folder, planes, [name for name in names if name not in targets]))
    except Stop as stop:
        flags.say(f"? the objects in the cluster were not compared: {stop.lines[0]}")
        return Look([])


async def look(stack: str, folder: Path, planes: Fleet, unasked: Sequence[str] = ()) -> Look:
    """Compares every object of the state, using the first control plane of its cluster. Raises Stop.

    `unasked` are control planes that cannot be asked at all, because a key is missing, say: the cluster may live there.
    """
    state = json.loads(pulumi(["stack", "export", "--show-secrets"], stack, folder))
    resources = state["deployment"].get("resources") or []
    wanted = list(_wanted(resources))
    known = _known_ca(resources)
    if not wanted or not known:
        return Look([])
    live = await planes.each(lambda target: _live_ca(planes, target))
    here = [name for name, digests in live.items() if not isinstance(digests, SshError) and digests & known]
    if here:
        inside = await _with_kubeconfig(planes, resources, await _first(planes, here, wanted))
        return await _with_apis(resources, inside)
    if silent := [*unasked, *(name for name, digests in live.items() if isinstance(digests, SshError))]:
        return Look([Check("cluster", silent[0], "unknown", "whether the cluster still lives is not known.")])
    where = next(iter(live), "site")
    saw = f"the cluster that {len(wanted)} objects of the state belong to (CA {min(known)[:12]}) is not here any more."
    return Look([Check("cluster", where, "failed", saw, fix=MEND)], gone=True)


def _wanted(resources: Sequence[Mapping[str, Any]]) -> Iterator[Wanted]:
    for resource in resources:
        if resource["type"].startswith("kubernetes:") and resource.get("custom") and not resource.get("delete"):
            inputs, secret = _revealed(resource.get("inputs") or {})
            yield Wanted(resource["urn"], resource["type"], _placed(inputs, resource.get("outputs") or {}), secret)


def _placed(inputs: dict[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """Without a namespace that the object has not got: the plugin gives one to a kind that it does not know yet."""
    given, of = inputs.get("metadata") or {}, made.get("metadata") or {}
    if "namespace" in given and of.get("name") and "namespace" not in of:
        return {**inputs, "metadata": {key: value for key, value in given.items() if key != "namespace"}}
    return inputs


def _revealed(value: Json) -> tuple[Any, bool]:
    """The value without Pulumi's secret marks, and whether it had any."""
    if isinstance(value, Mapping):
        if MARK in value:
            return json.loads(value["plaintext"]) if "plaintext" in value else value.get("value"), True
        pairs = {key: _revealed(inner) for key, inner in value.items() if not key.startswith("__")}
        return {key: inner for key, (inner, _) in pairs.items()}, any(secret for _, secret in pairs.values())
    if isinstance(value, list):
        items = [_revealed(inner) for inner in value]
        return [inner for inner, _ in items], any(secret for _, secret in items)
    return value, False


def _known_ca(resources: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The CA in the state's kubeconfig, as `_digests`; empty where the state has no kubeconfig."""
    for resource in resources:
        outputs = resource.get("outputs") or {}
        if resource["urn"].endswith("-kubeconfig") and (text := _revealed(outputs.get("stdout"))[0]):
            [cluster] = YAML(typ="safe", pure=True).load(text)["clusters"]
            return _digests(base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode())
    return frozenset()


async def _with_kubeconfig(planes: Fleet, resources: Sequence[Mapping[str, Any]], found: Look) -> Look:
    """The verdict, with one on the kubeconfig: the file may be renewed on the host that the state's was read from."""
    for resource in resources:
        target = planes.targets.get(host_of(resource))
        if target is None or not (resource.get("inputs") or {}).get("create", "").endswith(KUBECONFIG):
            continue
        try:
            answer = await planes.ask(target, KUBECONFIG, deadline=LIMIT)
        except SshError:
            return found
        text = str(_revealed((resource.get("outputs") or {}).get("stdout"))[0] or "")
        if answer.status == 0 and answer.stdout.strip() != text.strip():
            saw = "the administrator's kubeconfig is another since the stack has read it."
            checks = [check for check in found.checks if check.status != "ok"]
            return replace(
                found, checks=[*checks, Check("kubeconfig", target.name, "failed", saw, fix=MEND)], renewed=True
            )
    return found


async def _with_apis(resources: Sequence[Mapping[str, Any]], found: Look) -> Look:
    """The verdict, with that on the objects behind the APIs of platforms."""
    from ops import apis  # noqa: PLC0415 - its HTTP client takes long to load

    checks, more = await asyncio.to_thread(apis.look, resources, _revealed)
    return replace(found, checks=[*found.checks, *checks], found=[*found.found, *more])


def _digests(text: str) -> frozenset[str]:
    """One of each certificate: there are two while the cluster gets another CA (docs/how-to/authority.md)."""
    each = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.DOTALL)
    return frozenset(sha256(certificate.encode()).hexdigest() for certificate in each)


async def _live_ca(planes: Fleet, target: Target) -> frozenset[str]:
    answer = await planes.ask(target, _CA, deadline=LIMIT)
    found = _digests(answer.stdout)
    if answer.status or (answer.stdout.strip() and not found):
        said = (answer.stderr.strip().splitlines() or [f"{_CA_FILE} has none; exit status {answer.status}"])[-1]
        raise SshError(target.name, "connection", f"its CA cannot be read: {said[:300]}.")
    return found


async def _first(planes: Fleet, names: Sequence[str], wanted: Sequence[Wanted]) -> Look:
    errors = []
    for name in names:
        try:
            found = await _compare(Kubectl(planes, planes.targets[name]), wanted)
        except UnansweredError as error:
            errors.append(Check("objects", name, "unknown", str(error.unreached or error.says)))
            continue
        held = f"{len(wanted)} objects hold"
        return Look([each.check for each in found] or [Check("objects", name, "ok", held)], found)
    return Look(errors)


async def _compare(kubectl: Kubectl, wanted: Sequence[Wanted]) -> list[Found]:
    objects = [each for each in wanted if each.type != RELEASE]
    live = await _objects(kubectl, objects)
    found, where = [], kubectl.target.name
    for each in objects:
        there = live.get(each.key)
        if there is None:
            found.append(Found(_check(where, each, "is not there."), each.urn))
            continue
        for difference in differences(each.inputs, there):
            found.append(Found(_field(where, each, difference), each.urn, difference, _is_secret(each)))
    releases = [each for each in wanted if each.type == RELEASE]
    for at in range(0, len(releases), AT_ONCE):
        some = releases[at : at + AT_ONCE]
        kept = await _revisions(kubectl, some)
        for each in some:
            found += _release(where, each, kept.get((each.key[1] or "default", each.key[2]), []))
    return found


async def _objects(kubectl: Kubectl, objects: Sequence[Wanted]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """The live objects by key, in one request."""
    asked: list[dict[str, Any]] = [
        {
            "apiVersion": each.inputs["apiVersion"],
            "kind": each.inputs["kind"].removesuffix("Patch"),
            "metadata": {key: value for key, value in zip(("namespace", "name"), each.key[1:], strict=True) if value},
        }
        for each in objects
    ]
    items = await kubectl.named(asked, LIMIT)
    there = {(of["kind"], of["metadata"].get("namespace", ""), of["metadata"]["name"]): of for of in items}
    keys = {each.key: (each.key[0].removesuffix("Patch"), *each.key[1:]) for each in objects}
    return {key: there[live] for key, live in keys.items() if live in there}


async def _revisions(kubectl: Kubectl, releases: Sequence[Wanted]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By namespace and name of a release, the Secrets in which Helm keeps its revisions."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in await _secrets(kubectl, releases):
        metadata = each["metadata"]
        found.setdefault((metadata["namespace"], metadata["labels"]["name"]), []).append(each)
    return found


async def _secrets(kubectl: Kubectl, releases: Sequence[Wanted]) -> list[dict[str, Any]]:
    """The Secrets of these releases, without superseded revisions: ten of a large chart exceed the limit of one answer.

    If the Secrets of several releases exceed the limit, it asks for each release alone.
    """
    names = ",".join(sorted({each.key[2] for each in releases}))
    try:
        return await kubectl.items("secrets", "-A", "-l", f"owner=helm,name in ({names}),status!=superseded")
    except UnansweredError:
        if len(releases) == 1:
            raise
    return [secret for each in releases for secret in await _secrets(kubectl, [each])]


def _release(where: str, wanted: Wanted, kept_as: Sequence[Mapping[str, Any]]) -> list[Found]:
    """The Secret of the last revision has the release's status and chart."""
    revisions = sorted(kept_as, key=lambda each: int(each["metadata"]["labels"]["version"]))
    if not revisions:
        return [Found(_check(where, wanted, "is not there."), wanted.urn)]
    kept = base64.b64decode(base64.b64decode(revisions[-1]["data"]["release"]))
    release = json.loads(gzip.decompress(kept))
    seen = {"status": release["info"]["status"], "version": release["chart"]["metadata"]["version"]}
    want = {"status": "deployed", "version": str(wanted.inputs.get("version") or seen["version"])}
    faults = [Difference((key,), seen[key], want[key]) for key in seen if _plain(seen[key]) != _plain(want[key])]
    return [Found(_field(where, wanted, fault), wanted.urn, fault) for fault in faults]


def _plain(version: str) -> str:
    return version.removeprefix("v")


def _is_secret(wanted: Wanted) -> bool:
    return wanted.secret or wanted.inputs.get("kind") == "Secret"


def _check(host: str, wanted: Wanted, saw: str, want: str = "") -> Check:
    return Check(f"object/{'/'.join(filter(None, wanted.key))}", host, "failed", saw, want, MEND)


def _field(host: str, wanted: Wanted, difference: Difference) -> Check:
    if _is_secret(wanted):
        return _check(host, wanted, f"{difference.field} is another value.")
    want = "not there" if difference.extra else shown(difference.want)
    return _check(host, wanted, f"{difference.field} is {shown(difference.saw)}", want)
