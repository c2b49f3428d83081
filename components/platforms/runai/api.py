"""The part of Run:ai's REST API that a site needs, typed: https://run-ai-docs.nvidia.com/api, 2.24 to 3.0."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.rest.access import Access
from components.rest.client import Body, Client
from components.rest.error import RestError
from components.rest.http import Call
from components.rest.session import Token

CLUSTERS = "/api/v1/clusters"
DEPARTMENTS = "/api/v1/org-unit/departments"
PROJECTS = "/api/v1/org-unit/projects"
POOLS = "/api/v1/node-pools"
USERS = "/api/v1/users"
RULES = "/api/v1/authorization/access-rules"
ROLES = "/api/v2/authorization/roles"
_PAGE = 500


class _Password:
    """OAuth's grant by password: POST /api/v2/token."""

    def __call__(self, access: Access, refresh: str) -> Call:
        form = {"grant_type": "password", "username": access.username, "password": access.password}
        if refresh:
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        return Call("POST", "/api/v2/token", form=form, harmless=True)

    def token(self, data: Any) -> Token:  # noqa: ANN401 - JSON
        return Token(
            text=str(data["access_token"]),
            seconds=float(data.get("expires_in") or 60),
            refresh=str(data.get("refresh_token") or ""),
        )


class RunaiApi(Client):
    """One control plane, for all threads. Every method raises RestError."""

    login = _Password()

    def all(self, path: str, **query: str | int) -> list[Body]:
        """Every item of a list: some are arrays, others have their array under a name, in pages."""
        return list(self._items(path, query))

    def add(self, path: str, body: Body) -> Body:
        """Makes an object. Raises UnsureError if it may have been made all the same."""
        made: Body = self.session.call("POST", path, body=_given(body))
        return made

    def put(self, path: str, id_: str, body: Body) -> Body | None:
        """Replaces an object."""
        put: Body | None = self.session.call("PUT", f"{path}/{id_}", body=body)
        return put

    def install_info(self, uid: str, version: str) -> Body:
        """What a cluster's installation needs: `clientSecret` for 2.x, `bootstrapToken` (2 hours) since 3.0."""
        info: Body = self.session.call("GET", f"{CLUSTERS}/{uid}/cluster-install-info", query={"version": version})
        return info

    def role(self, name: str) -> int:
        """The id of a role, by its name."""
        roles = {str(role["name"]): int(role["id"]) for role in self.all(ROLES)}
        if name not in roles:
            known = ", ".join(sorted(roles))
            raise RestError(f"GET {ROLES}", f'there is no role "{name}"', f"write one of: {known}")
        return roles[name]

    def change_password(self, former: str, new: str) -> None:
        """Changes the password of who is logged in."""
        self.session.call("POST", "/api/v1/me/password", body={"currentPassword": former, "newPassword": new})

    def _items(self, path: str, query: Mapping[str, str | int]) -> Iterator[Body]:
        offset = 0
        while True:
            page = {} if path == CLUSTERS else {"offset": offset, "limit": _PAGE}
            data = self.session.call("GET", path, query={**query, **page})
            items = data if isinstance(data, list) else _array(path, data)
            yield from items
            if isinstance(data, Mapping) and data.get("next"):
                offset = int(data["next"])
            elif page and len(items) == _PAGE:
                offset += _PAGE
            else:
                return


def _array(path: str, data: Body) -> list[Body]:
    arrays = [value for value in data.values() if isinstance(value, list)]
    if len(arrays) != 1:
        fix = "look which version of the platform answers; this one is not known here"
        raise RestError(f"GET {path}", f"the answer has {len(arrays)} lists instead of one", fix)
    return arrays[0]


def _given(body: Body) -> Body:
    return {key: value for key, value in body.items() if value is not None}
