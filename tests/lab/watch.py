"""`python -m tests.lab.watch HOST PATTERN`: looks at all command lines and environments on a host until it is ended.

Prints each match, once, and `looked N` at the end. One process that reads /proc from outside: a shell with its own cat
and grep on the host would miss more, and keep a processor busy.
"""

import re
import signal
import sys
import threading
from pathlib import Path

from lab.hosts import cgroups
from lab.hosts.inventory import host


def main(name: str, pattern: str) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    machine, token = host(name), re.compile(pattern.encode())
    looked, found = 0, set[bytes]()
    while not ended.wait(0.05):
        looked += 1
        for pid in cgroups.processes(cgroups.groups(machine)[:1]):
            for file in ("cmdline", "environ"):
                try:
                    found |= set(token.findall(Path(f"/proc/{pid}/{file}").read_bytes()))
                except OSError:
                    continue  # it ended meanwhile
    sys.stdout.write("".join(f"{each.decode()}\n" for each in sorted(found)) + f"looked {looked}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
