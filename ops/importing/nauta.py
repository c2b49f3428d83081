"""Nauta's inventory and configuration, as its guide has them (Enterprise 1.0, April 2019), as a site.

Rows: N1, N7, X12.
"""

from pathlib import Path

from ops.importing import nauta_config
from ops.importing.draft import Draft
from ops.importing.ini import read_ini
from ops.importing.nauta_hosts import hosts
from ops.importing.nauta_services import services
from ops.importing.place import Place
from ops.importing.yaml_file import read_yaml

REMARKS = (
    "Nauta's web interface, nctl and its templates ended with Nauta in 2020, and have no equal here.",
    "The guide wants Red Hat 7.5 on the hosts, which no Kubernetes of today runs on. Install a newer system, which is "
    "named by os: README.md has those that fit.",
    "A cluster that Nauta has installed is not taken over. While it runs, preflight refuses its hosts, since their "
    "ports are in use, and pulumi up changes nothing. Copy what is on the shares, then install the hosts anew.",
)


def site_of(inventory: Path, config: Path, *, as_printed: bool, direct: bool) -> Draft:
    """The site that both files describe. `direct`: the workers are reached without the master."""
    draft = Draft(remarks=list(REMARKS))
    rows, settings = read_ini(inventory, inventory.name, as_printed=as_printed), read_yaml(config, config.name)
    if rows.hosts and not rows.groups.keys() & {"master", "worker"}:
        draft.fault(
            Place(inventory.name, None, ""),
            "has neither [master] nor [worker]. Name the inventory, then the configuration.",
        )
        return draft
    draft.faults += [*rows.faults, *settings.faults]
    if draft.faults and not (rows.hosts and settings.data):
        return draft
    nauta_config.names(draft, settings)
    master = hosts(draft, rows, direct=direct)
    nauta_config.cluster(draft, settings)
    nauta_config.network(draft, settings)
    nauta_config.storage(draft, settings, master)
    nauta_config.unknown(draft, settings)
    services(draft, master)
    return draft
