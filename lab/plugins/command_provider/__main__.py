"""`python -m lab.plugins.command_provider ENGINE`."""

from lab.plugins.command_provider.provider import make
from lab.plugins.serve import main

main(make)
