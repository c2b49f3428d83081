"""What a site may say of the agent that enforces NetworkPolicies (row K4)."""

from typing import Annotated, ClassVar, Literal

from components.forms import form
from components.model import Model
from components.parts.policies import versions

Image = Annotated[
    str,
    form(
        r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$",
        "is not an image with its registry and a tag or digest, such as docker.io/cloudnativelabs/kube-router:v2.11.1.",
    ),
]


class Policies(Model):
    """Who enforces NetworkPolicies: kube-router's firewall on each node, or what the site has already (K4)."""

    within: ClassVar[str] = "network"

    kind: Literal["kube-router", "external"] = "kube-router"
    """kube-router, beside either kind of pod network; or external: others enforce them, and nothing is installed."""
    image: Image = versions.IMAGE
    """kube-router's image. The engine's mirrors hold for it."""
