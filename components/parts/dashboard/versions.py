"""The chart of Headlamp, the dashboard of Kubernetes.

Next: https://github.com/kubernetes-sigs/headlamp/releases; then compare the keys with the values of the chart:
python3 -m ops.chart_keys dashboard FILE. They were compared with those of 0.45.0.
"""

CHART = "headlamp"
VERSION = "0.45.0"
REPOSITORY = "https://kubernetes-sigs.github.io/headlamp/"
