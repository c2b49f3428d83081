"""Users and projects of the tests beside a real API server: what `pulumi up` makes of one, and what `verify` asks."""

import asyncio
from typing import Any

from components.hostrun import fleet
from components.hostrun.target import Target
from ops import project_checks
from ops.in_cluster import Kubectl
from stacks.model import Site
from tests.plugins.control_plane import ControlPlane


def project(name: str, *members: str) -> list[dict[str, Any]]:
    """Namespace and role binding."""
    group = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"gpu-metal/project": "true"}},
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "project", "namespace": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"kind": "User", "name": member, "apiGroup": group} for member in members],
        },
    ]


def checks(plane: ControlPlane, site: Site) -> dict[str, tuple[str, str]]:
    """What `sitectl verify` says of the site's projects."""
    target = Target("cp-1", "192.0.2.11", 22, "root", "")
    found = asyncio.run(project_checks.ask(site, Kubectl(fleet.Fleet({"cp-1": target}, ask=plane.ask), target)))
    return {check.id: (check.status, check.saw) for check in found}
