"""Alertmanager's configuration. Pure.

Rows: M1.
"""

from collections.abc import Mapping
from typing import Any

from components.parts.monitoring.config import Alertmanager, AnyReceiver, Email, Slack

NOBODY = "nobody"
"""Gets the alerts that no receiver asks for, such as Watchdog, which fires always."""


def secret(receiver: AnyReceiver) -> str | None:
    """The name of the receiver's secret."""
    return receiver.password_secret if isinstance(receiver, Email) else receiver.url_secret


def configuration(config: Alertmanager, secrets: Mapping[str, str]) -> dict[str, Any]:
    """The whole of it. `secrets`: their values by their names."""
    routes = [
        {"receiver": name, "matchers": [f'severity =~ "{"|".join(receiver.severities)}"'], "continue": True}
        for name, receiver in config.receivers.items()
    ]
    receivers = [{"name": name, **_receiver(receiver, secrets)} for name, receiver in config.receivers.items()]
    return {
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "host"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": routes,
        },
        "inhibit_rules": [
            {
                "source_matchers": ['severity = "critical"'],
                "target_matchers": ['severity = "warning"'],
                "equal": ["namespace", "alertname", "host"],
            }
        ],
        "receivers": [{"name": NOBODY}, *receivers],
    }


def _receiver(receiver: AnyReceiver, secrets: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(receiver, Email):
        mail: dict[str, Any] = {
            "to": receiver.to,
            "from": receiver.sender,
            "smarthost": receiver.server,
            "send_resolved": True,
        }
        if receiver.password_secret:
            mail["auth_username"] = receiver.user or receiver.sender
            mail["auth_password"] = secrets[receiver.password_secret]
        return {"email_configs": [mail]}
    # Secrets that were set from a file end with a line break, which no address has.
    url = secrets[receiver.url_secret].strip()
    if isinstance(receiver, Slack):
        return {"slack_configs": [{"api_url": url, "channel": receiver.channel, "send_resolved": True}]}
    return {"webhook_configs": [{"url": url, "send_resolved": True}]}
