"""`sitectl kubeconfig --as NAME`: an administrator's own kubeconfig, by a client certificate that ends.

Rows: N5, K6.
"""

import json
import re

from ops import user_kubeconfig
from ops.certificate import issue
from ops.in_cluster import Kubectl
from ops.stop import Code, Stop
from ops.user_kubeconfig import Made
from stacks.ground import ground
from stacks.model import Site

GROUP = "kubeadm:cluster-admins"
"""kubeadm binds it to the role cluster-admin, since Kubernetes 1.29:
https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/#generate-kubeconfig-files-for-control-plane-components"""
NAME = re.compile(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?")


def checked(site: Site, name: str) -> str:
    """The name. Raises Stop for one that is a user's, or none."""
    if not NAME.fullmatch(name):
        text = f"--as {name}: is no name: a-z, 0-9 and '-', 32 at most, a letter first and no '-' last."
        raise Stop(Code.WRONG, [f"{text} Fix: --as {_example(site)}"])
    if name in site.users or name in ground(site).subjects.values():
        text = f"--as {name}: is a user of the site, whose certificates would then open the whole cluster."
        raise Stop(Code.WRONG, [f"{text} Fix: sitectl user kubeconfig {name}; or another name, such as {name}-admin"])
    return name


def _example(site: Site) -> str:
    """A name that `checked` takes, from the stack's where that can be."""
    own = f"{site.name}-admin"
    return own if NAME.fullmatch(own) and own not in site.users else "site-admin"


async def make(kubectl: Kubectl, site: Site, name: str, seconds: int) -> Made:
    """The kubeconfig; the API server's audit log has `name` of whoever uses it. Raises Stop."""
    if not await kubectl.get("clusterrolebinding", GROUP):
        text = f"The cluster gives no rights to the group {GROUP}, as kubeadm does."
        fix = f"kubectl create clusterrolebinding {GROUP} --clusterrole=cluster-admin --group={GROUP}"
        raise Stop(Code.NO, [f"{text} Fix: on a control plane, {fix} --kubeconfig /etc/kubernetes/super-admin.conf"])
    view = ("config", "view", "--minify", "--raw", "--flatten", "-o", "jsonpath={.clusters[0].cluster}")
    cluster = json.loads(await kubectl.run(*view))
    issued = await issue(kubectl, name, name, seconds, GROUP)
    text = user_kubeconfig.kubeconfig(site, name, cluster, (), user_kubeconfig.certified(issued))
    end = issued.end.isoformat(sep=" ", timespec="minutes").replace("+00:00", " UTC")
    honest = (
        f"The certificate of {name} ends on {end}, and opens the whole cluster until then. Nothing can revoke it: "
        f"without the clusterrolebinding {GROUP}, all of this kind open nothing, and admin.conf neither."
    )
    return Made(text, (), honest)
