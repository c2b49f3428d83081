"""Clusters of Run:ai as kinds of objects: the registration, and whether the cluster is connected.

Which cluster of the control plane is the site's: the one with the uid that the site pins; else the one that the release
in the site's cluster is of; else the one of the same name; else a new one.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from components.hostrun import ssh
from components.hostrun.stream import wait
from components.hostrun.target import SshError, Target
from components.platforms.runai.api import CLUSTERS, RunaiApi
from components.platforms.runai.kinds import RunaiKind
from components.rest.client import Body
from components.rest.error import RestError
from components.rest.kind import Seen, Values

_LABELS = "owner=helm,name=runai-cluster,status!=superseded"
_KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=20s"
_RELEASE = f"{_KUBECTL} get secrets -n runai -l '{_LABELS}' -o json"
"""Helm keeps each revision of a release in a Secret."""


class ClusterKind(RunaiKind):
    """A registered cluster: `name`, `domain`, `version`, and `uid` if the site pins it."""

    outputs = ("secret", "chartRepository")
    secrets = frozenset({"secret"})

    def find(self, client: RunaiApi, want: Values) -> Seen | None:
        """By the pinned uid, the installed release, the name; in this order."""
        if pinned := want.get("uid"):
            return self._known(client, str(pinned), want, "the site pins uid")
        if installed := installed_uid(client.session.access.planes):
            return self._known(client, installed, want, "the release runai-cluster in the cluster has uid")
        named = next((each for each in client.all(CLUSTERS) if each["name"] == want["name"]), None)
        return self._seen(client, named, want) if named else None

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """A new one."""
        body = {"name": want["name"], "domain": want.get("domain"), "version": want["version"]}
        return self._seen(client, client.add(CLUSTERS, body), want)

    def read(self, client: RunaiApi, id_: str, want: Values) -> Seen | None:
        """By its uid. Not what its installation needs: asking for it makes a new token."""
        found = client.one(CLUSTERS, id_)
        return Seen(id_, _values(found, want)) if found and not found.get("deleteRequestedAt") else None

    def update(self, client: RunaiApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Its name; and for another version what its installation needs."""
        found = client.one(CLUSTERS, id_)
        if found is None:
            raise _forgotten(id_, f"cluster {want['name']}")
        _check(found, want)
        if found["name"] != want["name"]:
            client.put(CLUSTERS, id_, {"name": want["name"]})
        return self._seen(client, {**found, "name": want["name"]}, want)

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:  # noqa: ARG002
        """The control plane forgets it when the cluster has confirmed."""
        client.remove(CLUSTERS, id_)

    def _known(self, client: RunaiApi, uid: str, want: Values, who: str) -> Seen:
        found = client.one(CLUSTERS, uid)
        call = f"GET {CLUSTERS}/{uid}"
        if found is None or found.get("deleteRequestedAt"):
            fix = "correct the uid; or where the release is another control plane's, uninstall it first"
            raise RestError(call, f"{who} {uid}, which {client.session.access.host} does not know", fix, 404)
        theirs, ours = str(found.get("domain") or ""), str(want.get("domain") or "")
        if theirs and ours and _host(theirs) != _host(ours):
            saw = f'{who} {uid}, which is cluster "{found["name"]}" of {_host(theirs)}, not of {_host(ours)}'
            raise RestError(call, saw, "write the uid of this site's cluster, or leave it out")
        return self._seen(client, found, want)

    def _seen(self, client: RunaiApi, body: Body, want: Values) -> Seen:
        info = client.install_info(str(body["uuid"]), str(want["version"]))
        secret = info.get("bootstrapToken") or info.get("clientSecret")
        if not secret:
            call = f"GET {CLUSTERS}/{body['uuid']}/cluster-install-info"
            saw = f"the answer for version {want['version']} has neither bootstrapToken nor clientSecret"
            raise RestError(call, saw, "install a version that this control plane knows")
        outputs = {"secret": secret, "chartRepository": info.get("chartRepoURL")}
        return Seen(str(body["uuid"]), _values(body, want), outputs)


def _check(body: Body, want: Values) -> None:
    """What cannot be changed: another cluster would lose all projects. Raises RestError."""
    call = f"PUT {CLUSTERS}/{body['uuid']}"
    if (uid := want.get("uid")) and uid != body["uuid"]:
        saw = f"the site pins uid {uid}, and its cluster is registered as {body['uuid']}"
        raise RestError(call, saw, "take the uid back, or take the platform out of the site before you add it again")
    theirs, ours = _host(str(body.get("domain") or "")), _host(str(want.get("domain") or ""))
    if theirs and ours and theirs != ours:
        saw = f"the domain of a registered cluster cannot be changed, from {theirs} to {ours}"
        raise RestError(call, saw, "take the domain back, or take the platform out of the site before you add it again")


