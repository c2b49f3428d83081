"""The chart of cert-manager.

Next: https://cert-manager.io/docs/releases/; then compare the keys with the values of the chart:
python3 -m ops.chart_keys cert_manager FILE.
"""

CHART = "cert-manager"
VERSION = "v1.21.1"
REPOSITORY = "https://charts.jetstack.io"

DNS_PROVIDERS = (
    "acmeDNS",
    "akamai",
    "azureDNS",
    "cloudDNS",
    "cloudflare",
    "digitalocean",
    "rfc2136",
    "route53",
    "webhook",
)
"""Keys of a dns01 solver: https://cert-manager.io/docs/reference/api-docs/#acme.cert-manager.io/v1.ACMEChallengeSolverDNS01"""
