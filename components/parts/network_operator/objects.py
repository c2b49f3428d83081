"""The operator's objects: its NicClusterPolicy, and the networks that pods join. Pure.

Rows: L3.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from components.parts import gpu_taints
from components.parts.chart import merged
from components.parts.network_operator import nodes, versions
from components.parts.network_operator.config import (
    Driver,
    Ipoib,
    Macvlan,
    Network,
    NetworkOperator,
    OfPool,
    Shared,
    Sriov,
    Whole,
)
from components.parts.part import Hosts

NAMESPACE = "nvidia-network-operator"
POLICY = "nic-cluster-policy"
"""The only name of a NicClusterPolicy that the operator heeds."""
SOURCES = "gpu-metal-doca-sources"
"""The ConfigMap with the driver's package sources, which the component makes."""
_VENDOR = "15b3"
_LINKS = {"ethernet": "eth", "infiniband": "IB"}
_DRAIN_SECONDS = 300

Spec = dict[str, Any]


class Made(NamedTuple):
    """An object of the cluster."""

    api: str
    kind: str
    name: str
    namespace: str | None
    spec: Spec


def policy(config: NetworkOperator, hosts: Hosts) -> Spec:
    """`spec` of the NicClusterPolicy, of which ours wins."""
    return merged(config.policy, ours(config, hosts))


def ours(config: NetworkOperator, hosts: Hosts) -> Spec:
    """What the typed keys decide of it."""
    found: Spec = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": _chosen()}}
    if tolerations := gpu_taints.more(nodes.serving(config, hosts)):
        found["tolerations"] = tolerations
    if config.driver:
        found["ofedDriver"] = _driver(config, config.driver)
    if shared := [_shared(name, pool) for name, pool in config.pools.items() if isinstance(pool, Shared)]:
        image = _image(config, "k8s-rdma-shared-dev-plugin")
        found["rdmaSharedDevicePlugin"] = {**image, "config": _json({"configList": shared})}
    if whole := [_whole(name, pool) for name, pool in config.pools.items() if isinstance(pool, Whole)]:
        image = _image(config, "sriov-network-device-plugin")
        found["sriovDevicePlugin"] = {**image, "config": _json({"resourceList": whole})}
    return {**found, **(_secondary(config) if config.networks else {})}


def _chosen() -> Spec:
    expression = {"key": nodes.LABEL, "operator": "In", "values": ["true"]}
    return {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}


def _image(config: NetworkOperator, name: str, version: str | None = None) -> Spec:
    place = f"{config.images or versions.VENDOR}/{versions.OPERANDS}"
    return {"image": name, "repository": place, "version": version or f"network-operator-v{config.version}"}


def _driver(config: NetworkOperator, driver: Driver) -> Spec:
    drain = {"enable": driver.drain, "force": False, "deleteEmptyDir": True, "timeoutSeconds": _DRAIN_SECONDS}
    upgrade = {"autoUpgrade": True, "maxParallelUpgrades": driver.parallel, "drain": drain}
    sources = {"repoConfig": {"name": SOURCES}} if driver.sources else {}
    return {**_image(config, "doca-driver", driver.version), "upgradePolicy": upgrade, **sources}


def _shared(name: str, pool: Shared) -> Spec:
    return {"resourceName": name, "rdmaHcaMax": pool.pods, "selectors": {"ifNames": list(pool.interfaces)}}


def _whole(name: str, pool: Whole) -> Spec:
    selectors = {"vendors": [_VENDOR], "pfNames": list(pool.interfaces), "isRdma": True}
    return {"resourcePrefix": "nvidia.com", "resourceName": name, "selectors": selectors}


def _secondary(config: NetworkOperator) -> Spec:
    plugins = {"multus": _image(config, "multus-cni"), "cniPlugins": _image(config, "plugins")}
    if any(isinstance(each, Ipoib) for each in config.networks.values()):
        plugins["ipoib"] = _image(config, "ipoib-cni")
    return {
        "secondaryNetwork": plugins,
        "nvIpam": {**_image(config, "nvidia-k8s-ipam"), "enableWebhook": False},
    }


def _json(value: Spec) -> str:
    return json.dumps(value, indent=2) + "\n"


def functions(config: NetworkOperator) -> Mapping[str, Made]:
    """By pool: how its virtual functions are made."""
    return {name: _functions(name, pool) for name, pool in nodes.sriov(config).items()}


def _functions(name: str, pool: Sriov) -> Made:
    spec: Spec = {
        "resourceName": name,
        "nodeSelector": {nodes.LABEL: "true"},
        "nicSelector": {"vendor": _VENDOR, "pfNames": list(pool.interfaces)},
        "deviceType": "netdevice",
        "isRdma": True,
        "linkType": _LINKS[pool.link],
        "numVfs": pool.functions,
        **({"mtu": pool.mtu} if pool.mtu else {}),
    }
    return Made("sriovnetwork.openshift.io/v1", "SriovNetworkNodePolicy", name.replace("_", "-"), NAMESPACE, spec)


def addresses(name: str, network: Network) -> Made:
    """The pool of a network's addresses; each of the hosts has its part of it."""
    spec: Spec = {
        "subnet": str(network.subnet),
        "perNodeBlockSize": network.per_node,
        "nodeSelector": _chosen(),
        **({"gateway": str(network.gateway)} if network.gateway else {}),
    }
    return Made("nv-ipam.nvidia.com/v1alpha1", "IPPool", name, NAMESPACE, spec)


def network(config: NetworkOperator, name: str) -> Made:
    """The network itself, of which the operator makes the NetworkAttachmentDefinition."""
    own = config.networks[name]
    pool = config.pools.get(own.pool) if isinstance(own, OfPool) else None
    kind, spec = _attached(own, pool)
    spec |= {"networkNamespace": own.namespace, "ipam": _json({"type": "nv-ipam", "poolName": name})}
    if isinstance(pool, Sriov):
        return Made("sriovnetwork.openshift.io/v1", kind, name, NAMESPACE, spec)
    return Made("mellanox.com/v1alpha1", kind, name, None, spec)


def _attached(own: Network, pool: Shared | Whole | Sriov | None) -> tuple[str, Spec]:
    if isinstance(own, Macvlan):
        mtu = {"mtu": own.mtu} if own.mtu else {}
        return "MacvlanNetwork", {"master": own.interface, "mode": own.mode, **mtu}
    if isinstance(own, Ipoib):
        return "IPoIBNetwork", {"master": own.interface}
    if isinstance(pool, Sriov):
        if pool.link == "infiniband":
            return "SriovIBNetwork", {"resourceName": own.pool, "linkState": "enable"}
        return "SriovNetwork", {"resourceName": own.pool}
    return "HostDeviceNetwork", {"resourceName": own.pool}
