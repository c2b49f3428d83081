"""Rancher's objects as resources of the site: those behind its API, and those of its Kubernetes kinds, typed.

How the first are found, made and compared: kinds.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict, Unpack

from pulumi import CustomResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.platforms.rancher import places
from components.platforms.rancher.config import UserShare
from components.platforms.rancher.kinds import AdminKind, SettingKind, UserKind
from components.platforms.rancher.leftovers import LeftoversKind
from components.rest.resource import Api, Object


class Place(TypedDict, total=False):
    """Where a resource belongs: its parent, which is needed, and what it waits for."""

    parent: Required[Resource]
    after: Sequence[Resource]


class Leftovers(Object, module="rest", name="RancherLeftovers"):
    """What Rancher leaves on namespaces, which goes with this, after Rancher."""

    def __init__(self, name: str, api: Api, **place: Unpack[Place]) -> None:
        super().__init__(name, api, LeftoversKind, {"cluster": places.CLUSTER}, **place)


class AdminPassword(Object, module="rest", name="RancherAdminPassword"):
    """The password of the API's user is the site's: changed from the last one, or from that of the first login."""

    def __init__(self, name: str, api: Api, *, bootstrap: Input[str], **place: Unpack[Place]) -> None:
        secret = {"password": api.password, "bootstrap": bootstrap}
        super().__init__(name, api, AdminKind, {"username": api.username}, secret=secret, **place)


class Setting(Object, module="rest", name="RancherSetting"):
    """A setting of Rancher; its default comes back when this goes."""

    def __init__(self, name: str, api: Api, *, setting: str, value: str, **place: Unpack[Place]) -> None:
        super().__init__(name, api, SettingKind, {"name": setting, "value": value}, **place)


class User(Object, module="rest", name="RancherUser"):
    """A user of Rancher's own, who must change the first password at the first login; with `adopt` also one whom others
    made, who is given back in the end."""

    def __init__(
        self, name: str, api: Api, *, username: str, of: UserShare, password: Input[str], **place: Unpack[Place]
    ) -> None:
        want = {"username": username, "name": username, "enabled": of.enabled, "adopt": of.adopt or None}
        super().__init__(name, api, UserKind, want, secret={"password": password}, **place)


class _Own(CustomResource):
    """An object of one of Rancher's Kubernetes kinds: pulumi_kubernetes' own class knows no fields beside `spec`."""

    def __init__(
        self, name: str, kind: str, metadata: Mapping[str, Any], fields: Mapping[str, Any], options: ResourceOptions
    ) -> None:
        ours = {**metadata, "labels": {places.MADE: "true"}, "annotations": FORCE}
        props = {"apiVersion": places.API, "kind": kind, "metadata": ours, **fields}
        super().__init__(f"kubernetes:{places.API}:{kind}", name, props, options)


class Project(_Own):
    """A project of the cluster that Rancher runs in."""

    def __init__(self, name: str, *, project: str, spec: Mapping[str, Any], options: ResourceOptions) -> None:
        metadata = {"name": places.project(project), "namespace": places.CLUSTER}
        super().__init__(name, "Project", metadata, {"spec": spec}, options)


class GlobalRoleBinding(_Own):
    """What a user may do in all of Rancher; `uid` is the user's id."""

    def __init__(self, name: str, *, user: str, uid: Input[str], role: str, options: ResourceOptions) -> None:
        fields = {"userName": uid, "globalRoleName": role}
        super().__init__(name, "GlobalRoleBinding", {"name": places.binding(user)}, fields, _anew(options, fields))


class ProjectRoleBinding(_Own):
    """What a user may do in a project; `uid` is the user's id."""

    def __init__(
        self, name: str, *, project: str, user: str, uid: Input[str], role: str, options: ResourceOptions
    ) -> None:
        metadata = {"name": places.binding(user), "namespace": places.backing(project)}
        fields = {"projectName": places.project_id(project), "userName": uid, "roleTemplateName": role}
        super().__init__(name, "ProjectRoleTemplateBinding", metadata, fields, _anew(options, fields))


def _anew(options: ResourceOptions, fields: Mapping[str, Input[str]]) -> ResourceOptions:
    """Rancher changes neither subject nor role of a binding: another one takes its place, after it is gone."""
    options.replace_on_changes = list(fields)
    options.delete_before_replace = True
    return options
