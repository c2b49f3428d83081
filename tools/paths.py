"""Where tools are kept: outside the checkout, so that every checkout on this machine has them."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""This checkout."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-metal"
"""What is downloaded or built once per machine."""

TOOLS_BIN = CACHE / "tools" / "bin"
"""The programs in use; tools/activate puts it on PATH."""
