"""The library: every step file and the runner as one archive, and the scripts that install it on a host.

On the host: `library/<name>@<digest>.sh` for the steps, `runner/` for gpu-metal itself.
"""

import base64
import gzip
import io
import re
import shlex
import tarfile
from functools import cache
from hashlib import sha256
from pathlib import Path

from components.hostrun.step import COMPONENTS, Step, content, libraries

_HERE = Path(__file__).parent

INSTALL = "".join((_HERE / f"{name}.sh").read_text() for name in ("owner", "space", "install"))
"""The script for `sudo -n bash -s -- install SHA256 STAGED NAME [LAYER…]`, or `sudo -n bash -s -- remove [RUN]`."""


def install_text(owner: str, run: str) -> str:
    """INSTALL as a stack sends it: `owner` is its four words on a host (owner.py), `run` when one was interrupted."""
    return f"owner={shlex.quote(owner)} run_id={shlex.quote(run)}\n{INSTALL}"


def files() -> dict[str, bytes]:
    """The library's files, by their path on the host.

    Raises ValueError for a step file that the runner could not run, and for a name that two rooms' tables define.
    """
    runner = {f"runner/{path.name}": path.read_bytes() for path in _HERE.glob("*.sh") if path.name != "install.sh"}
    families = {f"runner/os/{path.name}": path.read_bytes() for path in _HERE.glob("os/*.sh")}
    tables = {f"runner/os/{name}": text.encode() for name, text in names().items()}
    parts = dict(sorted((runner | families | tables).items()))
    sums = "".join(f"{sha256(text).hexdigest()}  {name.removeprefix('runner/')}\n" for name, text in parts.items())
    steps = {_member(path): content(path) for path in COMPONENTS.glob("**/steps/*.sh")}
    return dict(sorted((parts | {"runner/parts.sums": sums.encode()} | steps).items()))


def _member(script: Path) -> str:
    if not re.fullmatch(r"[a-z0-9_-]+", script.stem):
        raise ValueError(f"{script}: a step is named by a-z, 0-9, '_' and '-'")
    if not re.search(r"^check\(\)", script.read_text(), re.MULTILINE):
        raise ValueError(f"{script}: a step has a function check, written check() at the beginning of a line")
    for library in libraries(script):
        if own := re.search(r"^(?:check|apply|undo)\(\)|^# limit:.*", library.read_text(), re.MULTILINE):
            raise ValueError(f"{library}: {own.group()} belongs to a step; a lib.sh is put in front of many")
    return f"library/{Step(script).ref}.sh"


def names(rooms: str = "**") -> dict[str, str]:
    """The tables of each system's own names for things, such as `debian.names`, merged from all rooms.

    `rooms` is a pattern of folders: `*` leaves the parts out.

    Raises ValueError for a name that two rooms define.
    """
    tables: dict[str, str] = {}
    owners: dict[str, Path] = {}
    for path in sorted(COMPONENTS.glob(f"{rooms}/os/*.names")):
        text = path.read_text()
        for name in re.findall(r"^[^#\s]\S*", text, re.MULTILINE):
            if owners.setdefault(name, path.parent) != path.parent:
                raise ValueError(f"{path}: {name} is in {owners[name]} too. Fix: use that one, or write another name")
        tables[path.name] = f"{tables.get(path.name, '')}{text.rstrip()}\n"
    return tables


@cache
def archive() -> bytes:
    """The library as .tar.gz: the same bytes for the same files, whoever makes it and when."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files().items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if name == "runner/runner.sh" else 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0)  # 9 takes twice as long, and saves a hundredth


def digest() -> str:
    """The SHA-256 of the archive."""
    return sha256(archive()).hexdigest()


def streamed(words: str, payload: str = "") -> bytes:
    """A script for `sudo -n bash -s` that runs `gpu-metal WORDS` without installing it, and leaves nothing behind.

    `words` are shell words; `payload` is what gpu-metal reads from stdin. For questions only: try and facts.
    """
    return f"""\
main() {{
    set -euo pipefail
    umask 077
    folder=$(mktemp -d "${{GPU_METAL_RUN:-/run}}/gpu-metal-once.XXXXXX") && mkdir "$folder/run"
    trap 'rm -rf -- "$folder"' EXIT
    trap 'exit 1' HUP INT TERM PIPE
    printf %s '{base64.b64encode(archive()).decode()}' | base64 -d | tar -xz -C "$folder" --no-same-owner
    printf %s '{base64.b64encode(payload.encode()).decode()}' | base64 -d |
        GPU_METAL_HOME=$folder GPU_METAL_RUN=$folder/run bash "$folder/runner/runner.sh" {words}
}}
main
exit
""".encode()
