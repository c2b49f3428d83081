"""The keys of a site for Rancher (rows T5, T6).

Source: seeds/orchestra-rancher.txt, "How to Configure Rancher"; newer facts: Rancher and its documentation, 2.15.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from components.host.addresses import Server
from components.kubernetes.config import not_images
from components.local import AuthorityFile, CertificateFile
from components.model import Cpus, Day, HostName, LabelName, Line, Memory, Model, SecretName, Storage, Version
from components.parts.part import PlatformConfig
from components.parts.storage.config import Path
from components.platforms.rancher import versions
from components.rule import Rule
from components.tenancy.config import UserName
from components.url import ChartUrl

GlobalRole = Literal["user", "user-base", "admin"]
ProjectRole = Literal["project-owner", "project-member", "read-only"]


class Admin(Model):
    """Rancher's first user, admin, by whom this program speaks to its API (T5)."""

    password_secret: SecretName
    """Name of the secret that holds the password, 12 characters or more. A new one is set at the next run."""


class Bounds(Model):
    """What all pods together may have; what is unset has no bound."""

    cpu: Cpus | None = None
    """CPUs: requests and limits each."""
    memory: Memory | None = None
    """Memory: requests and limits each."""
    gpus: Annotated[int, Field(ge=0)] | None = None
    """GPUs (`requests.nvidia.com/gpu`)."""
    pods: Annotated[int, Field(ge=1)] | None = None
    """How many pods."""
    storage: Storage | None = None
    """All volume claims together."""


class Personal(Model):
    """A project and a namespace for each user, both of the user's name, in which they are project-owner (T5)."""

    cpu: Cpus | None = None
    """CPUs: requests and limits each; unset: no bound."""
    memory: Memory | None = None
    """Memory: requests and limits each; unset: no bound."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs (`requests.nvidia.com/gpu`)."""
    pods: Annotated[int, Field(ge=1)] = 100
    """How many pods."""
    storage: Storage | None = None
    """All volume claims together; unset: no bound."""


class UserShare(Model):
    """More about a user of the site."""

    first_password_secret: SecretName | None = None
    """Name of the secret that holds this user's first password, 12 characters or more. Default: firstPasswordSecret."""
    global_role: GlobalRole = "user"
    """What the user may do in all of Rancher: `user` is its standard permission, `user-base` may only log in."""
    enabled: bool = True
    """false: nobody logs in as this user."""
    adopt: bool = False
    """true: a user of this name whom others made in Rancher is taken over, with their password, rights and display
    name, and is given back, not deleted, when the entry goes. Without it, one who is there is refused."""


class ProjectShare(Model):
    """More about a project of the site."""

    role: ProjectRole | None = None
    """What its members may do in Rancher. Default: project-member, and read-only where the site's project says
    `role: view`."""
    namespace: Bounds = Bounds()
    """What of the project's quota its namespace gets: the rest is for namespaces that people make in Rancher. Default:
    all of it."""


class Volumes(Model):
    """A folder of an NFS server for each project: a PersistentVolume of its name, and the claim `volume` (T5)."""

    server: Server
    """Address or name of the server."""
    path: Path
    """The folder there that has a folder of each project's name. On a server that the site runs (`storage.nfs`), they
    are made: a user's own with the user's number, one of several people open to all of them."""
    capacity: Storage = "100Gi"
    """What each volume promises. NFS does not enforce it."""


class Rancher(PlatformConfig):
    """Rancher in the site's own Kubernetes: people, projects, and what each may do there (T5)."""

    kind: Literal["rancher"]
    """Rancher, by its chart."""
    name: LabelName = "rancher"
    """The name of its resources."""
    state: Literal["active", "gone"] = "active"
    """gone: its API is lost for good. The program asks it nothing, and removes its objects from the state alone."""
    version: Version = versions.VERSION
    """Of the chart and of Rancher."""
    chart: str = versions.CHART
    """A chart name in `repository`; with a slash in it, a path or an oci:// address, which needs no repository."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    hostname: HostName | None = None
    """Where it answers. Default: rancher.DOMAIN of the site."""
    certificate: CertificateFile | None = None
    """PEM chain, that for the host name first; with keySecret. Default: that of network.ingress."""
    key_secret: SecretName | None = None
    """Name of the secret that holds the certificate's key (PEM)."""
    authority: AuthorityFile | None = None
    """The authority that signed the certificate, if it is your own: Rancher then shows it to those who ask for it."""
    replicas: Annotated[int, Field(ge=1, le=9)] = 3
    """How many pods Rancher has."""
    registry: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT[/PATH] that has Rancher's images at their own paths, such as rancher/rancher. Default: Docker Hub, or
    the engine's mirror of it."""
    bootstrap_password_secret: SecretName
    """Name of the secret that holds the password of the very first login, 12 characters or more. The first run
    replaces it by that of admin, and it opens nothing then."""
    admin: Admin
    eula: Day | None = None
    """The day on which you agreed to Rancher's end user licence. Unset: Rancher asks at the next login of admin."""
    settings: dict[str, Line] = {}
    """Settings of Rancher by name, such as auth-user-session-ttl-minutes: "480". One that is taken out gets Rancher's
    default again."""
    first_password_secret: SecretName | None = None
    """Name of the secret that holds the first password of every user, who must change it at the first login. A user
    who is there keeps the own one."""
    users: dict[UserName, UserShare] = {}
    """More about users of the site, by their names (T5). All of them are users of Rancher."""
    projects: dict[LabelName, ProjectShare] = {}
    """More about projects of the site, by their names (T5). One that is not here has the defaults."""
    personal: Personal | None = None
    """With it, each user gets a project, too, unless the site has one of the user's name."""
    volumes: Volumes | None = None
    values: dict[str, Any] = {}
    """More values of the chart. Those that the keys above decide are refused."""
