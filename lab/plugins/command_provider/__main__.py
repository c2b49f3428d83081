"""`python -m lab.plugins.command_provider ENGINE`: a process for each run of Pulumi, so it starts with no more than it
needs.
"""
# ruff: noqa: E402 (see below)

import gc
import sys
from importlib.util import find_spec
from types import ModuleType

gc.set_threshold(100_000)

# Of the SDK only the generated protocol is used; `import pulumi` loads all the rest, which takes longer.
for name in ("pulumi", "pulumi.runtime"):
    bare = ModuleType(name)
    if spec := find_spec(name):  # else the import below says what is missing
        bare.__path__ = [*(spec.submodule_search_locations or ())]
    sys.modules[name] = bare

from lab.plugins.command_provider.provider import make
from lab.plugins.serve import main

main(make)
