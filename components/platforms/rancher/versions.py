"""The chart of Rancher, and what its releases ask for.

Next: https://github.com/rancher/rancher/releases; then compare the keys with the values of the chart:
python3 -m ops.chart_keys rancher FILE, and the kinds with docs/api of https://github.com/rancher/rancher-docs.
"""

VERSION = "2.15.0"
CHART = "rancher"
REPOSITORY = "https://releases.rancher.com/server-charts/stable"

PASSWORD = 12
"""Characters that a password has at least: setting password-min-length."""
NAMESPACE = 63
"""Characters that the name of a namespace may have."""

POD_IMAGES = ("nvcr.io/nvidia/cuda:13.0.1-base-ubuntu24.04", "nvcr.io/nvidia/cuda:13.0.1-devel-ubuntu24.04")
"""Of the sample pod with two containers: the document's nvidia/cuda:9.0-devel and nvidia/digits:6.0 have no driver of
today any more."""
