"""The chart of NVIDIA's Network Operator, and what its release knows.

Next: https://docs.nvidia.com/networking/display/kubernetes2640/platform-support.html and the same page of later
releases; then compare the keys with the values of the chart: python3 -m ops.chart_keys network_operator FILE; and the
images and the driver with docs/advanced/images-sha256.rst of Mellanox/network-operator-docs.
"""

CHART = "network-operator"
VERSION = "26.4.1"
REPOSITORY = "https://helm.ngc.nvidia.com/nvidia"

DOCA_DRIVER = "doca3.4.1-26.04-1.1.0.0-1"
"""The driver of this release, for DRIVER_SYSTEMS."""

VENDOR = "nvcr.io"
OPERANDS = "nvidia/mellanox"
"""Where the release's own images are: all but the operator's."""

REPOSITORIES = {
    "operator.repository": "nvcr.io/nvidia/cloud-native",
    "operator.ofedDriver.initContainer.repository": "nvcr.io/nvidia/mellanox",
    "node-feature-discovery.image.repository": "nvcr.io/nvidia/mellanox/node-feature-discovery",
    "maintenance-operator-chart.operator.image.repository": "nvcr.io/nvidia/mellanox",
}
"""Value of the chart → where it takes the image from."""

SRIOV_IMAGES = {
    "operator": "sriov-network-operator",
    "sriovConfigDaemon": "sriov-network-operator-config-daemon",
    "sriovCni": "sriov-cni",
    "ibSriovCni": "ib-sriov-cni",
    "ovsCni": "ovs-cni-plugin",
    "rdmaCni": "rdma-cni",
    "sriovDevicePlugin": "sriov-network-device-plugin",
    "sriovDraDriver": "dra-driver-sriov",
    "webhook": "sriov-network-operator-webhook",
}
"""Value below sriov-network-operator.images → the image's name in OPERANDS, where its tag is the release's."""
RESOURCES_INJECTOR = "ghcr.io/k8snetworkplumbingwg/network-resources-injector:v1.7.0"

DRIVER_SYSTEMS = frozenset(
    {
        *(f"ubuntu-{release}" for release in ("22.04", "24.04")),
        *(f"rhel-{release}" for release in ("8.10", "9.4", "9.6", "9.8", "10.0", "10.2")),
    }
)
"""Systems that have a tag of the driver's image; docs/advanced/images-sha256.rst."""

GPU_OPERATOR = (25, 3)
"""The first GPU Operator for workloads with GPUs and GPUDirect RDMA, as platform-support.rst of
Mellanox/network-operator-docs says for 26.1. (A file compatibility.yaml names no other part.)"""

DMABUF_KERNEL = "5.12"
"""The first kernel with DMA-BUF for RDMA:
https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-rdma.html"""


def images(version: str) -> dict[str, str]:
    """Every image that the chart names: dotted value of the chart → image, or the folder that it is in."""
    tag = f"network-operator-v{version}"
    sriov = {name: f"{VENDOR}/{OPERANDS}/{image}:{tag}" for name, image in SRIOV_IMAGES.items()}
    below = {**sriov, "resourcesInjector": RESOURCES_INJECTOR}
    return {**REPOSITORIES, **{f"sriov-network-operator.images.{name}": image for name, image in below.items()}}
