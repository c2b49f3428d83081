"""What stands in for the services that Nauta brought itself, as lines for the site that an operator adds.

Not written into the site: each needs a password, a person or a certificate that Nauta's files do not have.

Rows: N2, N3.
"""

from ops.importing.draft import Draft
from ops.importing.nauta_hosts import Master

LOGS = "logs: {passwordSecret: logsPassword, storage: {size: 50Gi}}"
REGISTRY = "registry: {host: HOST, passwordSecret: registryPassword}"


def services(draft: Draft, master: Master | None) -> None:
    """Remarks, one for each service that has an equal."""
    draft.remarks.append(f"For Elasticsearch and Fluentd, add {LOGS} (docs/parts/logs/how-to.md).")
    draft.remarks.append(
        f"For the registry, add {REGISTRY}; sitectl registry clean does what the guide does by hand "
        "(docs/how-to/prepare-hosts.md)."
    )
    draft.remarks.append(
        "For the dashboard, add domain, network.ingress with a certificate, and dashboard: {} "
        "(docs/parts/dashboard/how-to.md)."
    )
    if master and (lines := shares(draft, master)):
        draft.remarks.append(f"For the Samba shares, add users with a uid each, {lines} (docs/parts/samba/how-to.md).")


def shares(draft: Draft, master: Master) -> str | None:
    """The entry of the folders that the master serves; None if others serve both."""
    if master.mount is None:
        return None
    volumes = draft.site.get("storage", {}).get("volumes", {})
    own = [name for name in ("input", "output") if name in volumes and "server" not in volumes[name]]
    if not own:
        return None
    folders = ", ".join(f"{name}: {{path: {master.mount}/{name}, homes: true}}" for name in own)
    users = "users: {NAME: {passwordSecret: nameShares}}"
    entry = f"samba: {{host: {master.name}, {users}, shares: {{{folders}}}}}"
    return f"hosts.{master.name}.frontEnd: true, and {entry}"