def _values(body: Body, want: Values) -> dict[str, Any]:
    """The version is the site's: the control plane's is what the cluster reports when it is connected."""
    values = {"name": body["name"], "domain": body.get("domain"), "uid": body["uuid"], "version": want["version"]}
    if _host(str(values["domain"] or "")) == _host(str(want.get("domain") or "")):
        values["domain"] = want.get("domain")
    return values


def _host(domain: str) -> str:
    return domain.removeprefix("https://").rstrip("/").lower()


class ConnectedKind(RunaiKind):
    """That a cluster is connected, in a version: `cluster`, `state`, `version`, and `limit` for the wait."""

    fixed = frozenset({"cluster"})

    def find(self, client: RunaiApi, want: Values) -> Seen | None:  # noqa: ARG002
        """It is always waited for."""
        return None

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """Waits."""
        id_, limit = str(want["cluster"]), float(want["limit"])
        end = client.patience.clock() + limit
        while True:
            if (found := client.one(CLUSTERS, id_)) is None:
                raise _forgotten(id_, "the cluster")
            state, version = _state(found), _version(found, want)
            if (state, version) == (want["state"], want["version"]):
                return Seen(id_, want)
            if client.patience.clock() > end:
                missing = [str(each.get("type")) for each in (found.get("status") or {}).get("conditions") or []]
                what = f" ({', '.join(missing)})" if missing else ""
                seen, wanted = f"{state}{what}", want["state"]
                if version != want["version"]:
                    seen, wanted = f"{seen} with version {version}", f"{wanted} with {want['version']}"
                saw = f"after {limit:g} s the cluster is {seen}, not {wanted}"
                fix = "look at the pods in the namespace runai; then pulumi up goes on"
                raise RestError(f"GET {CLUSTERS}/{id_}", saw, fix)
            client.patience.sleep(5)

    def read(self, client: RunaiApi, id_: str, want: Values) -> Seen | None:
        """Its state and version now."""
        found = client.one(CLUSTERS, id_)
        return Seen(id_, {**want, "state": _state(found), "version": _version(found, want)}) if found else None

    def update(self, client: RunaiApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Waits again."""
        return self.create(client, want, secret)

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:
        """There is nothing to remove."""


def _forgotten(id_: str, what: str) -> RestError:
    """A cluster that the control plane does not know any more: it never connects, so nobody waits for it."""
    fix = "sitectl drift --record, then pulumi up registers it anew"
    return RestError(f"GET {CLUSTERS}/{id_}", f"{what} is not registered any more", fix, 404)


def _state(body: Body) -> str:
    return str((body.get("status") or {}).get("state") or "not registered")


def _version(body: Body, want: Values) -> str:
    """What the cluster reports; in the site's words where it is the same: a `v` before it and a build after it do not
    count, and some releases report none."""
    reported = str(body.get("version") or want["version"])
    same = reported.removeprefix("v").partition("-")[0].partition("+")[0] == want["version"]
    return str(want["version"]) if same else reported


def installed_uid(planes: tuple[Target, ...]) -> str | None:
    """The uid of the release runai-cluster in the site's cluster, asked on the first control plane that answers.

    None if there is no such release, or no control plane to ask. Raises RestError.
    """
    reasons = []
    for plane in planes:
        try:
            answer = wait(ssh.run(plane, _RELEASE, deadline=60))
        except SshError as error:
            reasons.append(str(error))
            continue
        if answer.status == 0:
            return _uid(json.loads(answer.stdout)["items"])
        reasons.append(f"{plane.name}: {(answer.stderr.strip().splitlines() or ['kubectl failed'])[-1][:200]}")
    if reasons:
        fix = "bring a control plane back, then pulumi up"
        raise RestError("kubectl get secrets -n runai", "; ".join(reasons), fix)
    return None


def _uid(revisions: list[Mapping[str, Any]]) -> str | None:
    if not revisions:
        return None
    last = max(revisions, key=lambda each: int(each["metadata"]["labels"]["version"]))
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(last["data"]["release"]))))
    uid = ((release.get("config") or {}).get("cluster") or {}).get("uid")
    return str(uid) if uid else None
