"""The text of a site file and its YAML nodes, within limits: a file that cannot be a site's is refused before any work.

Rows: X1.
"""

import re
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node

from stacks.faults import Fault, Mark, SiteError
from stacks.yaml_faults import line_of, told

BYTES = 1 << 20
"""Of one file. A site of 1,000 hosts, each on a line of its own, has 60 KB."""
VALUES = 100_000
"""Of one file, with what its anchors repeat."""
DEPTH = 50
"""Of brackets that open one behind the other."""
HOSTS = 10_000
"""Of one site, with what its ranges mean."""

_DEEP = "has maps or lists nested too deep for any site. Fix: correct its brackets."
_OPENED = re.compile(rf"(?:[\[{{][ \t]*){{{DEPTH}}}")
"""The parser's time grows with the square of their number."""
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2 does not print (section 5.1)."""


def compose(path: Path, label: str, draft: str | None = None) -> MappingNode:
    """The nodes of a YAML file with a map at its top. Raises SiteError, whose marks name the file `label`.

    `draft` is a text that is to replace the file's: it is read instead.
    """

    def refused(line: int | None, text: str) -> SiteError:
        return SiteError([Fault(Mark(label, line), (), text)])

    text = _text(path, label, draft)
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise refused(line_of(error), told(error, text)) from None
    except YAMLError as error:
        raise refused(None, f"cannot be read: {error}.") from None
    except RecursionError:
        raise refused(1, _DEEP) from None
    if not isinstance(node, MappingNode):
        raise refused(1, "is not a map of keys.")
    return node


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BYTES + 1)


def _text(path: Path, label: str, draft: str | None) -> str:
    """The file's text. Raises SiteError: too long, not UTF-8, or with a character that no YAML file may have."""

    def refused(line: int | None, text: str) -> SiteError:
        return SiteError([Fault(Mark(label, line), (), text)])

    try:
        content = _content(path) if draft is None else draft.encode()
    except OSError as error:
        raise refused(None, f"cannot be read: {error.strerror}.") from None
    if len(content) > BYTES:
        fix = "Fix: write hosts that are alike as one range, such as gpu-[1-100]."
        raise refused(None, f"has more than {BYTES >> 20} MiB, which no site needs. {fix}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        seen = f"is not UTF-8: it has the byte 0x{content[error.start]:02x} here."
        fix = f"Fix: save it as UTF-8 (iconv -f ENCODING -t UTF-8 {label})."
        raise refused(line, f"{seen} {fix}") from None
    if odd := _CONTROL.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise refused(line, f"has the character U+{ord(odd[0]):04X} here, which YAML does not allow. Fix: delete it.")
    if opened := _OPENED.search(text):
        raise refused(text.count("\n", 0, opened.start()) + 1, _DEEP)
    return text
