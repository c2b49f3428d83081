"""The charts of VictoriaLogs, and of the agent that brings it the logs of all pods.

Next: https://github.com/VictoriaMetrics/helm-charts/releases (victoria-logs-single, victoria-logs-collector); then
compare the keys with the values of the charts: python3 -m ops.chart_keys logs FILE.
"""

STORE = "victoria-logs-single"
STORE_VERSION = "0.13.9"
COLLECTOR = "victoria-logs-collector"
COLLECTOR_VERSION = "0.3.7"
REPOSITORY = "https://victoriametrics.github.io/helm-charts/"
