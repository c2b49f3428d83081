"""The chart of Prometheus, its operator, Alertmanager, Grafana and their exporters.

Next: https://github.com/prometheus-community/helm-charts/releases (kube-prometheus-stack); then compare the keys with
the values of the chart: python3 -m ops.chart_keys monitoring FILE. They were compared with those of 88.5.3.
"""

CHART = "kube-prometheus-stack"
VERSION = "88.6.5"
"""Run:ai 3.0 is for this version and later."""
REPOSITORY = "https://prometheus-community.github.io/helm-charts"
