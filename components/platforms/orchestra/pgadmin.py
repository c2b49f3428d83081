"""pgAdmin beside Orchestra's database, as data: its environment, its settings, its login. Pure."""

import json
from pathlib import Path

from components.hostrun.step import Step
from components.platforms.orchestra.config import Orchestra, PgAdmin

_HERE = Path(__file__).parent
USER = "orchestra-pgadmin"
DATA = "/var/lib/orchestra-pgadmin"
"""Its settings database and what people save there."""


def pgadmin(config: Orchestra, own: PgAdmin) -> list[Step]:
    """The steps of the database's host that bring pgAdmin."""
    path = f"{config.path}-pgadmin"
    what = {"what": "pgAdmin"}
    environment = {"path": path, "user": USER, "index": config.index or "", "own": "yes", **what}
    environment |= {"unit": "orchestra-pgadmin", "key": "pgadmin.version"}
    inputs = {"path": path, "user": USER, "data": DATA, "email": own.email, "port": str(own.port)}
    bulk = {"config": settings(own), "servers": servers(config), "login": _HERE.joinpath("login.py").read_text()}
    return [
        Step(_HERE / "steps/orchestra_account.sh", {"user": USER, **what}, label="pgadmin"),
        Step(
            _HERE / "steps/orchestra_environment.sh",
            environment,
            {"requirements": f"pgadmin4=={own.version}\n"},
            label="pgadmin",
        ),
        Step(_HERE / "steps/orchestra_pgadmin.sh", inputs, bulk, {"password": own.password_secret}),
    ]


def settings(own: PgAdmin) -> str:
    """Its config_distro.py: loopback, logins, the journal for its log, and nothing asked of the internet."""
    labels = own.email.partition("@")[2].split(".")
    domains = [".".join(labels[first:]) for first in range(len(labels))]  # else names such as .local are refused
    return f"""\
# gpu-metal
SERVER_MODE = True
DEFAULT_SERVER = "127.0.0.1"
DEFAULT_SERVER_PORT = {own.port}
DATA_DIR = "{DATA}"
LOG_FILE = "/dev/null"
UPGRADE_CHECK_ENABLED = False
LLM_ENABLED = False
GLOBALLY_DELIVERABLE = False
ALLOW_SPECIAL_EMAIL_DOMAINS = {json.dumps(domains)}
"""


def servers(config: Orchestra) -> str:
    """The list with the site's database, as pgAdmin imports it; pgAdmin asks for the role's password."""
    own = config.database
    server = {
        "Name": config.name,
        "Group": "Servers",
        "Host": "127.0.0.1",
        "Port": own.port,
        "MaintenanceDB": own.name,
        "Username": own.user,
        "ConnectionParameters": {"sslmode": "prefer", "connect_timeout": 10},
    }
    return json.dumps({"Servers": {"1": server}}, indent=2) + "\n"
