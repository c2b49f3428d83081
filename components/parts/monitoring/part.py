"""Monitoring as a part (docs/parts/monitoring/how-to.md)."""

from collections.abc import Sequence

from components.host.config import Host
from components.host.listening import Listening
from components.parts.monitoring import asked, checks
from components.parts.monitoring.config import Monitoring
from components.parts.monitoring.values import NAMESPACE
from components.parts.part import ClusterPart, HostPart, Hosts, Part


def _uses(config: Monitoring, hosts: Hosts) -> Sequence[str]:
    return asked.members(hosts) if config.kind == "prometheus" and config.node_exporter else ()


def _listening(_: Monitoring, __: Host, ___: Hosts) -> Sequence[Listening]:
    return (Listening("node-exporter", "the exporter of the host's measurements", "9100", key=("nodeExporter",)),)


def _wants(config: Monitoring) -> bool:
    return config.storage is not None and config.storage.storage_class is None


PART: Part[Monitoring] = Part(
    config=Monitoring,
    checks=checks.checks,
    notes=checks.notes,
    asks=lambda config: frozenset({"storage:default"}) if _wants(config) else frozenset(),
    # Its operator makes nothing as long as the class that the site names does not exist.
    uses=frozenset({"storage:default"}),
    gives=frozenset({"monitoring"}),
    version=lambda config: (("version",), config.version) if config.kind == "prometheus" else None,
    host=HostPart(uses=_uses, waves=lambda *_: (), listening=_listening),
    cluster=ClusterPart(
        # The exporters of hosts need the hosts' network and files.
        namespaces={},
        more_namespaces=lambda config: {NAMESPACE: "privileged"} if config.kind == "prometheus" else {},
        component="components.parts.monitoring.component:Prometheus",
        made=lambda config: config.kind == "prometheus",
        probes=asked.probes,
        questions=asked.questions,
    ),
)
