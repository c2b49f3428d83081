"""The command line that researchers download: a script that knows the verbs which a jump box is set up with."""

from pathlib import Path
from typing import Any

from lab.parts.runai.standin.web import OPEN, Call, Plain, RefusedError, Route

_PROGRAM = Path(__file__).with_name("runai.sh")
_BASE = "/api/v1/cli-exposer"


def _installer(call: Call) -> tuple[int, Any]:
    if call.path[0] not in ("linux", "unix"):
        raise RefusedError(404, f"the stand-in has no command line for {call.path[0]}")
    program = _PROGRAM.read_text().replace("@URL@", f"https://{call.app.domain}").replace("@VERSION@", call.app.version)
    return 200, Plain(
        "#!/bin/sh\n"
        "# Installs the lab's stand-in of the Run:ai command line.\n"
        'set -eu\nfolder=${RUNAI_INSTALL_DIR:-"$HOME/.runai/bin"}\nmkdir -p "$folder"\n'
        f'cat >"$folder/runai" <<\'RUNAI_STAND_IN\'\n{program}RUNAI_STAND_IN\nchmod 0755 "$folder/runai"\n'
        'echo "runai is in $folder"\n'
    )


ROUTES = [Route("GET", f"{_BASE}/installer/{{}}", _installer, OPEN)]
