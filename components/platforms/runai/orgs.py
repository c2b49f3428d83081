"""Departments and projects as kinds of objects: what each has of each node pool, and its rules.

`want["quotas"]` has, by a pool's name, `gpus`, `gpuLimit` ("none" for no limit) and `gpuWeight`. In pools that it does
not name, `gpusElsewhere` must be 0. CPUs, memory, ranks and rules are people's own there: they are kept as they are.
"""

from collections.abc import Sequence
from typing import Any

from components.platforms.runai.api import DEPARTMENTS, POOLS, PROJECTS, RunaiApi
from components.platforms.runai.kinds import RunaiKind
from components.rest.client import Body
from components.rest.error import RestError
from components.rest.kind import Seen, Values

NO_LIMIT = "none"
_FIELDS = {"gpus": "deserved", "gpuLimit": "limit", "gpuWeight": "overQuotaWeight"}
"""Our key of a quota, and the API's."""
_RULES = ("description", "schedulingRules", "defaultNodePools", "enforceRunaiScheduler")


class DepartmentKind(RunaiKind):
    """A department: `name`, `cluster`, `quotas`, `gpusElsewhere`, `description`, `schedulingRules`, …."""

    fixed = frozenset({"name", "cluster"})
    path = DEPARTMENTS

    def find(self, client: RunaiApi, want: Values) -> Seen | None:
        """By its name in its cluster. One that is being removed is waited for."""
        end = client.patience.clock() + client.patience.seconds
        while (found := self._named(client, want)) and _leaves(found):
            if client.patience.clock() > end:
                saw = f"{want['name']} is still being removed there after {client.patience.seconds:g} s"
                fix = "look whether the cluster is connected, as it must confirm it; then pulumi up"
                raise RestError(f"GET {self.path}/{found['id']}", saw, fix)
            client.patience.sleep(3)
        return self._seen(found, want) if found else None

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """With all that it has."""
        body = {"name": want["name"], "clusterId": want["cluster"], **self.first(want)}
        return self._seen(client.add(self.path, {**body, **self._changes(client, want, [])}), want)

    def first(self, want: Values) -> dict[str, Any]:  # noqa: ARG002
        """What can be said only when it is made."""
        return {}

    def read(self, client: RunaiApi, id_: str, want: Values) -> Seen | None:
        """By its id; one that is being removed is none."""
        found = client.one(self.path, id_)
        return self._seen(found, want) if found and not _leaves(found) else None

    def update(self, client: RunaiApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Keeps what the site does not say."""
        found = client.one(self.path, id_)
        if found is None:
            fix = "somebody removed it: sitectl drift --record, then pulumi up"
            raise RestError(f"GET {self.path}/{id_}", f"{want['name']} is not there", fix, 404)
        body = {key: found[key] for key in _RULES if found.get(key) is not None and key in self.settings()}
        body |= self._changes(client, want, found.get("resources") or [])
        return self._seen(client.put(self.path, id_, body) or found, want)

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:
        """The department `default` is every cluster's own, and stays; so does one with projects that are not ours."""
        if want["name"] == "default":
            return
        theirs = [
            str(each["name"]) for each in client.all(PROJECTS) if each.get("parentId") == id_ and not _leaves(each)
        ]
        if theirs:
            saw = f"department {want['name']} has projects that are not of the site: {', '.join(sorted(theirs)[:5])}"
            raise RestError(f"DELETE {self.path}/{id_}", saw, "move or remove them there, then pulumi up")
        client.remove(self.path, id_)

    def settings(self) -> Sequence[str]:
        """Keys that can be changed besides the quotas."""
        return [key for key in _RULES if key != "enforceRunaiScheduler"]

    def _named(self, client: RunaiApi, want: Values) -> Body | None:
        there = [each for each in client.all(self.path) if each["clusterId"] == want["cluster"]]
        return next((each for each in there if each["name"] == want["name"]), None)

    def _changes(self, client: RunaiApi, want: Values, before: Sequence[Body]) -> dict[str, Any]:
        given = {key: want[key] for key in self.settings() if key in want}
        return {**given, "resources": _resources(client, want, before)}

    def _seen(self, body: Body, want: Values) -> Seen:
        values = {key: body.get(key) for key in ("name", *self.settings())}
        values |= {"cluster": body["clusterId"], **_quotas(body.get("resources") or [], want)}
        return Seen(str(body["id"]), {**values, **self.more(body)}, self.told(body))

    def more(self, body: Body) -> dict[str, Any]:  # noqa: ARG002
        """Values that only this kind has."""
        return {}

    def told(self, body: Body) -> dict[str, Any]:  # noqa: ARG002
        """Its outputs."""
        return {}


class ProjectKind(DepartmentKind):
    """A project: as a department, and `department` (its id), `namespace`, `enforceRunaiScheduler`."""

    fixed = frozenset({"name", "cluster", "department", "namespace"})
    outputs = ("namespace",)
    path = PROJECTS

    def first(self, want: Values) -> dict[str, Any]:
        """Its department and its namespace."""
        return {"parentId": want.get("department"), "requestedNamespace": want.get("namespace")}

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:  # noqa: ARG002
        """Its namespace stays. The cluster confirms it later."""
        client.remove(self.path, id_)

    def settings(self) -> Sequence[str]:
        """All."""
        return _RULES

    def more(self, body: Body) -> dict[str, Any]:
        """Where it belongs."""
        return {"department": body.get("parentId"), "namespace": self.told(body)["namespace"]}

    def told(self, body: Body) -> dict[str, Any]:
        """The namespace of its workloads."""
        status = body.get("status") or {}
        named = status.get("namespace") or body.get("requestedNamespace") or f"runai-{body['name']}"
        return {"namespace": named}


def _leaves(body: Body) -> bool:
    return (body.get("status") or {}).get("phase") in {"Deleting", "Deleted"}


def _resources(client: RunaiApi, want: Values, before: Sequence[Body]) -> list[dict[str, Any]]:
    """One item for each pool of the cluster. Raises RestError for a pool that is not there."""
    pools = {str(each["name"]): str(each["id"]) for each in client.all(POOLS) if each["clusterId"] == want["cluster"]}
    if unknown := sorted(set(want["quotas"]) - set(pools)):
        known = ", ".join(sorted(pools)) or "none"
        saw = f"the cluster has no node pool {unknown[0]}"
        raise RestError(f"GET {POOLS}", saw, f"write one of those that it has ({known}), or add the pool to the site")
    old = {str(each["nodePool"]["id"]): each for each in before}
    return [_item(name, id_, want["quotas"].get(name, {}), old.get(id_, {})) for name, id_ in sorted(pools.items())]


def _item(name: str, id_: str, quota: Values, before: Body) -> dict[str, Any]:
    gpu = {**(before.get("gpu") or {}), "deserved": 0, "limit": None}
    for key, value in quota.items():
        gpu[_FIELDS[key]] = None if value == NO_LIMIT else value
    kept = {key: before[key] for key in ("cpu", "memory", "rank") if before.get(key)}
    return {"nodePool": {"id": id_, "name": name}, "gpu": gpu, **kept}


def _quotas(resources: Sequence[Body], want: Values) -> dict[str, Any]:
    by_pool = {str(each["nodePool"].get("name")): each for each in resources}
    named = {name: _quota(each) for name, each in by_pool.items() if name in want["quotas"]}
    others = [(each.get("gpu") or {}).get("deserved") or 0 for name, each in by_pool.items() if name not in named]
    return {"quotas": named, "gpusElsewhere": sum(others)}


def _quota(item: Body) -> dict[str, Any]:
    quota = {key: (item.get("gpu") or {}).get(field) for key, field in _FIELDS.items()}
    limit = quota["gpuLimit"]
    # older releases write -1
    return {**quota, "gpus": quota["gpus"] or 0, "gpuLimit": NO_LIMIT if limit is None or limit < 0 else limit}
