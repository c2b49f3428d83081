"""Config of users and projects (rows X14, S4, S6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.machine import OwnFolder
from components.host.reserved import not_free
from components.kubernetes.oidc import KEPT
from components.model import Cpus, Line, Memory, Model, Storage
from components.rule import Rule
from components.shown import quoted

UserName = Annotated[
    str,
    form(
        r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$",
        "is not the name of a user: a-z, 0-9 and '-', 32 at most, a letter first and no '-' last.",
    ),
    Rule(not_free),
]
"""Fits a Unix account and a DNS label, so that every platform can use it."""


def _of_kubernetes(text: str) -> str | None:
    if not text.startswith(KEPT):
        return None
    return f"{quoted(text)} is a name of Kubernetes itself. Write the name of a person, or of a group of people."


Subject = Annotated[Line, Rule(_of_kubernetes)]
"""A user or a group as the API server sees it."""
Role = Literal["view", "edit"]
PublicKey = Annotated[
    str,
    form(
        r"^([^\s].* )?(ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9.@-]+) AAAA[A-Za-z0-9+/]+={0,3}( .*)?$",
        'is not a public key: one line such as "ssh-ed25519 AAAA… ana@desk".',
    ),
]


class User(Model):
    """A person: member of projects, and a Unix account on each host with frontEnd: true."""

    email: Annotated[str, form(r"^[^@\s]+@[^@\s]+$", "is not an address such as ana@example.org.")] | None = None
    """For platforms that know people by their address, and where the API server does (`kubernetes.oidc`)."""
    uid: Annotated[int, Field(ge=1000, le=60000)] | None = None
    """Number of the Unix account and of its group, the same on every host; needed where a host is a front end."""
    subject: Subject | None = None
    """The user's name as the API server sees it. Default: `email` with the prefix of `kubernetes.oidc`, where tokens
    name people by their email (`usernameClaim: email`, or Run:ai's own tokens); else the name here."""
    keys: tuple[PublicKey, ...] = ()
    """Public SSH keys, one line each, for the front-end hosts. Without one, nobody can log in there as this user."""
    home: OwnFolder | None = None
    """Home folder on the front-end hosts. Default: /home/NAME."""


class Requests(Model):
    """What a container reserves if it does not say."""

    cpu: Cpus = "100m"
    """CPUs."""
    memory: Memory = "128Mi"
    """Memory."""


class Limits(Model):
    """What a container may use if it does not say: a quota refuses containers that name nothing."""

    cpu: Cpus = "1"
    """CPUs."""
    memory: Memory = "1Gi"
    """Memory."""
    requests: Requests = Requests()
    """What it reserves of that."""


class Project(Model):
    """A namespace with quota, limit range, network policy, and a role for its members."""

    cpu: Cpus | None = None
    """Requests and limits of all pods together; unset: no bound."""
    memory: Memory | None = None
    """Requests and limits of all pods together; unset: no bound."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """How many GPUs all pods together may have (`requests.nvidia.com/gpu`). Where GPUs are offered in several kinds, so
    many of each: by profile of MIG (`migStrategy: mixed`), or by class (`dra`)."""
    pods: Annotated[int, Field(ge=1)] = 100
    """How many pods."""
    storage: Storage | None = None
    """Size of all volume claims together; unset: no bound."""
    members: tuple[UserName, ...] = ()
    """Names of `users`."""
    groups: tuple[Subject, ...] = ()
    """Groups as the API server sees them, for example those of the identity provider."""
    role: Role = "edit"
    """What members and groups may do in the namespace: Kubernetes' built-in role of that name."""
    pod_security: Literal["privileged", "baseline", "restricted"] = "baseline"
    """Pod Security level that the namespace enforces; the policy pack refuses `privileged`."""
    limits: Limits = Limits()
    """Defaults of a container."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a project's namespace has for a part that divides GPUs among projects by itself."""

    gpus: int
    """How many GPUs its pods may have at once, in place of the project's own number, which the part sees to."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the namespace."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Its annotations."""
