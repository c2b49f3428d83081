"""The chart of the GPU Operator, and what its release knows.

Next: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/release-notes.html; then compare the keys with
the values of the chart and of its subchart: python3 -m ops.chart_keys gpu_operator FILE node-feature-discovery=FILE.
"""

CHART = "gpu-operator"
VERSION = "v26.7.0"
REPOSITORY = "https://helm.ngc.nvidia.com/nvidia"

IMAGES = {
    "validator.repository": "nvcr.io/nvidia",
    "operator.repository": "nvcr.io/nvidia",
    "driver.repository": "nvcr.io/nvidia",
    "driver.manager.repository": "nvcr.io/nvidia/cloud-native",
    "toolkit.repository": "nvcr.io/nvidia/k8s",
    "devicePlugin.repository": "nvcr.io/nvidia",
    "dcgm.repository": "nvcr.io/nvidia/cloud-native",
    "dcgmExporter.repository": "nvcr.io/nvidia/k8s",
    "gfd.repository": "nvcr.io/nvidia",
    "migManager.repository": "nvcr.io/nvidia/cloud-native",
    "nodeStatusExporter.repository": "nvcr.io/nvidia",
    "gds.repository": "nvcr.io/nvidia/cloud-native",
    "gdrcopy.repository": "nvcr.io/nvidia/cloud-native",
    "vgpuManager.driverManager.repository": "nvcr.io/nvidia/cloud-native",
    "vgpuDeviceManager.repository": "nvcr.io/nvidia/cloud-native",
    "vfioManager.repository": "nvcr.io/nvidia/cloud-native",
    "vfioManager.driverManager.repository": "nvcr.io/nvidia/cloud-native",
    "sandboxDevicePlugin.repository": "nvcr.io/nvidia",
    "kataSandboxDevicePlugin.repository": "nvcr.io/nvidia/cloud-native",
    "ccManager.repository": "nvcr.io/nvidia/cloud-native",
    "draDriver.repository": "nvcr.io/nvidia",
    "node-feature-discovery.image.repository": "registry.k8s.io/nfd/node-feature-discovery",
}
"""Value of the chart → where it takes the image from. The vGPU manager's image is each site's own."""

DRIVER_SYSTEMS = (
    *(f"ubuntu-{release}" for release in ("22.04", "24.04", "26.04")),
    *(f"{system}-{release}" for system in ("rhel", "rocky") for release in (8, 9, 10)),
)
"""Systems that NVIDIA has containers of the driver for; rhel-9 is also 9.4. Next: platform-support.html there."""

DRA_KUBERNETES = (1, 34, 2)
DRA_CLASSES = ("gpu.nvidia.com", "mig.nvidia.com", "vfio.gpu.nvidia.com")
"""The classes of the GPUs that pods claim: draDriver.gpus in the chart's values. A quota counts them by the key
CLASS.deviceclass.resource.k8s.io/devices: pkg/quota/v1/evaluator/core/resource_claims.go of Kubernetes 1.34."""
DRA_DRIVER = 580
"""What Dynamic Resource Allocation needs at least: the release of Kubernetes, the branch of the driver."""
