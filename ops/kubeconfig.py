"""The cluster's admin kubeconfig: from the stack's outputs, else from a control plane. It is a secret.

Rows: K6, N5.
"""

from pathlib import Path

from components.hostrun.fleet import Fleet
from components.hostrun.target import SshError
from ops import admin_kubeconfig, user_kubeconfig
from ops import site as sites
from ops.flags import Flags
from ops.site import pulumi
from ops.stop import Code, Stop

ADMIN_CONF = "/etc/kubernetes/admin.conf"


def of_stack(stack: str, folder: Path) -> str:
    """The one in Pulumi's state. Raises Stop if the state cannot be read or has none."""
    return pulumi(["stack", "output", "kubeconfig", "--show-secrets"], stack, folder)


async def of_host(control_planes: Fleet) -> str:
    """The one of the first control plane that answers. Raises Stop with each one's error."""
    lines, code = [], Code.NO
    for name, target in control_planes.targets.items():
        try:
            answer = await control_planes.ask(target, f"cat {ADMIN_CONF}")
        except SshError as error:
            lines.append(str(error))
            code = Code.NOT_ASKED
            continue
        if answer.status == 0:
            return answer.stdout
        lines.append(f"{name} [kubeconfig] has no {ADMIN_CONF}. Fix: pulumi up")
    raise Stop(code, lines or ["the site has no control plane to ask."])


def of_person(flags: Flags, name: str | None, days: int | None, to: Path | None) -> Code:
    """Writes or prints one with a certificate of its own, for an administrator by name. Raises Stop."""
    if name is None:
        raise Stop(Code.WRONG, ["--days: the cluster's own kubeconfig has its certificate's. Fix: --as NAME, too"])
    wanted = user_kubeconfig.seconds(days, None, certificate=True, by_hours=False) or user_kubeconfig.WEEK
    site = sites.load(flags)
    admin_kubeconfig.checked(site, name)
    return user_kubeconfig.hand_over(
        flags, site, to, lambda kubectl: admin_kubeconfig.make(kubectl, site, name, wanted)
    )
