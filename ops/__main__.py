"""`python -m ops`: sitectl."""

import atexit
import gc

# What the start makes is needed to the end. To look through it for garbage, again and again and once more at the end,
# would be a third of a short run.
gc.set_threshold(400_000)
atexit.register(gc.freeze)

from ops.cli import app  # noqa: E402

app(prog_name="sitectl")
