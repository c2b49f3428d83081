"""What a site may say of the example part."""

from components.parts.example import versions

from components.model import HostName, Model, Port, SecretName


class Example(Model):
    """A part that is made up: a file on one host, a map in the cluster."""

    host: HostName
    """Where its file is, and where it listens."""
    port: Port = 8099
    """Where it listens."""
    image: str = versions.IMAGE
    """What it would run."""
    token_secret: SecretName | None = None
    """Name of the secret that holds its token."""
