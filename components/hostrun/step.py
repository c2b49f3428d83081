"""A step: one bash file and its inputs. Pure data; nothing here touches a host or Pulumi."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

RUNNER = "/usr/local/sbin/gpu-metal"
"""On a host, by its full path: the secure_path of RHEL's sudo does not have its folder."""

COMPONENTS = Path(__file__).parents[1]


@cache
def content(script: Path) -> bytes:
    """What a host runs for a step: the `lib.sh` of each room that a line `# uses: ROOM` names, then the step itself."""
    return b"".join(path.read_bytes() for path in [*libraries(script), script])


@cache
def libraries(script: Path) -> Sequence[Path]:
    """The `lib.sh` files that a step or a `lib.sh` uses, each once and after those that it uses itself.

    Raises ValueError for a room that has none.
    """
    found: list[Path] = []
    for words in re.findall(r"^# uses: (.+)$", script.read_text(), re.MULTILINE):
        for room in words.split():
            own = _library(room, script)
            found += [path for path in [*libraries(own), own] if path not in found]
    return found


def _library(room: str, script: Path) -> Path:
    found = [*COMPONENTS.glob(f"{room}/lib.sh"), *COMPONENTS.glob(f"*/{room}/lib.sh")]
    if room == "hostrun" or len(found) != 1:
        seen = ", ".join(str(path) for path in found) or "no lib.sh"
        raise ValueError(f"{script}: `# uses: {room}` finds {seen}. Fix: name another room, one that has a lib.sh")
    return found[0]


@cache
def _digest(script: Path) -> str:
    return sha256(content(script)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is made true on a host.

    `script` has the functions check, apply and, where it can be undone, undo.
    `inputs` are short and public (they are on the command line), `bulk` is long and public (stdin, kept on the
    host for check), `secrets` maps an input to the *name* of a secret (stdin, never kept).
    `label` tells two uses of one script in one layer apart.
    """

    script: Path
    inputs: Mapping[str, str] = field(default_factory=dict)
    bulk: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    @property
    def id(self) -> str:
        """`name` or `name#label`: unique in its layer, and the key of the ledger's line."""
        return f"{self.script.stem}#{self.label}" if self.label else self.script.stem

    @property
    def ref(self) -> str:
        """`name@digest[#label]`, as on the command line: the digest is 12 hex digits of the SHA-256 of
        the file and of what it uses."""
        label = f"#{self.label}" if self.label else ""
        return f"{self.script.stem}@{_digest(self.script)}{label}"

    def words(self) -> str:
        """The step as shell words: `ref key=value …`, quoted where needed."""
        return " ".join([shlex.quote(self.ref), *(shlex.quote(f"{k}={v}") for k, v in self.inputs.items())])


def command_line(layer: str, steps: Sequence[Step]) -> str:
    """`…/gpu-metal apply LAYER :: STEP … :: STEP …`, one step a line so that a diff shows the one that changed."""
    ids = [step.id for step in steps]
    if doubled := {i for i in ids if ids.count(i) > 1}:
        raise ValueError(f"layer {layer} has {sorted(doubled)} more than once: give each a label")
    return " \\\n".join([f"{RUNNER} apply {layer}", *(f"  :: {step.words()}" for step in steps)])


def payload(steps: Sequence[Step], secrets: Mapping[str, str]) -> str:
    """What goes by stdin: for each bulk or secret input a line `kind step key N`, then its N lines.

    `secrets` maps secret names to their values. Empty when no step needs any of it.
    """
    parts: list[str] = []
    for step in steps:
        for key, text in step.bulk.items():
            parts.append(_block("bulk", step.id, key, text))
        for key, name in step.secrets.items():
            parts.append(_block("secret", step.id, key, secrets[name]))
    return "".join(parts)


def _block(kind: str, step: str, key: str, text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    return "\n".join([f"{kind} {step} {key} {len(lines)}", *lines]) + "\n"
