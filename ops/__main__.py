"""`python -m ops`: sitectl."""

import gc

# What is made at the start stays: looking through it for garbage, again and again, would be a tenth of a short run.
gc.set_threshold(100_000)

from ops.cli import app  # noqa: E402

app(prog_name="sitectl")
