"""The controller: waits for changes, and settles everything after each; nothing is asked while nothing changes."""

import sys
import threading
import time

from lab.kube import CORE, Kube, KubeError
from lab.parts.rancher.standin import bindings, projects, users
from lab.parts.rancher.standin.kinds import RANCHER

_WATCHED = ("projects", "users", "projectroletemplatebindings", "globalrolebindings", "globalroles", "roletemplates")
WATCHED = (*(f"{RANCHER}/{plural}" for plural in _WATCHED), f"{CORE}/namespaces")
_GATHER = 0.05
"""Seconds to wait for more changes of the same moment."""


def once(kube: Kube) -> None:
    """Settles everything. Raises KubeError."""
    projects.settle(kube)
    users.settle(kube)
    bindings.settle(kube)


def run(kube: Kube, ended: threading.Event) -> None:
    """Settles whenever something changes, until `ended` is set."""
    changed = threading.Event()
    for path in WATCHED:
        threading.Thread(target=kube.watch, args=(path, changed.set, ended), daemon=True).start()
    changed.set()
    while not ended.is_set():
        changed.wait()
        time.sleep(_GATHER)
        changed.clear()
        try:
            once(kube)
        except KubeError as error:
            if ended.is_set():
                return
            sys.stderr.write(f"once more in a second: {error}\n")
            time.sleep(1)
            changed.set()
