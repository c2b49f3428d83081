"""The chart of NVIDIA's device plugin.

Next: https://github.com/NVIDIA/k8s-device-plugin/releases; then compare the keys with the chart's values, and those of
its subchart: python3 -m ops.chart_keys device_plugin FILE nfd=FILE.
"""

CHART = "nvidia-device-plugin"
VERSION = "0.20.0"
REPOSITORY = "https://nvidia.github.io/k8s-device-plugin"

IMAGES = {
    "image.repository": "nvcr.io/nvidia/k8s-device-plugin",
    "nfd.image.repository": "registry.k8s.io/nfd/node-feature-discovery",
}
"""Value of the chart → where it takes the image from."""
