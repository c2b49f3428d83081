"""What a site may say of the example (rows Z1, Z2)."""

from typing import Annotated

from components.forms import form
from components.host.artefact import Artefact
from components.model import HostName, Model, Port


class Example(Model):
    """A page that one host serves, and a pod in the cluster that stands for it."""

    host: HostName
    """Serves the page (Z1)."""
    page: Artefact
    """What is served (Z1)."""
    port: Port = 8093
    """Where it is served, for the hosts of the site (Z1)."""
    title: Annotated[str, form(r"^[A-Za-z][A-Za-z ]*$", "is not a title: letters and blanks.")] = "Notice"
    """What projects read beside its address (Z2)."""
