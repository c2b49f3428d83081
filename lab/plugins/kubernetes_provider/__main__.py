"""`python -m lab.plugins.kubernetes_provider ENGINE`."""

from lab.plugins.kubernetes_provider.provider import make
from lab.plugins.serve import main

main(make)
