"""kubeadm on an emulated host, ended in the middle of its work."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.scripts.lab_host import LabHost

HALF_WAY = {
    "db-1": ("init", "/etc/kubernetes/manifests/kube-apiserver.yaml"),
    "db-2": ("join", "/etc/kubernetes/bootstrap-kubelet.conf"),
}
"""What a host does, and the file by which it is half-way."""


@contextmanager
def killed(host: LabHost, verb: str, once: str) -> Iterator[None]:
    """`kubeadm VERB` gets SIGKILL as soon as the file `once` is there."""
    text = f"""#!/bin/bash
[[ $1 == {verb} ]] || exec /usr/bin/kubeadm "$@"
/usr/bin/kubeadm "$@" &
until [[ -e {once} ]]; do sleep 0.01; done
kill -KILL $!
exit 137
"""
    host.bash("cat >/usr/local/sbin/kubeadm; chmod 755 /usr/local/sbin/kubeadm", text)
    yield
    host.bash("rm /usr/local/sbin/kubeadm")
