"""`python -m lab`: the emulated site on this machine."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Callable

from lab import paths
from lab.depot import signing
from lab.hosts import keys, lab
from lab.hosts.inventory import HOSTS, LabError, host


def main() -> int:
    """Exit status: 0 when done; 1, with a line on stderr, on failure; 3 from `status` when the lab is not fully up."""
    words = _words().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that running commands are ended too
    try:
        return int(words.verb(words) or 0)
    except LabError as error:
        _say(str(error))
        return 1


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Emulated hosts, registry, package sources.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, does: Callable[[argparse.Namespace], int | None], says: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=says, description=says)
        made.set_defaults(verb=does)
        return made

    verb("up", lambda _: lab.up(_say), "start what does not run yet")
    verb("check", lambda _: lab.check(), "fail when this machine cannot run the lab")
    verb("base", lambda _: lab.base_system(_say), "build the hosts' base system, as `up` does when it is missing")
    down = verb("down", lambda words: lab.down(_say, erase=words.erase), "stop everything; disks are kept")
    down.add_argument("--erase", action="store_true", help="forget the hosts' disks too")
    verb("status", _status, "say what runs")
    verb("keys", _keys, "make the lab's own keys and passphrase (no root needed)")
    verb("env", _env, "print the environment of pulumi and the tests, for eval")
    one = verb("host", _host, "switch one host on or off, or reset it")
    one.add_argument(
        "action", choices=("start", "stop", "kill", "reset"), help="kill: power cut; reset: off, disk anew, on"
    )
    one.add_argument("name", choices=HOSTS)
    return parser


def _keys(_: argparse.Namespace) -> None:
    """Makes the keys that planning the lab's site reads."""
    keys.make()
    signing.make_key()


def _host(words: argparse.Namespace) -> None:
    actions = {"start": lab.start, "stop": lab.stop, "kill": lab.kill, "reset": lab.reset}
    actions[words.action](host(words.name))


def _status(_: argparse.Namespace) -> int:
    lines, whole = lab.status()
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if whole else 3


def _env(_: argparse.Namespace) -> None:
    variables = {
        "GPU_METAL_LAB": paths.LAB,
        "PULUMI_HOME": paths.LAB / "pulumi",
        "PULUMI_BACKEND_URL": f"file://{paths.LAB / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": keys.PASSPHRASE,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",  # those beside pulumi and in PULUMI_HOME, and no warning about PATH
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    sys.stdout.writelines(f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items())
    sys.stdout.write(f'export PATH={shlex.quote(str(paths.TOOLS_BIN))}{os.pathsep}"$PATH"\n')


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
