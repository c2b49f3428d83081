"""The stand-in's settings: pgAdmin's defaults, with those of CONFIG_DISTRO_FILE_PATH, as pgAdmin reads them."""

import os
import runpy

_own = runpy.run_path(os.environ["CONFIG_DISTRO_FILE_PATH"])
SERVER_MODE: bool = _own.get("SERVER_MODE", False)
DEFAULT_SERVER: str = _own.get("DEFAULT_SERVER", "127.0.0.1")
DEFAULT_SERVER_PORT: int = _own.get("DEFAULT_SERVER_PORT", 5050)
DATA_DIR: str = _own["DATA_DIR"]
SQLITE_PATH = f"{DATA_DIR}/pgadmin4.db"
