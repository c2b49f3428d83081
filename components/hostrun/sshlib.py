"""asyncssh, loaded without compilers: whoever needs it takes it from here.

As it is loaded, asyncssh looks for two libraries that few machines have, for more algorithms. Where the system does not
list one, Python (ctypes.util) goes on to ask gcc and ld for it: eight processes for each run of ours.
"""

import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["asyncssh"]

COMPILERS = ("_findLib_gcc", "_findLib_ld")
"""What asks them, on Linux: https://github.com/python/cpython/blob/v3.11.7/Lib/ctypes/util.py"""


@contextmanager
def no_compilers() -> Iterator[None]:
    """Within it, only the libraries that the system lists (ldconfig) are found."""
    kept = {name: getattr(ctypes.util, name) for name in COMPILERS if hasattr(ctypes.util, name)}
    try:
        for name in kept:
            setattr(ctypes.util, name, lambda _: None)
        yield
    finally:
        for name, function in kept.items():
            setattr(ctypes.util, name, function)


with no_compilers():
    import asyncssh
