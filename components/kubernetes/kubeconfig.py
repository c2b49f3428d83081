"""The stack's copy of the admin kubeconfig: the host notes which one was read (steps/kubeconfig_read.sh compares)."""

from functools import partial

import pulumi
from pulumi import ResourceHook, ResourceHookBinding

from components.hostrun import ssh
from components.hostrun.hook import Hook
from components.hostrun.target import SshError, Target

NOTE = """\
umask 077
sed -n 's/^ *client-certificate-data: //p' /etc/kubernetes/admin.conf | base64 -d |
    sha256sum >/var/lib/gpu-metal/kubeconfig-read
"""


def hooks(name: str, probe: ResourceHook, home: Target) -> ResourceHookBinding:
    """Of the resource that reads it. It is noted after that: only then, a renewal by the timer is no drift any more."""
    noted = Hook("kubeconfig").on(name, partial(note, home))
    return ResourceHookBinding(before_create=[probe], before_update=[probe], after_create=[noted], after_update=[noted])


async def note(home: Target) -> None:
    """Without a note, the next `sitectl drift` says that the copy is an old one: that is mended in the same way."""
    try:
        done = await ssh.run(home, "bash -s", stdin=NOTE.encode())
        said = done.stderr.strip() if done.status else ""
    except SshError as error:
        said = str(error)
    if said:
        pulumi.log.warn(f"{home.name} [kubeconfig] was read, but that is not noted there: {said}")
