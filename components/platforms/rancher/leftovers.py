"""What Rancher leaves in the cluster when it goes: finalizers on namespaces that stay, such as those of projects.

Rows: T5.
"""

from pathlib import Path

from components.hostrun.stream import wait
from components.kubernetes.plane import NobodyError, first
from components.platforms.rancher.api import RancherApi
from components.platforms.rancher.kinds import RancherKind
from components.rest.error import DarkError
from components.rest.kind import Seen, Values

SCRIPT = Path(__file__).with_name("leftovers.sh")


class LeftoversKind(RancherKind):
    """There from the start, before the release, so that it is deleted after it: then nothing puts them back."""

    def find(self, client: RancherApi, want: Values) -> Seen | None:  # noqa: ARG002
        """There is nothing to make."""
        return Seen("leftovers", want)

    def create(self, client: RancherApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """Never: it is always there."""
        return Seen("leftovers", want)

    def read(self, client: RancherApi, id_: str, want: Values) -> Seen | None:  # noqa: ARG002
        """It cannot differ."""
        return Seen(id_, want)

    def update(self, client: RancherApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """There is nothing to change."""
        return Seen(id_, want)

    def delete(self, client: RancherApi, id_: str, want: Values) -> None:  # noqa: ARG002
        """Takes the finalizers off, by the first control plane that answers. Raises DarkError."""
        planes = client.session.access.planes
        try:
            wait(first(planes, "bash -s", SCRIPT.read_bytes(), deadline=120))
        except NobodyError as error:
            fix = "bring a control plane back, then pulumi up"
            raise DarkError("kubectl patch namespace", f"no control plane could do it: {error}", fix) from None
