"""Secrets of a stack, by name: the only place that asks Pulumi for one.

Rows: X2.
"""

import pulumi


class MissingSecretError(Exception):
    """A secret that the site names is not in the stack's config; the text has the command that sets it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"gpu-metal:{name}: the site names this secret, but the stack has no value for it. "
            f"Fix: pulumi config set --secret {name} < FILE"
        )


class Secrets:
    """The stack's secrets. `output` for resources, `reveal` for our own SSH client, which needs the text itself."""

    def __init__(self, config: pulumi.Config) -> None:
        self._config = config

    def output(self, name: str) -> pulumi.Output[str]:
        """The value as a secret Output. Raises MissingSecretError."""
        value = self._config.get_secret(name)
        if value is None:
            raise MissingSecretError(name)
        return value

    def reveal(self, name: str) -> str:
        """The value itself: never put it into an input that is not secret.  Raises MissingSecretError."""
        value = self._config.get(name)
        if value is None:
            raise MissingSecretError(name)
        return value
