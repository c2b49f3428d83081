"""HAProxy's ingress controller. Next: https://github.com/haproxytech/helm-charts/releases (kubernetes-ingress)."""

CHART = "1.52.1"
REPOSITORY = "https://haproxytech.github.io/helm-charts"
