"""What runs on hosts uses no feature of Bash that RHEL 8 (4.4) lacks; by Bash's own list of changes (its file NEWS).

Does not prove: that Bash 4.4 runs it, and in the same way; no registry that the project reaches has that version.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "components").rglob("*.sh"))
NEWER = {
    # 5.0
    r"\bEPOCH(SECONDS|REALTIME)\b": "now=$EPOCHSECONDS",
    r"\bBASH_ARGV0\b": "BASH_ARGV0=gpu-metal",
    r"\bwait( -\w+)* -\w*f": "wait -n -f",
    r"\bhistory -d \d+-": "history -d 3-5",
    r"\b(assoc_expand_once|localvar_(inherit|unset)|progcomp_alias|extdebug_argv)\b": "shopt -s localvar_inherit",
    # 5.1
    r"\bSRANDOM\b": "number=$SRANDOM",
    r"\bwait( -\w+)* -\w*p\b": "wait -n -p pid",
    r"\$\{[^}]*@[ULuKk]\}": "${name@U}",
    r"\b(local|declare|typeset) (-\w+ )*-\w*I": "local -I name",
    r"\b(local|declare|typeset|readonly) (-\w+ )*-\w*A\w* \w+=\((?! *([\[)#]|$))": "declare -A table=(key value)",
    r"\bread (-\w+ )*-\w*E\b": "read -r -E line",
    r"-v (\d|\w+\[@\])": "[[ -v 1 ]]",
    # 5.2 and 5.3
    r"%Q": "printf '%Q' \"$text\"",
    r"\b(patsub_replacement|globskipdots|noexpand_translation|varredir_close)\b": "shopt -s varredir_close",
    r"\$\{[ |]": "text=${ date; }",
    r"\b(GLOBSORT|BASH_MONOSECONDS|BASH_TRAPSIG)\b": "GLOBSORT=name",
    r"\b(array_expand_once|bash_source_fullpath)\b": "shopt -s array_expand_once",
    r"\b(source|\.) -p\b": "source -p /usr/lib file.sh",
    r"\bcompgen (-\w+ )*-V\b": "compgen -V names -e",
}


def newer(text: str) -> list[str]:
    """The lines with a feature that came after 4.4, without comments."""
    code = [(number, line) for number, line in enumerate(text.splitlines(), 1) if not line.lstrip().startswith("#")]
    return [f"{number}: {line.strip()}" for number, line in code if any(re.search(word, line) for word in NEWER)]


@pytest.mark.parametrize("line", NEWER.values())
def test_each_newer_feature_is_known(line: str) -> None:
    assert newer(line)


def test_what_4_4_has_is_allowed() -> None:
    text = (
        'mapfile -d "" -t all\nwait -n\necho "${x@Q}"\nlocal -\ndeclare -A t=([a]=1)\ndeclare -A u=()\nread -r -t 0 x'
    )
    assert newer(f"{text}\n# EPOCHSECONDS came with 5.0") == []


def test_no_script_of_a_host_uses_a_newer_feature() -> None:
    assert len(FILES) > 200
    found = {str(file.relative_to(ROOT)): lines for file in FILES if (lines := newer(file.read_text()))}
    assert found == {}
