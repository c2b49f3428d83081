"""`python -m ops`: sitectl."""

from ops.cli import app

app(prog_name="sitectl")
